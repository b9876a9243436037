//! The one writer of the log.
//!
//! Owns the order append, sync, apply, and what happens when a step fails:
//!
//! - the log is full: nothing of the group counts; the tail is cut back to what was committed, the
//!   group's proposers learn that the disk is full, and later proposals may succeed;
//! - the log failed otherwise: the node cannot vouch for anything any more and stops accepting;
//! - apply failed: the entries are committed and will be applied, so they stay; the committer tries
//!   again until it succeeds and answers only then.
//!
//! Trying again takes as long as it takes, so it is a call of its own: never made on a proposer's
//! thread, and given up when the node goes down.

use crate::proposal::{Committed, Lost, LostCause};
use crate::recovery::Recovered;
use crate::replica::Options;
use quire_log::{
    Entry, EntryKind, Fatal, HardState, LogError, LogIndex, LogStore, StateMachine, Term, Timestamp,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How long a failed apply or a full disk waits before the next attempt.
const RETRY_PAUSE: Duration = Duration::from_millis(100);

/// How many entries pass between two looks at what the log may forget.
const COMPACT_EVERY: u64 = 10_000;

/// What was committed so far; read by whoever wants figures, also while the committer is stuck.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) entries: AtomicU64,
    pub(crate) groups: AtomicU64,
    pub(crate) inline_groups: AtomicU64,
}

/// What kept entries from being committed and applied at the first attempt.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// They are not in the log, or nobody knows.
    Append(LogError),
    /// They are in the log.
    Apply(Fatal),
}

impl Trouble {
    /// True when no later attempt can change the outcome.
    pub(crate) fn is_final(&self) -> bool {
        matches!(self, Trouble::Append(error) if !matches!(error, LogError::NoSpace(_)))
    }
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
    counters: Arc<Counters>,
    uncompacted: u64,
    /// The log refuses everything until it was reopened.
    reopen_first: bool,
    closing: Arc<AtomicBool>,
}

impl Committer {
    pub(crate) fn new(
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        options: Options,
        recovered: &Recovered,
        closing: Arc<AtomicBool>,
    ) -> Committer {
        Committer {
            log,
            machine,
            options,
            term: recovered.term,
            last: recovered.last,
            timestamp: recovered.timestamp,
            sync_time: Duration::ZERO,
            counters: Arc::default(),
            uncompacted: 0,
            reopen_first: false,
            closing,
        }
    }

    pub(crate) fn sync_time(&self) -> Duration {
        self.sync_time
    }

    pub(crate) fn counters(&self) -> Arc<Counters> {
        self.counters.clone()
    }

    /// The entries for these proposals, behind the last one of the log.
    pub(crate) fn entries(&self, payloads: Vec<(Timestamp, Vec<u8>)>) -> Vec<Entry> {
        let following = std::iter::successors(Some(self.last.next()), |index| Some(index.next()));
        let entry = |(index, (timestamp, payload))| {
            let kind = EntryKind::Effects;
            Entry { index, term: self.term, timestamp, kind, payload }
        };
        following.zip(payloads).map(entry).collect()
    }

    /// Commits entries with one sync and applies them, each at the first attempt.
    pub(crate) fn commit(&mut self, entries: &[Entry]) -> Result<(), Trouble> {
        debug_assert!(entries.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
        let Some(newest) = entries.last() else { return Ok(()) };
        debug_assert!(entries.first().is_some_and(|oldest| oldest.timestamp > self.timestamp));
        if self.reopen_first {
            // Whatever keeps the log from being reopened may pass, as a full disk does.
            self.reopen().map_err(|e| Trouble::Append(LogError::NoSpace(e.to_string())))?;
        }
        let hard_state =
            HardState { term: self.term, vote: self.options.node, commit: newest.index };
        let started = Instant::now();
        self.log.append(entries, Some(hard_state)).map_err(Trouble::Append)?;
        self.sync_time = (self.sync_time * 7 + started.elapsed()) / 8;
        self.last = newest.index;
        self.timestamp = newest.timestamp;
        self.machine.apply(entries).map_err(Trouble::Apply)?;
        self.count(entries);
        Ok(())
    }

    /// Brings entries that met trouble to their end, however long it takes.
    pub(crate) fn settle(&mut self, entries: &[Entry], trouble: Trouble) -> Result<(), Lost> {
        match trouble {
            Trouble::Append(LogError::NoSpace(reason)) => {
                tracing::error!(target: "STORAGE", id = 7_100_002, reason, "The log's disk is full");
                Err(self.cut_back())
            }
            Trouble::Append(error) => {
                tracing::error!(
                    target: "STORAGE",
                    id = 7_100_001,
                    error = %error,
                    "The log failed"
                );
                Err(Lost { cause: LostCause::Failed })
            }
            Trouble::Apply(fatal) => self.apply_again(entries, fatal),
        }
    }

    /// Cuts the log back to what was committed. While even that fails, nothing can be said about
    /// what is on disk, so it is tried until it works.
    fn cut_back(&mut self) -> Lost {
        while let Err(error) = self.reopen() {
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_003,
                error = %error,
                "The log cannot be reopened yet"
            );
            if self.closing.load(Ordering::Acquire) {
                return Lost { cause: LostCause::ShuttingDown };
            }
            std::thread::sleep(RETRY_PAUSE);
        }
        Lost { cause: LostCause::NoSpace }
    }

    fn reopen(&mut self) -> Result<(), LogError> {
        self.reopen_first = true;
        self.log.reopen(self.last)?;
        self.reopen_first = false;
        Ok(())
    }

    /// Entries here are committed: they take effect, now or when the next start replays them.
    fn apply_again(&mut self, entries: &[Entry], mut fatal: Fatal) -> Result<(), Lost> {
        loop {
            tracing::error!(
                target: "STORAGE",
                id = 7_100_004,
                reason = fatal.reason,
                "Applying the log failed; trying again"
            );
            if self.closing.load(Ordering::Acquire) {
                return Err(Lost { cause: LostCause::ShuttingDown });
            }
            std::thread::sleep(RETRY_PAUSE);
            match self.machine.apply(entries) {
                Ok(()) => break,
                Err(again) => fatal = again,
            }
        }
        self.count(entries);
        Ok(())
    }

    fn count(&mut self, entries: &[Entry]) {
        let committed = entries.len() as u64;
        self.counters.groups.fetch_add(1, Ordering::Relaxed);
        self.counters.entries.fetch_add(committed, Ordering::Relaxed);
        self.uncompacted = self.uncompacted.saturating_add(committed);
    }

    /// Compacts now and then. Called when everybody has been answered.
    pub(crate) fn compact_if_due(&mut self) {
        if self.uncompacted >= COMPACT_EVERY {
            self.compact();
        }
    }

    /// Lets the log forget what is durably applied and older than what readers of the past may want.
    pub(crate) fn compact(&mut self) {
        self.uncompacted = 0;
        let Ok(durable) = self.machine.durable() else { return };
        let retained = self.last.0.saturating_sub(self.options.retain_entries);
        let through = LogIndex(durable.0.min(retained));
        if self.reopen_first || through < self.log.first_index() {
            return;
        }
        if let Err(error) = self.log.compact(through) {
            // The log takes no more until it was reopened, and nothing of it has to be given up.
            self.reopen_first = true;
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_005,
                error = %error,
                "The log could not be compacted"
            );
        }
    }
}

/// Where an entry ended up.
pub(crate) fn committed(entry: &Entry) -> Committed {
    Committed { index: entry.index, term: entry.term, timestamp: entry.timestamp }
}
