//! One point: a switch with a mode, its data, and a count of how often it was entered.
//!
//! Owns the promise that a point which is off costs one relaxed load, and that only what the caller's
//! condition lets through is counted.

use crate::fields::Fields;
use crate::mode::Mode;
use parking_lot::Mutex;
use quire_bson::{DocBuf, Document, RawDoc, doc};
use quire_errors::Result;
use std::collections::hash_map::RandomState;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Poll, Waker};

/// What a point reads from the `data` of `configureFailPoint`.
pub trait Data: Sized + Send + Sync + 'static {
    fn read(fields: &mut Fields<'_>) -> Result<Self>;
}

/// For points that take no data.
impl Data for () {
    fn read(_fields: &mut Fields<'_>) -> Result<()> {
        Ok(())
    }
}

/// A point with data of type `D`.
#[derive(Debug)]
pub struct FailPoint<D> {
    is_on: AtomicBool,
    state: Mutex<State<D>>,
}

#[derive(Debug)]
struct State<D> {
    mode: Mode,
    set: Option<Set<D>>,
    entered: u64,
    random: u64,
    waiting: Vec<Waker>,
}

/// What was set last, until it is off.
#[derive(Debug)]
struct Set<D> {
    data: Arc<D>,
    shown: DocBuf,
}

impl<D> Default for FailPoint<D> {
    fn default() -> FailPoint<D> {
        let state =
            State { mode: Mode::Off, set: None, entered: 0, random: seed(), waiting: Vec::new() };
        FailPoint { is_on: AtomicBool::new(false), state: Mutex::new(state) }
    }
}

/// A number that is another one each time; the standard library has no other source of them.
fn seed() -> u64 {
    RandomState::new().hash_one(0) | 1
}

impl<D> FailPoint<D> {
    /// Whether there is anything to ask. Whoever switched the point on and heard so is seen here.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    /// Enters the point if it is on and its mode lets it happen now.
    #[inline]
    pub fn enter(&self) -> Option<Arc<D>> {
        self.enter_if(|_| true)
    }

    /// The same for what `concerns` says yes to; nothing else is counted.
    #[inline]
    pub fn enter_if(&self, concerns: impl FnOnce(&D) -> bool) -> Option<Arc<D>> {
        if !self.is_on() {
            return None;
        }
        self.enter_slowly(concerns)
    }

    #[cold]
    fn enter_slowly(&self, concerns: impl FnOnce(&D) -> bool) -> Option<Arc<D>> {
        let mut state = self.state.lock();
        let data = state.set.as_ref()?.data.clone();
        if !concerns(&data) {
            return None;
        }
        let State { mode, random, .. } = &mut *state;
        let is_entered = mode.decide(|| next_random(random));
        if !state.mode.is_on() {
            // Who waits for this is woken below: it was entered a last time.
            state.set = None;
            self.is_on.store(false, Ordering::Relaxed);
        }
        if !is_entered {
            return None;
        }
        state.entered = state.entered.saturating_add(1);
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Some(data)
    }

    /// Waits until the point is off: what a fault does that lasts for as long as a test wants.
    pub async fn until_off(&self) {
        std::future::poll_fn(|cx| {
            let mut state = self.state.lock();
            match state.set {
                None => Poll::Ready(()),
                Some(_) => state.wait(cx.waker()),
            }
        })
        .await;
    }

    /// How often the point was entered since the node started.
    pub fn entered(&self) -> u64 {
        self.state.lock().entered
    }
}

impl<D> State<D> {
    /// Has this one woken when the point is entered or switched.
    fn wait<T>(&mut self, waker: &Waker) -> Poll<T> {
        if !self.waiting.iter().any(|waiting| waiting.will_wake(waker)) {
            self.waiting.push(waker.clone());
        }
        Poll::Pending
    }
}

/// Xorshift: even enough for a fault that strikes now and then.
fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// A point as whoever switches it sees it, whatever its data.
pub trait Switch: Send + Sync {
    /// Sets mode and data, and gives how often the point was entered so far. Nothing changes when
    /// the data is refused.
    fn configure(&self, mode: Mode, data: RawDoc<'_>) -> Result<u64>;

    /// Waits until the point has been entered so many times since the node started.
    fn wait_until_entered(&self, times: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;

    /// Mode and data as `getParameter` and the log show them.
    fn shown(&self) -> Document;
}

impl<D: Data> Switch for FailPoint<D> {
    fn configure(&self, mode: Mode, data: RawDoc<'_>) -> Result<u64> {
        let set = match mode.is_on() {
            true => Some(Set { data: Arc::new(parse(data)?), shown: data.into() }),
            false => None,
        };
        let mut state = self.state.lock();
        self.is_on.store(set.is_some(), Ordering::Relaxed);
        state.mode = if set.is_some() { mode } else { Mode::Off };
        state.set = set;
        let entered = state.entered;
        let waiting = std::mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        Ok(entered)
    }

    fn wait_until_entered(&self, times: u64) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::poll_fn(move |cx| {
            let mut state = self.state.lock();
            if state.entered >= times {
                return Poll::Ready(());
            }
            state.wait(cx.waker())
        }))
    }

    fn shown(&self) -> Document {
        let state = self.state.lock();
        let data = state.set.as_ref().map(|set| set.shown.as_raw().to_document());
        doc! { "mode": state.mode.number(), "data": data.unwrap_or_default() }
    }
}

fn parse<D: Data>(data: RawDoc<'_>) -> Result<D> {
    let mut fields = Fields::new(data);
    let read = D::read(&mut fields)?;
    fields.finish()?;
    Ok(read)
}

#[cfg(test)]
mod tests;
