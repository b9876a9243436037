//! The processes that are measured: the server itself, and what it is compared with.
//!
//! Owns starting them on directories of their own, filling them, and ending them.

pub(crate) mod canned;
pub(crate) mod etcd;
pub(crate) mod postgres;
pub(crate) mod quired;
pub(crate) mod replica_set;

use crate::process::usage;
use crate::target::Processes;
use quire_tests::Result;
use std::process::Child;
use std::time::{Duration, Instant};

/// How often an idle process is looked at, and what it may use in between.
const LOOK: Duration = Duration::from_millis(100);
const IDLE: Duration = Duration::from_millis(10);

/// How long background work may go on before a window begins all the same.
const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until processes have nothing more to do: compactions of what was written before.
pub(crate) fn settle(processes: &Processes) -> Result<()> {
    let cpu = || -> Result<Duration> {
        let ids = processes.ids()?;
        Ok(ids.into_iter().filter_map(|id| usage(id).ok()).map(|usage| usage.cpu).sum())
    };
    let begun = Instant::now();
    let mut before = cpu()?;
    let mut idle_looks = 0;
    while idle_looks < 3 && begun.elapsed() < PATIENCE {
        std::thread::sleep(LOOK);
        let now = cpu()?;
        idle_looks = if now.saturating_sub(before) <= IDLE { idle_looks + 1 } else { 0 };
        before = now;
    }
    Ok(())
}

/// Ends a process whose data is thrown away.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
