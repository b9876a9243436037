//! The member's side of the log.
//!
//! Owns writing what the core wants written, and what happens when that fails.

use super::{Member, Settled, Start};
use crate::core::{Synced, Work};
use crate::message::{Consensus, Message, Transport};
use crate::proposal::LostCause;
use crate::recovery::RecoveryError;
use quire_log::{Completeness, EntryKind, LogError, LogIndex};

/// The log must be reopened before it takes anything.
pub(super) struct LogTrouble {
    /// What was there before the append that failed.
    keep_through: LogIndex,
    /// Everything that was on its way was already answered.
    told: bool,
}

impl LogTrouble {
    /// After a change that did not append: nothing has to be cut off.
    pub(super) fn keeping_everything() -> LogTrouble {
        LogTrouble { keep_through: LogIndex(u64::MAX), told: false }
    }
}

impl Member {
    /// Sends, writes and sends again, in the order that makes each promise true.
    pub(super) fn carry_out(
        &mut self,
        mut work: Work,
        transport: &dyn Transport,
        settled: &mut Settled,
    ) {
        self.send(transport, std::mem::take(&mut work.send_first));
        self.grant_reads(&work);
        self.backlog.extend(std::mem::take(&mut work.committed));
        if let Err(error) = self.write(&work) {
            return self.log_failed(error, &work, settled);
        }
        self.send(transport, std::mem::take(&mut work.send_when_synced));
        let Synced { send: messages, committed } = self.core.synced(work);
        self.send(transport, messages);
        self.backlog.extend(committed);
    }

    fn write(&mut self, work: &Work) -> Result<(), LogError> {
        if work.entries.is_empty() && work.hard_state.is_none() {
            return Ok(());
        }
        let hard_state = work.hard_state.unwrap_or_else(|| self.core.hard_state());
        self.log.append(&work.entries, Some(hard_state))?;
        let carries_effects = work.entries.iter().any(|entry| entry.kind == EntryKind::Effects);
        self.groups += u64::from(carries_effects);
        Ok(())
    }

    fn log_failed(&mut self, error: LogError, work: &Work, settled: &mut Settled) {
        self.failure = Some(error.clone().into());
        let LogError::NoSpace(reason) = error else {
            tracing::error!(target: "STORAGE", id = 7_100_001, error = %error, "The log failed");
            self.halted = true;
            return self.lose_all(LostCause::Failed, settled);
        };
        tracing::error!(target: "STORAGE", id = 7_100_002, reason, "The log's disk is full");
        let first = work.entries.first().map(|entry| entry.index.0.saturating_sub(1));
        let keep_through = first.map_or(self.log.last_index(), LogIndex);
        self.trouble = Some(LogTrouble { keep_through, told: false });
        self.recover_log(settled);
    }

    /// Cuts the log back to what was there before the append that failed, and starts again from it.
    /// While even that fails nothing can be said about what is on disk, so nobody is answered.
    pub(super) fn recover_log(&mut self, settled: &mut Settled) {
        let Some(LogTrouble { keep_through, told }) = self.trouble else { return };
        if let Err(error) = self.log.reopen(keep_through) {
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_003,
                error = %error,
                "The log cannot be reopened yet"
            );
            return;
        }
        if !told {
            // A lone voter told nobody of what it cut off. Others may have it from a leader.
            let alone = self.core.membership().members().count() <= 1;
            let cause = if alone { LostCause::NoSpace } else { LostCause::NotLeader };
            self.lose(keep_through, cause, settled);
            // Once: whoever is told asks again at once.
            self.trouble = Some(LogTrouble { keep_through, told: true });
        }
        if self.machine.completeness() == Completeness::Arrived {
            match self.adopt_copy() {
                Ok(()) => {
                    self.trouble = None;
                    return;
                }
                // Another copy is needed.
                Err(RecoveryError::DataBehindLog { .. }) => {}
                Err(_) => return,
            }
        }
        let membership = self.core.membership().clone();
        if let Err(error) = self.restart_core(membership) {
            tracing::error!(
                target: "STORAGE",
                id = 7_100_006,
                error = %error,
                "The log cannot be read again"
            );
            self.halted = true;
            return;
        }
        self.trouble = None;
        if self.start == Start::Alone {
            self.stand_alone(keep_through);
        }
    }

    /// A lone voter elects itself again, if there is room for the entry that says so.
    fn stand_alone(&mut self, keep_through: LogIndex) {
        self.core.campaign();
        let Some(work) = self.core.work() else { return };
        if self.write(&work).is_err() {
            self.trouble = Some(LogTrouble { keep_through, told: true });
            return;
        }
        let Synced { committed, .. } = self.core.synced(work);
        self.backlog.extend(committed);
    }

    /// Writes down how far the log is committed, which otherwise waits for the next entry. Without it
    /// a member that starts again might go by a membership before the one it has applied, and know
    /// of too few voters to elect anybody.
    pub(super) fn keep_commitment(&mut self) {
        if let Err(error) = self.log.append(&[], Some(self.core.hard_state())) {
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_007,
                error = %error,
                "The log could not note how far it is committed"
            );
            self.reopen_in_place();
        }
    }

    /// See [`Member::compact`].
    pub(super) fn compact_log(&mut self) {
        let Ok(durable) = self.machine.durable() else { return };
        if self.trouble.is_some() || self.partial {
            return;
        }
        let kept = match self.options.retention.kept_from(self.log.as_ref(), self.wall_seconds) {
            Ok(kept) => kept,
            Err(error) => {
                return tracing::warn!(
                    target: "STORAGE",
                    id = 7_100_008,
                    error = %error,
                    "It could not be found out what the log may forget"
                );
            }
        };
        let through = LogIndex(durable.0.min(kept.0.saturating_sub(1)));
        if through < self.log.first_index() {
            return;
        }
        let first = self.log.first_index();
        let compacted = self.log.compact(through);
        self.truncations += u64::from(self.log.first_index() > first);
        if let Err(error) = compacted {
            tracing::warn!(
                target: "STORAGE",
                id = 7_100_005,
                error = %error,
                "The log could not be compacted"
            );
            // The log takes no more until it was reopened, and nothing of it has to be given up.
            self.reopen_in_place();
        }
    }

    fn reopen_in_place(&mut self) {
        let keep_through = self.core.last();
        if self.log.reopen(keep_through).is_err() {
            self.trouble = Some(LogTrouble { keep_through, told: false });
        }
    }

    fn send(&self, transport: &dyn Transport, messages: Vec<Consensus>) {
        for mut message in messages {
            self.mark(&mut message);
            transport.send(message.to, Message::Consensus(message));
        }
    }
}
