//! Counting what is done, for serverStatus, `top` and metrics.

use crate::stable_api::Usage;
use crate::top::Top;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The classes in which serverStatus counts operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationClass {
    Insert,
    Query,
    Update,
    Delete,
    GetMore,
    /// Many writes in one command; each of them counts as its own kind does.
    BulkWrite,
    Command,
}

/// The classes in which latencies are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LatencyClass {
    Reads,
    Writes,
    Commands,
}

/// Upper bounds of the latency buckets in microseconds.
pub const LATENCY_BOUNDS_MICROS: [u64; 12] =
    [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 10_000_000];

/// A latency histogram.
#[derive(Debug, Default)]
pub struct Latency {
    pub operations: AtomicU64,
    pub micros: AtomicU64,
    /// One counter for each bound and one for what is above the last.
    pub buckets: [AtomicU64; 13],
}

impl Latency {
    fn add(&self, micros: u64) {
        self.operations.fetch_add(1, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
        let bucket = LATENCY_BOUNDS_MICROS.partition_point(|&bound| bound < micros);
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[derive(Debug, Default)]
pub struct Counters {
    pub insert: AtomicU64,
    pub query: AtomicU64,
    pub update: AtomicU64,
    pub delete: AtomicU64,
    pub getmore: AtomicU64,
    pub command: AtomicU64,
    pub reads: Latency,
    pub writes: Latency,
    pub commands: Latency,
    pub asserts_user: AtomicU64,
    pub asserts_tripwire: AtomicU64,
    /// Commands of which an earlier attempt had carried out something, and the statements of them.
    pub retried_commands: AtomicU64,
    pub retried_statements: AtomicU64,
    pub keys_examined: AtomicU64,
    pub docs_examined: AtomicU64,
    pub docs_returned: AtomicU64,
    pub docs_inserted: AtomicU64,
    pub docs_updated: AtomicU64,
    pub docs_deleted: AtomicU64,
    pub ttl_passes: AtomicU64,
    pub ttl_deleted: AtomicU64,
    pub top: Top,
    pub(crate) api_usage: Usage,
    /// Calls and failures of each command.
    pub by_command: Mutex<BTreeMap<&'static str, (u64, u64)>>,
}

impl Counters {
    pub fn latency(&self, class: LatencyClass) -> &Latency {
        match class {
            LatencyClass::Reads => &self.reads,
            LatencyClass::Writes => &self.writes,
            LatencyClass::Commands => &self.commands,
        }
    }

    /// Counts a command of which an earlier attempt had carried out so many statements.
    pub fn retried(&self, statements: usize) {
        self.retried_commands.fetch_add(1, Ordering::Relaxed);
        self.retried_statements.fetch_add(statements as u64, Ordering::Relaxed);
    }

    /// Counts one finished command.
    pub fn finished(&self, name: &'static str, class: LatencyClass, took: Duration, failed: bool) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.latency(class).add(micros);
        if failed {
            self.asserts_user.fetch_add(1, Ordering::Relaxed);
        }
        let mut by_command = self.by_command.lock();
        let entry = by_command.entry(name).or_default();
        entry.0 += 1;
        entry.1 += u64::from(failed);
    }
}
