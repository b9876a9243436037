//! The log as the core reads it.
//!
//! Owns the memory of the newest entries, which the core asks for again when it commits them and
//! sends them to members that are a little behind. Everything older is read from the log.

use super::convert;
use crate::Membership;
use quire_log::{Applied, Entry, HardState, LogError, LogIndex, LogStore, Timestamp};
use raft::eraftpb::{self, ConfState, Snapshot};
use raft::{GetEntriesContext, RaftState, Storage, StorageError};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of the newest entries kept in memory.
const RECENT_BYTES_MAX: usize = 16 << 20;

/// Bytes read from the log at once.
const READ_BYTES_MAX: usize = 4 << 20;

pub(super) struct LogView {
    log: Arc<dyn LogStore>,
    hard_state: eraftpb::HardState,
    membership: ConfState,
    applied: Applied,
    recent: VecDeque<Entry>,
    recent_bytes: usize,
}

impl LogView {
    pub(super) fn new(
        log: Arc<dyn LogStore>,
        hard_state: HardState,
        membership: &Membership,
        applied: Applied,
    ) -> LogView {
        LogView {
            log,
            hard_state: eraftpb::HardState {
                term: hard_state.term.0,
                vote: hard_state.vote,
                commit: hard_state.commit.0,
                ..Default::default()
            },
            membership: conf_state(membership),
            applied,
            recent: VecDeque::new(),
            recent_bytes: 0,
        }
    }

    pub(super) fn set_membership(&mut self, membership: &Membership) {
        self.membership = conf_state(membership);
    }

    pub(super) fn set_applied(&mut self, applied: Applied) {
        self.applied = applied;
    }

    /// Entries that have just been appended to the log.
    pub(super) fn remember(&mut self, entries: Vec<Entry>) {
        let Some(first) = entries.first().map(|entry| entry.index) else { return };
        while self.recent.back().is_some_and(|newest| newest.index >= first) {
            let replaced = self.recent.pop_back();
            self.recent_bytes -= replaced.map_or(0, |entry| entry.payload.len());
        }
        if self.recent.back().is_some_and(|newest| newest.index.next() != first) {
            self.recent.clear();
            self.recent_bytes = 0;
        }
        for entry in entries {
            self.recent_bytes += entry.payload.len();
            self.recent.push_back(entry);
        }
        while self.recent_bytes > RECENT_BYTES_MAX && self.recent.len() > 1 {
            let oldest = self.recent.pop_front();
            self.recent_bytes -= oldest.map_or(0, |entry| entry.payload.len());
        }
    }

    /// The entry's time, of those that are kept and of the one before them.
    pub(super) fn time_of(&self, index: u64) -> Timestamp {
        if let Some(entry) = self.recent(index) {
            return entry.timestamp;
        }
        if self.applied.index.0 == index {
            return self.applied.timestamp;
        }
        let read = self.log.read(index..=index, 1).ok();
        read.and_then(|entries| entries.first().map(|entry| entry.timestamp)).unwrap_or_default()
    }

    fn recent(&self, index: u64) -> Option<&Entry> {
        let first = self.recent.front()?.index.0;
        self.recent.get(usize::try_from(index.checked_sub(first)?).ok()?)
    }

    fn read(&self, low: u64, high: u64, bytes_max: usize) -> raft::Result<Vec<Entry>> {
        if self.recent(low).is_none() {
            let bytes_max = bytes_max.min(READ_BYTES_MAX);
            return self.log.read(low..=high.saturating_sub(1), bytes_max).map_err(failed);
        }
        let mut bytes = 0_usize;
        let mut entries = Vec::new();
        for index in low..high {
            let Some(entry) = self.recent(index) else { break };
            bytes = bytes.saturating_add(entry.payload.len());
            if !entries.is_empty() && bytes > bytes_max {
                break;
            }
            entries.push(entry.clone());
        }
        Ok(entries)
    }
}

fn conf_state(membership: &Membership) -> ConfState {
    let mut state = ConfState::default();
    let list = |ids: &mut dyn Iterator<Item = u64>| ids.collect::<Vec<u64>>();
    let (voters, outgoing) = (&membership.voters, &membership.outgoing);
    let learners = &membership.learners;
    state.voters = list(&mut voters.iter().copied());
    state.voters_outgoing = list(&mut outgoing.iter().copied());
    // Who still votes in the outgoing majority becomes a learner when that ends.
    state.learners = list(&mut learners.difference(outgoing).copied());
    state.learners_next = list(&mut learners.intersection(outgoing).copied());
    state
}

fn failed(error: LogError) -> raft::Error {
    raft::Error::Store(match error {
        LogError::Compacted(_) => StorageError::Compacted,
        other => StorageError::Other(Box::new(other)),
    })
}

impl Storage for LogView {
    fn initial_state(&self) -> raft::Result<RaftState> {
        Ok(RaftState::new(self.hard_state.clone(), self.membership.clone()))
    }

    fn entries(
        &self,
        low: u64,
        high: u64,
        max_size: impl Into<Option<u64>>,
        context: GetEntriesContext,
    ) -> raft::Result<Vec<eraftpb::Entry>> {
        if low < self.log.first_index().0 {
            return Err(raft::Error::Store(StorageError::Compacted));
        }
        let bytes_max = max_size.into().unwrap_or(u64::MAX);
        let entries = match self.read(low, high, usize::try_from(bytes_max).unwrap_or(usize::MAX)) {
            Ok(entries) => entries,
            // Another member waits for entries that cannot be read at the moment; nobody else does.
            Err(raft::Error::Store(StorageError::Other(_))) if context.can_async() => {
                return Err(raft::Error::Store(StorageError::LogTemporarilyUnavailable));
            }
            Err(error) => return Err(error),
        };
        if entries.is_empty() && low < high {
            return Err(raft::Error::Store(StorageError::Unavailable));
        }
        Ok(entries.into_iter().map(convert::entry_to_raft).collect())
    }

    fn term(&self, index: u64) -> raft::Result<u64> {
        if let Some(entry) = self.recent(index) {
            return Ok(entry.term.0);
        }
        match self.log.term(LogIndex(index)) {
            Ok(Some(term)) => Ok(term.0),
            Ok(None) => Err(raft::Error::Store(StorageError::Unavailable)),
            Err(error) => Err(failed(error)),
        }
    }

    fn first_index(&self) -> raft::Result<u64> {
        Ok(self.log.first_index().0)
    }

    fn last_index(&self) -> raft::Result<u64> {
        Ok(self.log.last_index().0)
    }

    /// Only tells where a copy of the state would stand; the copy itself travels beside the core.
    fn snapshot(&self, request_index: u64, _: u64) -> raft::Result<Snapshot> {
        if self.applied.index.0 < request_index || self.applied.index.0 == 0 {
            return Err(raft::Error::Store(StorageError::SnapshotTemporarilyUnavailable));
        }
        let mut snapshot = Snapshot::default();
        let metadata = snapshot.mut_metadata();
        metadata.index = self.applied.index.0;
        metadata.term = self.applied.term.0;
        metadata.set_conf_state(self.membership.clone());
        Ok(snapshot)
    }
}
