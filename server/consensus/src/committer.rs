//! The one writer of the log.
//!
//! Owns the order append, sync, apply, answer, and what happens when a step fails:
//!
//! - the log is full: nothing of the group counts; the tail is cut back to what was committed, the
//!   group's proposers learn that the disk is full, and later proposals may succeed;
//! - the log failed otherwise: the node cannot vouch for anything any more and stops accepting;
//! - apply failed: the entries are committed and will be applied, so they stay; the committer tries
//!   again until it succeeds and answers only then.

use crate::proposal::{Committed, Lost, LostCause, Queued};
use crate::recovery::Recovered;
use crate::replica::Options;
use quire_log::{
    Entry, EntryKind, HardState, LogError, LogIndex, LogStore, StateMachine, Term, Timestamp,
};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a failed apply or a full disk waits before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How many entries pass between two looks at what the log may forget.
const COMPACT_EVERY: u64 = 10_000;

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) entries: u64,
    pub(crate) groups: u64,
    pub(crate) inline_groups: u64,
}

pub(crate) struct Committer {
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
    options: Options,
    term: Term,
    last: LogIndex,
    timestamp: Timestamp,
    /// A moving average of the time one append takes.
    sync_time: Duration,
    counters: Counters,
    uncompacted: u64,
}

impl Committer {
    pub(crate) fn new(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
        recovered: &Recovered,
    ) -> Committer {
        Committer {
            log,
            machine,
            options,
            term: recovered.term,
            last: recovered.last,
            timestamp: recovered.timestamp,
            sync_time: Duration::ZERO,
            counters: Counters::default(),
            uncompacted: 0,
        }
    }

    pub(crate) fn sync_time(&self) -> Duration {
        self.sync_time
    }

    pub(crate) fn counters(&self) -> Counters {
        self.counters
    }

    /// Commits one proposal on its proposer's thread.
    pub(crate) fn commit_one(&mut self, queued: Queued) -> Result<Committed, Lost> {
        let timestamp = queued.timestamp;
        let entry = self.entry(1, timestamp, queued.payload);
        let index = entry.index;
        self.counters.inline_groups += 1;
        self.commit(std::slice::from_ref(&entry))?;
        Ok(Committed { index, term: self.term, timestamp })
    }

    /// Commits a group with one sync and answers its proposers.
    pub(crate) fn commit_group(&mut self, group: Vec<Queued>) -> Result<(), Lost> {
        let mut entries = Vec::with_capacity(group.len());
        let mut waiters = Vec::with_capacity(group.len());
        for (offset, queued) in (1..).zip(group) {
            entries.push(self.entry(offset, queued.timestamp, queued.payload));
            waiters.push(queued.waiter);
        }
        let outcome = self.commit(&entries);
        for (waiter, entry) in waiters.into_iter().zip(&entries) {
            let committed =
                Committed { index: entry.index, term: entry.term, timestamp: entry.timestamp };
            waiter.answer(outcome.map(|()| committed));
        }
        outcome
    }

    fn entry(&self, offset: u64, timestamp: Timestamp, payload: Vec<u8>) -> Entry {
        let index = LogIndex(self.last.0 + offset);
        Entry { index, term: self.term, timestamp, kind: EntryKind::Effects, payload }
    }

    fn commit(&mut self, entries: &[Entry]) -> Result<(), Lost> {
        debug_assert!(entries.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
        let Some(newest) = entries.last() else { return Ok(()) };
        debug_assert!(entries.first().is_some_and(|oldest| oldest.timestamp > self.timestamp));
        let hard_state =
            HardState { term: self.term, vote: self.options.node, commit: newest.index };
        let started = Instant::now();
        if let Err(error) = self.log.append(entries, Some(hard_state)) {
            return Err(self.append_failed(&error));
        }
        self.sync_time = (self.sync_time * 7 + started.elapsed()) / 8;
        self.last = newest.index;
        self.timestamp = newest.timestamp;
        self.apply(entries);
        self.counters.groups += 1;
        self.counters.entries += entries.len() as u64;
        self.uncompacted += entries.len() as u64;
        if self.uncompacted >= COMPACT_EVERY {
            self.compact();
        }
        Ok(())
    }

    /// Cuts the log back to what was committed. While even that fails, nothing can be said about
    /// what is on disk, so it is tried until it works.
    fn append_failed(&mut self, error: &LogError) -> Lost {
        let LogError::NoSpace(reason) = error else {
            tracing::error!(target: "STORAGE", id = 7_100_001, error = %error, "The log failed");
            return Lost { cause: LostCause::Failed };
        };
        tracing::error!(target: "STORAGE", id = 7_100_002, reason, "The log's disk is full");
        while let Err(error) = self.log.reopen(self.last) {
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_003,
                error = %error,
                "The log cannot be reopened yet"
            );
            std::thread::sleep(RETRY_PAUSE);
        }
        Lost { cause: LostCause::NoSpace }
    }

    /// Entries here are committed: they take effect, however long it takes.
    fn apply(&self, entries: &[Entry]) {
        while let Err(fatal) = self.machine.apply(entries) {
            tracing::error!(
                target: "STORAGE",
                id = 7_100_004,
                reason = fatal.reason,
                "Applying the log failed; trying again"
            );
            std::thread::sleep(RETRY_PAUSE);
        }
    }

    /// Lets the log forget what is durably applied and older than what readers of the past may want.
    pub(crate) fn compact(&mut self) {
        self.uncompacted = 0;
        let Ok(durable) = self.machine.durable() else { return };
        let retained = self.last.0.saturating_sub(self.options.retain_entries);
        let through = LogIndex(durable.0.min(retained));
        if through < self.log.first_index() {
            return;
        }
        if let Err(error) = self.log.compact(through) {
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_005,
                error = %error,
                "The log could not be compacted"
            );
        }
    }
}
