//! When an operation counts as slow, and which databases are profiled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Settings of the profiler and of slow-operation lines.
#[derive(Debug)]
pub struct Profiling {
    slow_millis: AtomicU64,
}

impl Profiling {
    pub fn new(slow_millis: u64) -> Profiling {
        Profiling { slow_millis: AtomicU64::new(slow_millis) }
    }

    /// How long an operation may take before it is reported.
    pub fn slow_after(&self) -> Duration {
        Duration::from_millis(self.slow_millis.load(Ordering::Relaxed))
    }
}
