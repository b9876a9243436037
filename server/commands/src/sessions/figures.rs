//! What `serverStatus.logicalSessionRecordCache` tells of the jobs around sessions.

use parking_lot::Mutex;
use std::time::Duration;

/// One kind of job: how often it ran, and how its last run went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Job {
    pub count: usize,
    pub took: Duration,
    pub at_millis: i64,
    pub used: usize,
    pub ended: usize,
}

/// The jobs of a server since its start.
#[derive(Default)]
pub struct Figures {
    /// Writing the collection.
    refreshes: Mutex<Job>,
    /// Forgetting records of numbered writes.
    reaps: Mutex<Job>,
}

impl Figures {
    pub fn refreshed(&self, run: Job) {
        note(&self.refreshes, run);
    }

    pub fn reaped(&self, run: Job) {
        note(&self.reaps, run);
    }

    pub fn refreshes(&self) -> Job {
        *self.refreshes.lock()
    }

    pub fn reaps(&self) -> Job {
        *self.reaps.lock()
    }
}

fn note(job: &Mutex<Job>, run: Job) {
    let mut job = job.lock();
    *job = Job { count: job.count.saturating_add(1), ..run };
}
