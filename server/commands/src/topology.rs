//! What clients follow to learn of changes: `topologyVersion`.
//!
//! Owns the counter that grows with each change a `hello` would show, and the waiting for it. On a
//! standalone the only change is that it goes down; on a member of a set also its role, the primary
//! it knows and the configuration.

use quire_bson::{Bson, ObjectId, doc};
use quire_execution::wait::Signal;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// The version of what `hello` shows.
#[derive(Debug)]
pub struct Topology {
    process: ObjectId,
    counter: AtomicI64,
    shutting_down: AtomicBool,
    pub changed: Signal,
}

impl Topology {
    pub fn new(process: ObjectId) -> Topology {
        Topology {
            process,
            counter: AtomicI64::new(0),
            shutting_down: AtomicBool::new(false),
            changed: Signal::default(),
        }
    }

    pub fn process(&self) -> ObjectId {
        self.process
    }

    pub fn counter(&self) -> i64 {
        self.counter.load(Ordering::Acquire)
    }

    pub fn version(&self) -> Bson {
        Bson::from(doc! { "processId": self.process, "counter": self.counter() })
    }

    /// What `hello` shows of the set has changed.
    pub fn change(&self) {
        self.counter.fetch_add(1, Ordering::AcqRel);
        self.changed.notify();
    }

    /// From now on the server says that it is going down.
    pub fn shut_down(&self) {
        self.shutting_down.store(true, Ordering::Release);
        self.change();
    }

    pub fn is_shutting_down(&self) -> bool {
        self.shutting_down.load(Ordering::Acquire)
    }
}
