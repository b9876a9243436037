//! When an operator takes one member's log for the truth.
//!
//! Owns what a forced configuration means below: one member goes on alone in a later incarnation of
//! the set, whatever the others hold, and those whose history differs give theirs up. This is the one
//! way in which something acknowledged can be lost, so what is given up is kept beside the data.

use super::Member;
use crate::incarnation::{first_term, incarnation_of};
use crate::message::{Consensus, ConsensusKind};
use crate::recovery::RecoveryError;
use crate::{Membership, core::Inadmissible};
use quire_log::{Entry, HardState, LogError, LogIndex, Term};
use std::sync::Arc;

/// Bytes of entries handed over for keeping at once.
const KEPT_BYTES_MAX: usize = 4 << 20;

/// Keeps entries that a member gives up.
pub trait Keeper: Send + Sync {
    /// In order; several calls belong together.
    fn keep(&self, entries: &[Entry]);
}

impl Member {
    /// Goes on alone, as the only voter of a later incarnation. The configuration that says so is to
    /// be proposed next.
    pub fn force(&mut self) -> Result<(), RecoveryError> {
        if self.partial {
            return Err(RecoveryError::Partial);
        }
        let HardState { term, commit, .. } = self.core.hard_state();
        let known = self.core.membership().incarnation.max(incarnation_of(term));
        let incarnation = known.saturating_add(1);
        let term = first_term(incarnation);
        self.log.append(&[], Some(HardState { term, vote: 0, commit }))?;
        tracing::warn!(
            target: "REPL",
            id = 7_200_004,
            incarnation,
            "A configuration is forced: this member's data is the set's from here on; what only \
             others have acknowledged is lost"
        );
        let alone = Membership { incarnation, ..Membership::alone(self.node) };
        self.restart_core(Arc::new(alone))?;
        self.core.campaign();
        Ok(())
    }

    /// True once a later incarnation was heard of whose configuration has not come here yet. Until
    /// it has, what this member takes for the set's is not, and it must not stand for election.
    pub(super) fn is_left_behind(&self) -> bool {
        incarnation_of(self.core.term()) > self.core.membership().incarnation
    }

    /// A copy that comes from anybody but the leader may be one of the history that is left behind.
    pub(super) fn leave_other_copies(&mut self) {
        let leader = self.core.leader();
        let is_other = self.arriving().is_some_and(|copy| Some(copy.from) != leader);
        if is_other && self.is_left_behind() {
            self.arrival = None;
        }
    }

    /// Marks a message so that members left behind know that it comes from a later incarnation.
    pub(super) fn mark(&self, message: &mut Consensus) {
        let incarnation = self.core.membership().incarnation;
        if message.kind == ConsensusKind::Append && incarnation > 0 {
            message.context = incarnation.to_be_bytes().to_vec();
        }
    }

    /// True when the message comes from a later incarnation whose history differs from ours, which
    /// is given up therefore.
    pub(super) fn gives_up(&mut self, message: &mut Consensus) -> bool {
        if message.kind != ConsensusKind::Append {
            return false;
        }
        let mark = std::mem::take(&mut message.context);
        let incarnation = <[u8; 8]>::try_from(mark.as_slice()).map_or(0, u64::from_be_bytes);
        if incarnation <= self.core.membership().incarnation || self.partial {
            return false;
        }
        let Some(first) = self.first_difference(message) else { return false };
        self.keep_from(first);
        if first > self.core.committed() {
            // What was not committed here the log replaces by itself.
            return false;
        }
        tracing::warn!(
            target: "REPL",
            id = 7_200_005,
            from = message.from,
            "The set was forced onto another history: this member's data is replaced by a copy"
        );
        self.forget_commitment(message.term);
        self.begin_arrival(message.from);
        if self.partial {
            self.start_over();
        }
        true
    }

    /// The entry from which on the sender's history is not ours, if it can be seen here that there
    /// is one; zero where they part further back than can be seen.
    fn first_difference(&self, message: &Consensus) -> Option<LogIndex> {
        let differs = |index: LogIndex, term: Term| match self.log.term(index) {
            Ok(own) => own.is_some_and(|own| own != term),
            // Forgotten here, and not to be compared any more. A copy is right in either case.
            Err(error) => matches!(error, LogError::Compacted(_)),
        };
        if message.index <= self.core.committed() && differs(message.index, message.log_term) {
            return Some(LogIndex::ZERO);
        }
        message.entries.iter().find(|entry| differs(entry.index, entry.term)).map(|e| e.index)
    }

    /// Keeps the log of a member without a state that is about to take one of a later incarnation.
    /// What of it the other history has too cannot be told any more.
    pub(super) fn keep_log_left_behind(&self) {
        let last = self.log.term(self.log.last_index()).ok().flatten().unwrap_or_default();
        if incarnation_of(self.core.term()) > incarnation_of(last) {
            self.keep_from(LogIndex::ZERO);
        }
    }

    fn keep_from(&self, first: LogIndex) {
        let Some(keeper) = &self.keeper else { return };
        let mut next = first.max(self.log.first_index());
        while next <= self.log.last_index() {
            let Ok(entries) = self.log.read(next.0..=self.log.last_index().0, KEPT_BYTES_MAX)
            else {
                return;
            };
            let Some(last) = entries.last().map(|entry| entry.index) else { return };
            keeper.keep(&entries);
            next = last.next();
        }
    }

    /// The log must not hold on to what this history had committed, nor this member listen any more
    /// to those who lead it.
    fn forget_commitment(&mut self, later: Term) {
        let HardState { term, vote, .. } = self.core.hard_state();
        let vote = if later > term { 0 } else { vote };
        let forgotten = HardState { term: term.max(later), vote, commit: LogIndex::ZERO };
        if let Err(error) = self.log.append(&[], Some(forgotten)) {
            tracing::error!(
                target: "STORAGE",
                id = 7_200_006,
                error = %error,
                "The log could not be given up"
            );
            self.halted = true;
        }
    }

    /// The log of the history that is given up, and what was committed in it, mean nothing in the
    /// other one, whose copy may well stand before what this log has forgotten.
    fn start_over(&mut self) {
        let membership = self.core.membership().clone();
        let cut = self.log.restart_after(LogIndex::ZERO, Term(0)).map_err(RecoveryError::from);
        let started = cut.and_then(|()| self.restart_core_from(membership, LogIndex::ZERO));
        if let Err(error) = started {
            self.failure = Some(error);
            self.halted = true;
        }
    }

    /// Notes a member whose history differs for no reason that is known.
    pub(super) fn note_contradiction(&self, from: u64, outcome: Result<(), Inadmissible>) {
        if outcome != Err(Inadmissible::OtherHistory) {
            return;
        }
        tracing::warn!(
            target: "REPL",
            id = 7_200_002,
            peer = from,
            "A member's log contradicts what is committed here"
        );
    }
}
