//! Committed entries on their way into the state.
//!
//! Owns their order and their bounds: what does not fit into memory is read from the log again. An
//! entry that cannot be applied is tried again with every tick and never skipped; the member goes on
//! voting and replicating meanwhile.

use super::{Member, Settled};
use crate::message::{Message, Transport};
use crate::{Membership, Role};
use quire_log::{Entry, EntryKind, Fatal, LogIndex};
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of entries kept in memory until they are applied.
const BACKLOG_BYTES_MAX: usize = 32 << 20;

/// Bytes applied as one step, and in one call before messages are looked at again.
const STEP_BYTES_MAX: usize = 4 << 20;
const TURN_BYTES_MAX: usize = 16 << 20;

/// Entries that pass between two looks at what the log may forget.
const COMPACT_EVERY: u64 = 10_000;

#[derive(Default)]
pub(super) struct Backlog {
    entries: VecDeque<Entry>,
    bytes: usize,
    /// A step that failed. It is tried again as it was: a part of it may have taken effect.
    failed: Vec<Entry>,
    uncompacted: u64,
}

impl Backlog {
    /// Keeps committed entries, as long as there is room and they follow each other.
    pub(super) fn extend(&mut self, entries: Vec<Entry>) {
        for entry in entries {
            let follows = self.entries.back().is_none_or(|last| last.index.next() == entry.index);
            if !follows || self.bytes > BACKLOG_BYTES_MAX {
                return;
            }
            self.bytes = self.bytes.saturating_add(entry.payload.len());
            self.entries.push_back(entry);
        }
    }

    /// Takes what may be applied as one step, from `next` on; a configuration always alone.
    fn step(&mut self, next: LogIndex, youngest: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        while self.entries.front().is_some_and(|entry| entry.index < next) {
            self.pop();
        }
        let mut bytes = 0_usize;
        let mut step: Vec<Entry> = Vec::new();
        while let Some(entry) = self.entries.front() {
            let due = entry.index.0 == next.0.saturating_add(step.len() as u64) && youngest(entry);
            let alone = entry.kind == EntryKind::Configuration;
            if !due || bytes > STEP_BYTES_MAX || (alone && !step.is_empty()) {
                break;
            }
            bytes = bytes.saturating_add(entry.payload.len());
            step.extend(self.pop());
            if alone {
                break;
            }
        }
        step
    }

    fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes = self.bytes.saturating_sub(entry.payload.len());
        Some(entry)
    }
}

impl Member {
    /// Applies what is committed, as much as one turn should take.
    pub(super) fn apply(&mut self, transport: &dyn Transport, settled: &mut Settled) {
        let mut bytes = 0_usize;
        while !self.partial && !self.halted && self.has_more_to_apply() {
            if bytes > TURN_BYTES_MAX {
                settled.more = true;
                break;
            }
            let step = match self.next_step() {
                Ok(step) => step,
                Err(fatal) => return self.apply_failed(&fatal, settled),
            };
            if step.is_empty() {
                break;
            }
            bytes = step.iter().map(|entry| entry.payload.len()).fold(bytes, usize::saturating_add);
            if let Err(fatal) = self.apply_step(&step) {
                self.backlog.failed = step;
                return self.apply_failed(&fatal, settled);
            }
            self.apply_failures = 0;
            let applied = self.machine.applied();
            self.core.applied(applied);
            self.answer_applied(applied, settled);
            self.count(&step);
        }
        self.tell_progress(transport);
        self.answer_applied(self.machine.applied(), settled);
    }

    /// A step that failed is tried again even if it took effect all the same: what follows from it
    /// has not been done.
    fn has_more_to_apply(&self) -> bool {
        let applied = self.machine.applied().index;
        !self.backlog.failed.is_empty() || self.core.committed() > applied
    }

    fn count(&mut self, step: &[Entry]) {
        let effects = step.iter().filter(|entry| entry.kind == EntryKind::Effects);
        self.committed_entries += effects.count() as u64;
        self.backlog.uncompacted += step.len() as u64;
        if self.backlog.uncompacted >= COMPACT_EVERY {
            self.backlog.uncompacted = 0;
            self.compact_log();
        }
    }

    fn next_step(&mut self) -> Result<Vec<Entry>, Fatal> {
        if !self.backlog.failed.is_empty() {
            return Ok(std::mem::take(&mut self.backlog.failed));
        }
        if self.core.role() != Role::Leader && self.machine.is_held() {
            return Ok(Vec::new());
        }
        let next = self.machine.applied().index.next();
        let limit = self.wall_seconds.saturating_sub(self.delay_seconds);
        let delayed = self.delay_seconds > 0 && self.core.role() != Role::Leader;
        let due = |entry: &Entry| {
            !delayed || entry.timestamp.seconds() <= limit || entry.kind == EntryKind::Configuration
        };
        if !self.backlog.entries.iter().any(|entry| entry.index == next) {
            self.backlog.entries.clear();
            self.backlog.bytes = 0;
            let last = self.core.committed().min(self.log.last_index());
            if next > last {
                return Ok(Vec::new());
            }
            let read = self.log.read(next.0..=last.0, STEP_BYTES_MAX);
            let read =
                read.map_err(|error| Fatal { reason: error.to_string(), no_space: false })?;
            self.backlog.extend(read);
        }
        Ok(self.backlog.step(next, due))
    }

    fn apply_step(&mut self, step: &[Entry]) -> Result<(), Fatal> {
        let configuration = match step {
            [Entry { kind: EntryKind::Configuration, payload, .. }] => {
                Some(Arc::new(Membership::decode(payload).ok_or_else(|| Fatal {
                    reason: "this version cannot read the configuration in the log".to_owned(),
                    no_space: false,
                })?))
            }
            _ => None,
        };
        if self.witness {
            self.machine.pass(step)?;
        } else {
            self.machine.apply(step)?;
        }
        let Some(membership) = configuration else { return Ok(()) };
        if membership.incarnation < self.core.membership().incarnation {
            // From the past of a member that an operator had go on alone.
            return Ok(());
        }
        self.keep_commitment();
        if self.core.change_membership(membership.clone()) {
            return Ok(());
        }
        if let Err(error) = self.restart_core(membership) {
            // The entry has taken effect; without its membership nothing more can be said.
            self.failure = Some(error);
            self.halted = true;
        }
        Ok(())
    }

    fn apply_failed(&mut self, fatal: &Fatal, settled: &mut Settled) {
        tracing::error!(
            target: "STORAGE",
            id = 7_100_004,
            reason = fatal.reason,
            "Applying the log failed; trying again"
        );
        self.apply_failures = self.apply_failures.saturating_add(1);
        self.failure = Some(fatal.clone().into());
        self.answer_stalled(settled);
    }

    /// The leader counts who has applied what.
    fn tell_progress(&mut self, transport: &dyn Transport) {
        let leader = self.core.leader().filter(|leader| *leader != self.node);
        let told = (leader, self.machine.applied().index);
        if let Some(leader) = leader
            && told != self.progress_told
        {
            self.progress_told = told;
            self.progress_age = 0;
            transport.send(leader, Message::Progress { applied: told.1 });
        }
    }
}
