//! The files that are open.
//!
//! Owns how many are: a log may have thousands of segments, and its process has descriptors for other
//! things too. The newest segment's file is not among these; whoever writes must never want for it.

use super::damaged;
use super::files::{SegmentFile, SegmentFiles, file_name};
use crate::LogError;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Closed segments whose files stay open, besides those that are being read.
pub(super) const OPEN_MAX: usize = 8;

pub(super) struct OpenFiles {
    files: Arc<dyn SegmentFiles>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// The one that was used last is the last.
    files: VecDeque<(u64, Arc<dyn SegmentFile>)>,
    /// Files before this one are forgotten: an open one would take its place on the disk for nothing.
    oldest: u64,
}

impl OpenFiles {
    pub(super) fn of(files: Arc<dyn SegmentFiles>) -> OpenFiles {
        OpenFiles { files, kept: Mutex::default() }
    }

    /// The file of a closed segment, which is opened if it is not open.
    pub(super) fn get(&self, number: u64) -> Result<Arc<dyn SegmentFile>, LogError> {
        if let Some(file) = self.kept.lock().again(number) {
            return Ok(file);
        }
        let file = self.open(number)?;
        self.keep(number, Arc::clone(&file));
        Ok(file)
    }

    fn open(&self, number: u64) -> Result<Arc<dyn SegmentFile>, LogError> {
        let opened = self.files.open(number).or_else(|error| {
            // Those that are kept may be all that there are descriptors for.
            let kept = std::mem::take(&mut self.kept.lock().files);
            if kept.is_empty() {
                return Err(error);
            }
            drop(kept);
            self.files.open(number)
        });
        opened.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => damaged(format!("{} is missing", file_name(number))),
            _ => LogError::Io(format!("{} cannot be opened: {error}", file_name(number))),
        })
    }

    /// Keeps a file open, for a while.
    pub(super) fn keep(&self, number: u64, file: Arc<dyn SegmentFile>) {
        let mut kept = self.kept.lock();
        if number < kept.oldest {
            return;
        }
        kept.files.retain(|(own, _)| *own != number);
        kept.files.push_back((number, file));
        while kept.files.len() > OPEN_MAX {
            kept.files.pop_front();
        }
    }

    /// Segments before this one are no longer of the log.
    pub(super) fn forget_before(&self, oldest: u64) {
        let mut kept = self.kept.lock();
        kept.oldest = oldest;
        kept.files.retain(|(number, _)| *number >= oldest);
    }
}

impl Kept {
    /// A file that is used once more.
    fn again(&mut self, number: u64) -> Option<Arc<dyn SegmentFile>> {
        let place = self.files.iter().position(|(own, _)| *own == number)?;
        let used = self.files.remove(place)?;
        let file = Arc::clone(&used.1);
        self.files.push_back(used);
        Some(file)
    }
}
