//! The last lines of the log, kept in memory for `getLog`.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What mongod keeps; tools show them all.
pub(super) const LINES_MAX: usize = 1024;

/// The logs that `getLog` can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RecentLog {
    /// Every line.
    Global,
    /// Lines tagged `startupWarnings`: what an operator should know about this machine.
    StartupWarnings,
}

/// What `getLog` answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Recent {
    /// Lines ever written to this log.
    pub(crate) total: u64,
    /// The last of them, oldest first, without line ends.
    pub(crate) lines: Vec<Arc<str>>,
}

#[derive(Default)]
pub(super) struct RecentLines {
    global: Mutex<Ring>,
    startup_warnings: Mutex<Ring>,
}

#[derive(Default)]
struct Ring {
    total: u64,
    lines: VecDeque<Arc<str>>,
}

impl RecentLines {
    pub(super) fn push(&self, log: RecentLog, line: &Arc<str>) {
        let mut ring = self.ring(log);
        ring.total = ring.total.saturating_add(1);
        if ring.lines.len() == LINES_MAX {
            ring.lines.pop_front();
        }
        ring.lines.push_back(Arc::clone(line));
    }

    pub(super) fn of(&self, log: RecentLog) -> Recent {
        let ring = self.ring(log);
        Recent { total: ring.total, lines: ring.lines.iter().cloned().collect() }
    }

    pub(super) fn clear(&self, log: RecentLog) {
        *self.ring(log) = Ring::default();
    }

    fn ring(&self, log: RecentLog) -> MutexGuard<'_, Ring> {
        let ring = match log {
            RecentLog::Global => &self.global,
            RecentLog::StartupWarnings => &self.startup_warnings,
        };
        // A ring is whole between any two statements, so a panic elsewhere leaves it usable.
        ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
