use super::{Data, FailPoint, Switch};
use crate::fields::Fields;
use crate::mode::Mode;
use quire_bson::{DocBuf, RawDoc, doc};
use quire_errors::Result;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Wake};

#[derive(Debug)]
struct Number(i64);

impl Data for Number {
    fn read(fields: &mut Fields<'_>) -> Result<Number> {
        Ok(Number(fields.whole_number("n")?.unwrap_or(0)))
    }
}

fn set(point: &FailPoint<Number>, mode: Mode, n: i64) -> u64 {
    point.configure(mode, DocBuf::from(&doc! { "n": n }).as_raw()).unwrap()
}

#[test]
fn a_new_point_is_off_and_gives_its_data_once_it_is_on() {
    let point = FailPoint::<Number>::default();
    assert!(!point.is_on() && point.enter().is_none());
    assert_eq!(set(&point, Mode::AlwaysOn, 7), 0);
    assert_eq!(point.enter().map(|data| data.0), Some(7));
    assert_eq!(set(&point, Mode::Off, 0), 1);
    assert!(!point.is_on() && point.enter().is_none());
}

#[test]
fn only_what_concerns_the_point_uses_its_times_up() {
    let point = FailPoint::<Number>::default();
    set(&point, Mode::Times(2), 0);
    for _ in 0..5 {
        assert!(point.enter_if(|_| false).is_none());
    }
    assert!(point.enter().is_some() && point.enter().is_some());
    assert!(!point.is_on(), "off by itself");
    assert!(point.enter().is_none());
    set(&point, Mode::Skip(1), 0);
    assert!(point.enter_if(|_| false).is_none());
    assert!(point.enter().is_none());
    assert!(point.enter().is_some());
    assert_eq!(point.entered(), 3, "what was passed by is not counted");
}

#[test]
fn the_count_goes_on_over_every_setting() {
    let point = FailPoint::<Number>::default();
    set(&point, Mode::AlwaysOn, 0);
    point.enter();
    assert_eq!(set(&point, Mode::Times(1), 0), 1);
    point.enter();
    assert_eq!(set(&point, Mode::Off, 0), 2);
}

#[test]
fn refused_data_changes_nothing_and_a_point_switched_off_reads_none() {
    let point = FailPoint::<Number>::default();
    set(&point, Mode::AlwaysOn, 7);
    let unknown = DocBuf::from(&doc! { "m": 1 });
    assert_eq!(point.configure(Mode::Times(1), unknown.as_raw()).unwrap_err().code().number(), 2);
    assert_eq!(point.shown(), doc! { "mode": 1, "data": { "n": 7_i64 } });
    point.configure(Mode::Off, unknown.as_raw()).unwrap();
    assert_eq!(point.shown(), doc! { "mode": 0, "data": {} });
}

#[test]
fn about_as_many_are_entered_as_the_probability_says() {
    let point = FailPoint::<()>::default();
    point.configure(Mode::Random(0.25), RawDoc::EMPTY).unwrap();
    let entered = (0..10_000).filter(|_| point.enter().is_some()).count();
    assert!((2_000..3_000).contains(&entered), "{entered}");
}

#[derive(Default)]
struct Woken(AtomicU64);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn who_waits_for_entries_is_woken_by_each_and_done_at_the_last() {
    let point = FailPoint::<Number>::default();
    set(&point, Mode::AlwaysOn, 0);
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let mut cx = Context::from_waker(&waker);
    let mut waiting = pin!(point.wait_until_entered(2));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    point.enter();
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    point.enter();
    assert!(waiting.as_mut().poll(&mut cx).is_ready());
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
}

#[test]
fn threads_that_enter_at_once_share_the_times() {
    let point = FailPoint::<Number>::default();
    set(&point, Mode::Times(100), 0);
    let entered: usize = std::thread::scope(|scope| {
        let enter = || (0..100).filter(|_| point.enter().is_some()).count();
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(enter)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((entered, point.entered()), (100, 100));
}

#[test]
fn who_waits_for_the_end_of_a_fault_is_done_when_it_is_off_and_not_when_it_changes() {
    let point = FailPoint::<Number>::default();
    set(&point, Mode::AlwaysOn, 0);
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let mut cx = Context::from_waker(&waker);
    let mut waiting = pin!(point.until_off());
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    set(&point, Mode::Skip(1), 1);
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    point.configure(Mode::Off, RawDoc::EMPTY).unwrap();
    assert!(waiting.as_mut().poll(&mut cx).is_ready());
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    assert!(pin!(point.until_off()).poll(&mut cx).is_ready());
}
