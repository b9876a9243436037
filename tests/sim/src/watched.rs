//! Log and state of a node, with somebody looking on.
//!
//! Owns telling the checks what was written and applied. Besides that, copies leave in small
//! pieces, so that something can happen between two of them.

use crate::checks::Checks;
use parking_lot::Mutex;
use quire_documents::Documents;
use quire_log::{
    Applied, Completeness, Entry, Export, Fatal, HardState, LogError, LogIndex, LogStats, LogStore,
    StateMachine, Term, Timestamp,
};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// States are compared at every so manieth entry.
const COMPARED_EVERY: u64 = 16;

pub struct WatchedLog {
    pub node: u64,
    pub inner: Arc<dyn LogStore>,
    pub checks: Arc<Mutex<Checks>>,
    /// How often it was synced.
    pub syncs: AtomicU64,
    /// So many reads from now on, one fails; none does at zero.
    pub failing_read: AtomicU64,
    /// A read has failed.
    pub has_failed: AtomicBool,
}

impl WatchedLog {
    fn read_fails(&self) -> bool {
        let left = self.failing_read.load(Ordering::Relaxed);
        self.failing_read.store(left.saturating_sub(1), Ordering::Relaxed);
        let fails = left == 1;
        self.has_failed.fetch_or(fails, Ordering::Relaxed);
        fails
    }
}

impl LogStore for WatchedLog {
    fn first_index(&self) -> LogIndex {
        self.inner.first_index()
    }

    fn last_index(&self) -> LogIndex {
        self.inner.last_index()
    }

    fn term(&self, index: LogIndex) -> Result<Option<Term>, LogError> {
        self.inner.term(index)
    }

    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        if self.read_fails() {
            return Err(LogError::Io("planned".to_owned()));
        }
        self.inner.read(range, bytes_max)
    }

    fn first_since(&self, time: Timestamp) -> Result<LogIndex, LogError> {
        self.inner.first_since(time)
    }

    fn first_since_about(&self, time: Timestamp) -> Result<LogIndex, LogError> {
        self.inner.first_since_about(time)
    }

    fn hard_state(&self) -> HardState {
        self.inner.hard_state()
    }

    fn identity(&self) -> Option<u64> {
        self.inner.identity()
    }

    fn set_identity(&self, identity: u64) -> Result<(), LogError> {
        self.inner.set_identity(identity)
    }

    fn append(&self, entries: &[Entry], hard_state: Option<HardState>) -> Result<(), LogError> {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        let before = entries.first().map(|entry| LogIndex(entry.index.0.saturating_sub(1)));
        let before = before.and_then(|before| self.inner.term(before).ok().flatten());
        let written = self.inner.append(entries, hard_state);
        let mut checks = self.checks.lock();
        match &written {
            Ok(()) => {
                let hard_state = hard_state.unwrap_or_else(|| self.inner.hard_state());
                checks.appended(self.node, before.unwrap_or_default(), entries, hard_state);
            }
            Err(_) => checks.append_failed(self.node, entries),
        }
        written
    }

    fn compact(&self, through: LogIndex) -> Result<(), LogError> {
        self.inner.compact(through)
    }

    fn restart_after(&self, index: LogIndex, term: Term) -> Result<(), LogError> {
        self.inner.restart_after(index, term)?;
        self.checks.lock().log_restarted(self.node, index);
        Ok(())
    }

    fn reopen(&self, keep_through: LogIndex) -> Result<(), LogError> {
        self.checks.lock().cut_back(self.node, keep_through);
        self.inner.reopen(keep_through)
    }

    fn stats(&self) -> LogStats {
        self.inner.stats()
    }

    fn bytes_from(&self, first: LogIndex) -> u64 {
        self.inner.bytes_from(first)
    }
}

pub struct WatchedState {
    pub node: u64,
    pub documents: Arc<Documents>,
    /// The documents, or what stands between.
    pub below: Arc<dyn StateMachine>,
    pub checks: Arc<Mutex<Checks>>,
    pub chunk_bytes: usize,
}

impl StateMachine for WatchedState {
    fn applied(&self) -> Applied {
        self.below.applied()
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        self.below.durable()
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        for part in entries.chunk_by(|entry, _| entry.index.0 % COMPARED_EVERY != 0) {
            let Some(last) = part.last() else { continue };
            if last.index <= self.below.applied().index {
                // An earlier attempt got further than this part.
                continue;
            }
            self.checks.lock().applying(self.node, part);
            self.below.apply(part)?;
            if last.index.0 % COMPARED_EVERY == 0 {
                self.checks.lock().state(self.node, &self.documents);
            }
        }
        Ok(())
    }

    fn lost(&self) {
        self.below.lost();
    }

    fn flush(&self) -> Result<(), Fatal> {
        self.below.flush()
    }

    fn completeness(&self) -> Completeness {
        self.below.completeness()
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        self.below.configuration()
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        Ok(Box::new(InPieces { inner: self.below.export()?, chunk_bytes: self.chunk_bytes }))
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        self.below.begin_install()
    }

    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        self.below.install_chunk(chunk)
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        let applied = self.below.finish_install()?;
        let mut checks = self.checks.lock();
        checks.copies += 1;
        checks.state(self.node, &self.documents);
        Ok(applied)
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        self.below.log_restarted()
    }
}

struct InPieces {
    inner: Box<dyn Export>,
    chunk_bytes: usize,
}

impl Export for InPieces {
    fn applied(&self) -> Applied {
        self.inner.applied()
    }

    fn next_chunk(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, Fatal> {
        self.inner.next_chunk(bytes_max.min(self.chunk_bytes))
    }
}
