//! What clients follow to learn of changes: `topologyVersion`.
//!
//! Owns the counter that grows with each change a `hello` would show, and the waiting for it. On a
//! standalone the only change is that it goes down; on a member of a set also its role, the primary
//! it knows and the configuration.

use quire_bson::{Bson, ObjectId, doc};
use quire_execution::wait::Signal;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

/// The version of what `hello` shows.
#[derive(Debug)]
pub struct Topology {
    process: ObjectId,
    counter: AtomicI64,
    /// The last version under which a client was told that writes are taken here.
    told_writable: AtomicI64,
    /// Until when those who are served may go on, once the server goes down.
    leaves_at: OnceLock<Instant>,
    pub changed: Signal,
}

impl Topology {
    pub fn new(process: ObjectId) -> Topology {
        Topology {
            process,
            counter: AtomicI64::new(0),
            told_writable: AtomicI64::new(-1),
            leaves_at: OnceLock::new(),
            changed: Signal::default(),
        }
    }

    pub fn process(&self) -> ObjectId {
        self.process
    }

    pub fn counter(&self) -> i64 {
        self.counter.load(Ordering::Acquire)
    }

    /// What clients compare.
    pub fn version(&self, counter: i64) -> Bson {
        Bson::from(doc! { "processId": self.process, "counter": counter })
    }

    /// A client is about to be told under this version that writes are taken here.
    pub fn note_writable(&self, counter: i64) {
        self.told_writable.fetch_max(counter, Ordering::AcqRel);
    }

    /// The version of an error which says that this member is not primary. Drivers take no notice of
    /// one that is not newer than what they know, and would come again at once.
    pub fn version_of_refusal(&self) -> Bson {
        loop {
            let counter = self.counter();
            if counter > self.told_writable.load(Ordering::Acquire) {
                return self.version(counter);
            }
            self.change();
        }
    }

    /// What `hello` shows of the set has changed.
    pub fn change(&self) {
        self.counter.fetch_add(1, Ordering::AcqRel);
        self.changed.notify();
    }

    /// From now on the server says that it is going down, and in what time at the latest.
    pub fn shut_down(&self, patience: Duration) {
        let now = Instant::now();
        let _ = self.leaves_at.set(now.checked_add(patience).unwrap_or(now));
        self.change();
    }

    pub fn is_shutting_down(&self) -> bool {
        self.leaves_at.get().is_some()
    }

    /// How long those who are served may still go on, once the server goes down.
    pub fn time_left(&self) -> Option<Duration> {
        self.leaves_at.get().map(|at| at.saturating_duration_since(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::Topology;
    use quire_bson::{Bson, ObjectId};

    #[test]
    fn a_refusal_is_newer_than_what_it_contradicts_and_no_newer_than_needed() {
        let topology = Topology::new(ObjectId::new());
        let counter = |version: Bson| version.as_document().unwrap().get_i64("counter").unwrap();
        assert_eq!(counter(topology.version_of_refusal()), 0);
        topology.note_writable(topology.counter());
        assert_eq!(counter(topology.version_of_refusal()), 1);
        assert_eq!(counter(topology.version_of_refusal()), 1);
        topology.change();
        assert_eq!(counter(topology.version_of_refusal()), 2);
        assert_eq!(topology.changed.generation(), 2);
    }
}
