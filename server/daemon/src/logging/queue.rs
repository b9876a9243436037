//! The queue between those who log and the thread that writes.
//!
//! Bounded in bytes: a caller never waits for the disk, and a disk that stands still costs at most
//! [`BYTES_MAX`] of memory. Lines that find no room are counted, and the next line that does find
//! some is preceded by one that tells the count.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Room for lines that wait for the disk.
pub(super) const BYTES_MAX: usize = 16 << 20;

/// What the writer does next.
pub(super) enum Entry {
    Line(Arc<str>),
    /// Lines were dropped here.
    Dropped(u64),
    Rotate(SyncSender<io::Result<()>>),
}

#[derive(Default)]
struct State {
    entries: Vec<Entry>,
    bytes: usize,
    /// Entries ever taken in and ever finished, so that a flush can wait for its own.
    accepted: u64,
    finished: u64,
    dropped: u64,
    dropped_since_told: u64,
}

#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    emptied: Condvar,
}

impl Queue {
    /// Hands over a line, or counts it when there is no room.
    pub(super) fn push(&self, line: Arc<str>) {
        let mut state = self.state();
        if state.bytes.saturating_add(line.len()) > BYTES_MAX {
            state.dropped = state.dropped.saturating_add(1);
            state.dropped_since_told = state.dropped_since_told.saturating_add(1);
            return;
        }
        let dropped = std::mem::take(&mut state.dropped_since_told);
        if dropped > 0 {
            state.accept(Entry::Dropped(dropped));
        }
        state.bytes = state.bytes.saturating_add(line.len());
        state.accept(Entry::Line(line));
        self.filled.notify_one();
    }

    /// Asks the writer to rotate the file and waits for its answer.
    pub(super) fn rotate(&self, patience: Duration) -> io::Result<()> {
        let (answer, answered) = mpsc::sync_channel(1);
        self.state().accept(Entry::Rotate(answer));
        self.filled.notify_one();
        match answered.recv_timeout(patience) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Err(io::Error::from(io::ErrorKind::TimedOut)),
            Err(RecvTimeoutError::Disconnected) => {
                Err(io::Error::other("the log is not being written"))
            }
        }
    }

    /// Waits until everything handed over before this call is written.
    pub(super) fn flush(&self, patience: Duration) -> bool {
        let deadline = Instant::now().checked_add(patience);
        let mut state = self.state();
        let target = state.accepted;
        while state.finished < target {
            let left = deadline
                .map_or(patience, |deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            state =
                self.emptied.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    pub(super) fn dropped(&self) -> u64 {
        self.state().dropped
    }

    /// Waits for entries and takes them all.
    pub(super) fn take(&self) -> Vec<Entry> {
        let mut state = self.state();
        while state.entries.is_empty() {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::take(&mut state.entries)
    }

    /// The writer is done with what it took: their room is free again only now, so that lines
    /// in the hands of a slow writer still count.
    pub(super) fn finish(&self, entries: usize, bytes: usize) {
        let mut state = self.state();
        state.finished = state.finished.saturating_add(entries as u64);
        state.bytes = state.bytes.saturating_sub(bytes);
        self.emptied.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing between lock and unlock can panic half way through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn accept(&mut self, entry: Entry) {
        self.accepted = self.accepted.saturating_add(1);
        self.entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_that_stands_still_costs_lines_and_not_time_or_memory() {
        let queue = Queue::default();
        let line: Arc<str> = "x".repeat(1 << 20).into();
        for _ in 0..20 {
            queue.push(Arc::clone(&line));
        }
        assert_eq!(queue.dropped(), 4);
        assert!(!queue.flush(Duration::from_millis(1)));

        let taken = queue.take();
        assert_eq!(taken.len(), 16);
        queue.push(Arc::clone(&line));
        assert_eq!(queue.dropped(), 5, "lines in the writer's hands still count");

        queue.finish(taken.len(), BYTES_MAX);
        queue.push(line);
        let told = queue.take();
        assert!(matches!(told.as_slice(), [Entry::Dropped(5), Entry::Line(_)]));
        queue.finish(told.len(), 1 << 20);
        assert!(queue.flush(Duration::ZERO));
    }

    #[test]
    fn a_rotation_that_nobody_carries_out_times_out() {
        let error = Queue::default().rotate(Duration::from_millis(1)).expect_err("no writer");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
