//! Which processors a server and its load run on.
//!
//! Owns pinning. With a single connection one side always waits for the other, and waking it costs
//! 30 us more on another processor than on the same one; where the scheduler puts the two is chance,
//! and half of the figure. So a single connection is measured with both ends on the same processor,
//! and more than one wherever the scheduler likes.

use quire_tests::{Failure, Result};
use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::fs;

/// The threads of a server's processes on one processor, until this is dropped.
pub(crate) struct Pinned {
    process_ids: Vec<u32>,
    before: CpuSet,
    processor: CpuSet,
}

impl Pinned {
    pub(crate) fn new(process_ids: Vec<u32>) -> Result<Pinned> {
        let before = sched_getaffinity(None).map_err(|e| Failure::from(std::io::Error::from(e)))?;
        let first = (0..CpuSet::MAX_CPU).find(|processor| before.is_set(*processor));
        let mut processor = CpuSet::new();
        processor.set(first.unwrap_or(0));
        let pinned = Pinned { process_ids, before, processor };
        pinned.process_ids.iter().try_for_each(|process| place(*process, &processor))?;
        Ok(pinned)
    }

    /// The processor, for the load's own thread.
    pub(crate) fn processor(&self) -> CpuSet {
        self.processor
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        for process in &self.process_ids {
            // A server that has ended has no threads to give back.
            let _ = place(*process, &self.before);
        }
    }
}

/// Moves the calling thread.
pub(crate) fn place_this_thread(processors: &CpuSet) -> Result<()> {
    Ok(sched_setaffinity(None, processors).map_err(std::io::Error::from)?)
}

fn place(process_id: u32, processors: &CpuSet) -> Result<()> {
    let tasks = format!("/proc/{process_id}/task");
    let tasks = match fs::read_dir(&tasks) {
        Ok(tasks) => tasks,
        // A process of many may end between being listed and being moved.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Failure::during(&tasks)(error)),
    };
    for task in tasks {
        let name = task?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        // No number would mean ourselves.
        let Some(thread) = number.and_then(Pid::from_raw) else { continue };
        match sched_setaffinity(Some(thread), processors) {
            // A thread may end between being listed and being moved.
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(std::io::Error::from(error).into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_process_runs_on_one_processor_and_then_where_it_did() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let count = || sched_getaffinity(Some(pid)).unwrap().count();
        let before = count();
        let pinned = Pinned::new(vec![child.id()]).unwrap();
        assert_eq!((count(), pinned.processor().count()), (1, 1));
        drop(pinned);
        assert_eq!(count(), before);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
