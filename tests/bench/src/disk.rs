//! The disk's ceiling: how often one thread can bring so many bytes to disk.
//!
//! Owns two ways of it, both in the directory where the server keeps its data: appended to a file that
//! grows, and written over the bytes of a file that has its full length already. A log can do no better
//! than the second for a single client; many clients share one flush.

use crate::histogram::Histogram;
use crate::scratch::Scratch;
use quire_tests::{Failure, Result};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// The length of the file that is written over, at the least.
const PREALLOCATED_BYTES: usize = 16 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Append,
    Overwrite,
}

/// Writes and flushes `bytes` at a time for a while.
pub(crate) fn measure(
    parent: &Path,
    manner: Manner,
    bytes: usize,
    duration: Duration,
) -> Result<(Histogram, Duration)> {
    let scratch = Scratch::new(parent, "disk")?;
    let file = File::create(scratch.path().join("file"))?;
    let room = match manner {
        Manner::Append => u64::MAX,
        Manner::Overwrite => preallocate(&file, bytes)?,
    };
    let payload = vec![0xA5; bytes];
    let mut latencies = Histogram::new();
    let mut at = 0u64;
    let started = Instant::now();
    loop {
        let begun = Instant::now();
        if begun - started >= duration {
            return Ok((latencies, begun - started));
        }
        if at + bytes as u64 > room {
            at = 0;
        }
        file.write_all_at(&payload, at).map_err(Failure::during("writing"))?;
        file.sync_data().map_err(Failure::during("flushing"))?;
        at += bytes as u64;
        latencies.record(begun.elapsed());
    }
}

/// Fills the file with zeros, on disk; returns its length. A hole would be an allocation later.
fn preallocate(file: &File, bytes: usize) -> Result<u64> {
    let zeros = vec![0; PREALLOCATED_BYTES.max(8 * bytes)];
    file.write_all_at(&zeros, 0).map_err(Failure::during("preallocating"))?;
    file.sync_all().map_err(Failure::during("preallocating"))?;
    Ok(zeros.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_manners_write_and_leave_nothing() {
        let parent = std::env::temp_dir().join(format!("quire-disk-test-{}", std::process::id()));
        for manner in [Manner::Append, Manner::Overwrite] {
            let (latencies, took) =
                measure(&parent, manner, 1024, Duration::from_millis(20)).unwrap();
            assert!(latencies.total() > 0, "{manner:?}");
            assert!(took >= Duration::from_millis(20), "{manner:?}");
        }
        assert_eq!(std::fs::read_dir(&parent).unwrap().count(), 0);
        std::fs::remove_dir(&parent).unwrap();
    }
}
