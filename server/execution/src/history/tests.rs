use super::{CLOSELY, RECENT_MAX, Unkept};
use crate::wait::Signal;
use crate::{Announcing, History};
use quire_bson::{DocBuf, doc};
use quire_documents::{CollectionId, Documents, Effect, Effects, IndexId, Layout, Namespace};
use quire_engine::MemoryEngine;
use quire_keys::KeySpace;
use quire_log::{Entry, EntryKind, LogIndex, StateMachine, Term, Timestamp};
use std::sync::Arc;

const COLLECTION: CollectionId = CollectionId(1);

/// A state in which the number of documents tells how many entries were applied.
struct Log {
    machine: Announcing,
    next: u64,
}

impl Log {
    fn new() -> Log {
        let engine = Arc::new(MemoryEngine::new(KeySpace::ALL.len()));
        let documents = Arc::new(Documents::open(engine).unwrap());
        let machine = Announcing::new(documents, Arc::new(Signal::default()));
        let mut log = Log { machine, next: 1 };
        let create = Effect::CreateCollection {
            id: COLLECTION,
            namespace: Namespace::new("db", "c").unwrap(),
            uuid: [0; 16],
            options: DocBuf::new(),
            layout: Layout::ById,
            id_index: IndexId(1),
        };
        let entry = log.entry(Timestamp::new(1, 0), create);
        log.machine.apply(&[entry]).unwrap();
        log
    }

    fn entry(&mut self, timestamp: Timestamp, effect: Effect) -> Entry {
        let payload =
            Effects { wall_millis: 0, effects: vec![effect], ..Effects::default() }.encode();
        let index = LogIndex(self.next);
        self.next += 1;
        Entry { index, term: Term(1), timestamp, kind: EntryKind::Effects, payload: payload.into() }
    }

    /// Applies a document at each of these times as one step.
    fn write(&mut self, times: &[Timestamp]) {
        let mut entries = Vec::new();
        for time in times {
            let doc = DocBuf::from(&doc! {"_id": i64::try_from(self.next).unwrap()});
            let effect = Effect::InsertRow {
                collection: COLLECTION,
                revision: *time,
                doc,
                partial: Vec::new(),
            };
            entries.push(self.entry(*time, effect));
        }
        self.machine.apply(&entries).unwrap();
    }

    fn history(&self) -> &History {
        self.machine.history()
    }

    /// The documents that there were at a time; `None` when nobody can say.
    fn documents_at(&self, time: Timestamp) -> Option<u64> {
        match self.history().at(time) {
            Ok(moment) => Some(moment.view().unwrap().counts(COLLECTION).unwrap().documents),
            Err(Unkept::Gone) => None,
            Err(Unkept::Engine(error)) => panic!("{error}"),
        }
    }
}

fn at(seconds: u32, increment: u32) -> Timestamp {
    Timestamp::new(seconds, increment)
}

#[test]
fn nothing_is_kept_before_somebody_reads_the_past() {
    let mut log = Log::new();
    log.write(&[at(10, 1)]);
    log.write(&[at(10, 2)]);
    assert_eq!(log.documents_at(at(10, 1)), None);
    assert_eq!(log.documents_at(at(10, 2)), Some(2));
}

#[test]
fn after_a_read_every_state_is_kept_however_entries_are_applied() {
    let mut log = Log::new();
    log.write(&[at(10, 1)]);
    log.history().is_read().unwrap();
    log.write(&[at(10, 2), at(10, 5), at(11, 1)]);
    log.write(&[at(11, 7)]);
    let table = [
        (at(10, 0), None),
        (at(10, 1), Some(1)),
        (at(10, 2), Some(2)),
        (at(10, 4), Some(2)),
        (at(10, 5), Some(3)),
        (at(11, 0), Some(3)),
        (at(11, 1), Some(4)),
        (at(11, 7), Some(5)),
        (at(12, 0), Some(5)),
    ];
    for (time, documents) in table {
        assert_eq!(log.documents_at(time), documents, "{time:?}");
    }
}

#[test]
fn a_moment_stays_as_it_was_chosen() {
    let mut log = Log::new();
    log.write(&[at(10, 1)]);
    let moment = log.history().newest().unwrap();
    log.write(&[at(10, 2)]);
    assert_eq!(moment.at(), at(10, 1));
    assert_eq!(moment.view().unwrap().counts(COLLECTION).unwrap().documents, 1);
    assert_eq!(log.history().newest().unwrap().at(), at(10, 2));
}

#[test]
fn the_further_past_is_kept_by_the_second() {
    let mut log = Log::new();
    log.write(&[at(10, 1)]);
    log.history().is_read().unwrap();
    let late = 11 + 2 * CLOSELY;
    for second in 11..late {
        log.write(&[at(second, 1), at(second, 2), at(second, 3)]);
    }
    let seconds = u64::from(late - 12);
    assert_eq!(log.documents_at(at(late - 2, 3)), Some(1 + 3 * seconds));
    assert_eq!(log.documents_at(at(late - 2, 2)), None);
    // The reads above begin to keep closely again, and what is old by then is thinned out.
    assert_eq!(log.documents_at(at(12, 3)), Some(7));
    assert_eq!(log.documents_at(at(12, 2)), None);
}

#[test]
fn what_somebody_holds_is_not_thinned_out() {
    let mut log = Log::new();
    log.write(&[at(10, 1)]);
    let held = log.history().newest().unwrap();
    log.write(&[at(10, 2)]);
    log.write(&[at(11 + CLOSELY, 1)]);
    log.write(&[at(12 + CLOSELY, 1)]);
    assert!(held.view().is_some());
    assert_eq!(log.documents_at(at(10, 1)), Some(1));
}

#[test]
fn the_window_ends_what_is_held_too() {
    let mut log = Log::new();
    log.history().set_window(20);
    log.write(&[at(10, 1)]);
    let held = log.history().newest().unwrap();
    log.write(&[at(11, 1)]);
    // A later read of the newest state does not make the old one younger.
    log.write(&[at(25, 1)]);
    log.history().is_read().unwrap();
    log.write(&[at(31, 1)]);
    assert!(held.view().is_some());
    log.write(&[at(32, 1)]);
    assert!(held.view().is_none());
    assert_eq!(log.documents_at(at(10, 1)), None);
    assert_eq!(log.documents_at(at(25, 1)), Some(3));
}

#[test]
fn nothing_is_kept_any_more_once_nobody_has_read_for_the_window() {
    let mut log = Log::new();
    log.history().set_window(20);
    log.write(&[at(10, 1)]);
    log.history().is_read().unwrap();
    log.write(&[at(29, 1)]);
    log.write(&[at(49, 1)]);
    assert!(log.history().states.lock().read_at.is_some());
    log.write(&[at(50, 1)]);
    let states = log.history().states.lock();
    assert!(states.read_at.is_none() && states.recent.is_empty() && states.old.is_empty());
}

#[test]
fn the_states_of_a_busy_second_are_bounded() {
    let mut log = Log::new();
    log.history().is_read().unwrap();
    let many = u32::try_from(RECENT_MAX).unwrap() + 100;
    let times: Vec<_> = (1..=many).map(|n| at(10, n)).collect();
    log.write(&times);
    assert!(log.history().states.lock().recent.len() <= RECENT_MAX + 1);
    assert_eq!(log.documents_at(at(10, 1)), None);
    assert_eq!(log.documents_at(at(10, many - 10)), Some(u64::from(many - 10)));
}

#[test]
fn a_step_that_is_given_again_passes_over_what_is_applied() {
    let mut log = Log::new();
    log.history().is_read().unwrap();
    let doc = |n: i32| DocBuf::from(&doc! {"_id": n});
    let insert = |n: i32, revision: Timestamp| Effect::InsertRow {
        collection: COLLECTION,
        revision,
        doc: doc(n),
        partial: Vec::new(),
    };
    let entries =
        [log.entry(at(10, 1), insert(1, at(10, 1))), log.entry(at(10, 2), insert(2, at(10, 2)))];
    log.machine.apply(&entries[..1]).unwrap();
    log.machine.apply(&entries).unwrap();
    log.machine.apply(&entries).unwrap();
    assert_eq!(log.documents_at(at(10, 1)), Some(1));
    assert_eq!(log.documents_at(at(10, 2)), Some(2));
}
