//! A walk over the log.
//!
//! Owns where the walk stands and how much is read at a time. It never reads what is not applied
//! here, so no reader sees an entry before its effects. Between two looks the log may forget what is
//! next: then the walk has lost its place, as one over a capped collection that was overtaken.

use super::bounds::Bounds;
use super::shown::{self, Shown};
use quire_bson::DocBuf;
use quire_documents::ReadView;
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Maker, local_failure};
use quire_log::{Entry, LogError, LogIndex, LogStore, Timestamp};
use std::sync::Arc;

/// Bytes of entries that are read at once, unless one alone takes more.
const READ_BYTES: usize = 256 << 10;

/// Entries that are read at once on the way back.
const BACK_ENTRIES_MAX: u64 = 256;

/// How often a place to begin at is looked for while the log forgets.
const ATTEMPTS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

pub struct Walker {
    log: Arc<dyn LogStore>,
    bounds: Bounds,
    direction: Direction,
    /// The entry to be read next, once the walk has begun.
    next: Option<u64>,
    /// Everything within the bounds was shown.
    ended: bool,
    /// How many entries to read on the way back.
    stride: u64,
}

impl Walker {
    pub fn new(log: Arc<dyn LogStore>, bounds: Bounds, direction: Direction) -> Walker {
        Walker { log, bounds, direction, next: None, ended: false, stride: 1 }
    }

    fn is_empty(&self) -> bool {
        self.ended || self.bounds.lower > self.bounds.upper
    }

    // --- in order ---

    fn forward(&mut self, through: u64) -> Result<Vec<DocBuf>> {
        let mut made = Vec::new();
        while made.is_empty() && !self.is_empty() {
            let (next, entries) = self.read_on(through)?;
            let Some(last) = entries.last() else { break };
            self.next = Some(last.index.0.saturating_add(1).max(next));
            for entry in &entries {
                self.show(entry, &mut made)?;
            }
            self.ended = entries.iter().any(|entry| entry.timestamp > self.bounds.upper);
        }
        Ok(made)
    }

    /// The entries that follow; the first ones of all when the walk begins.
    fn read_on(&self, through: u64) -> Result<(u64, Vec<Entry>)> {
        if let Some(next) = self.next {
            let read = self.log.read(next..=through, READ_BYTES);
            return Ok((next, read.map_err(failed)?));
        }
        for _ in 0..ATTEMPTS {
            match self.read_first(through) {
                Err(LogError::Compacted(_)) => {}
                read => return read.map_err(failed),
            }
        }
        Err(failed(LogError::Compacted(self.log.first_index())))
    }

    fn read_first(&self, through: u64) -> std::result::Result<(u64, Vec<Entry>), LogError> {
        let first = seek(self.log.as_ref(), self.bounds.lower, through)?;
        Ok((first, self.log.read(first..=through, READ_BYTES)?))
    }

    // --- against the order ---

    fn backward(&mut self, through: u64) -> Result<Vec<DocBuf>> {
        let mut made = Vec::new();
        while made.is_empty() && !self.is_empty() {
            let last = match self.next {
                Some(last) => last,
                None => self.last_within(through)?,
            };
            let entries = self.read_back(last)?;
            let Some(first) = entries.first() else {
                self.ended = true;
                break;
            };
            self.next = Some(first.index.0.saturating_sub(1));
            for entry in &entries {
                self.show(entry, &mut made)?;
            }
            let is_older = |entry: &Entry| {
                entry.timestamp < self.bounds.lower && entry.timestamp != Timestamp::ZERO
            };
            self.ended = entries.iter().any(is_older);
        }
        made.reverse();
        Ok(made)
    }

    /// The last entry whose effects may lie within the bounds.
    fn last_within(&self, through: u64) -> Result<u64> {
        if self.bounds.upper == Bounds::default().upper {
            return Ok(through);
        }
        match seek(self.log.as_ref(), self.bounds.upper, through) {
            Ok(index) => Ok(index.min(through)),
            Err(LogError::Compacted(_)) => Ok(through),
            Err(error) => Err(failed(error)),
        }
    }

    /// Entries up to this one, as many as one look should take; none when they are forgotten.
    fn read_back(&mut self, last: u64) -> Result<Vec<Entry>> {
        loop {
            let first = self.log.first_index().0;
            if last < first {
                return Ok(Vec::new());
            }
            let from = last.saturating_add(1).saturating_sub(self.stride).max(first);
            match self.log.read(from..=last, READ_BYTES) {
                Ok(entries) if entries.last().is_none_or(|entry| entry.index.0 == last) => {
                    self.stride = self.stride.saturating_mul(2).min(BACK_ENTRIES_MAX);
                    return Ok(entries);
                }
                // They are larger than expected; one alone is always given.
                Ok(_) => self.stride = (self.stride / 2).max(1),
                Err(LogError::Compacted(_)) => {}
                Err(error) => return Err(failed(error)),
            }
        }
    }

    /// Adds the operations of an entry that lie within the bounds.
    fn show(&self, entry: &Entry, made: &mut Vec<DocBuf>) -> Result<()> {
        let Bounds { lower, upper } = self.bounds;
        let operations = shown::operations(entry)?;
        let within = |shown: &Shown| (lower..=upper).contains(&shown.time);
        made.extend(operations.into_iter().filter(within).map(|shown| shown.document));
        Ok(())
    }
}

impl Maker for Walker {
    fn more(&mut self, view: &ReadView) -> Result<Vec<DocBuf>> {
        let through = view.applied().map_err(local_failure)?.index.0;
        match self.direction {
            Direction::Forward => self.forward(through),
            Direction::Backward => self.backward(through),
        }
    }
}

/// The place behind the last kept entry that is older than `time`, of those up to `through`.
fn seek(log: &dyn LogStore, time: Timestamp, through: u64) -> std::result::Result<u64, LogError> {
    let behind = log.first_since(time)?.0;
    Ok(behind.min(through.saturating_add(1)))
}

/// What a reader is told whom the log does not serve.
fn failed(error: LogError) -> CommandError {
    match error {
        LogError::Compacted(LogIndex(index)) => CommandError::new(
            Code::CappedPositionLost,
            format!(
                "CollectionScan died due to position in capped collection being deleted: the \
                 oplog no longer holds entry {index}"
            ),
        ),
        LogError::Corruption(_) => {
            CommandError::new(Code::DataCorruptionDetected, error.to_string())
        }
        other => CommandError::new(Code::InternalError, other.to_string()),
    }
}
