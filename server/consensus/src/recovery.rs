//! From what is on disk to a running member.
//!
//! Owns the checks that log and state belong together, and what of the log counts when a member
//! starts: its term and vote, and as committed at least what was applied.

use crate::incarnation::incarnation_of;
use crate::{Membership, Start};
use quire_log::{
    Applied, Completeness, Fatal, HardState, LogError, LogIndex, LogStore, StateMachine,
};

/// Why a node cannot start from its disk.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Apply(#[from] Fatal),
    #[error(
        "the log ends at entry {log_last} but the data holds entry {applied}: \
         the log directory is older than the data directory or was replaced"
    )]
    LogBehindData { log_last: LogIndex, applied: LogIndex },
    #[error(
        "the log begins at entry {log_first} but the data ends at entry {applied}: \
         the data directory is older than the log directory or was replaced"
    )]
    DataBehindLog { log_first: LogIndex, applied: LogIndex },
    #[error(
        "entry {applied} of the log is not the one that the data holds: \
         the log directory belongs to other data or was replaced"
    )]
    OtherHistory { applied: LogIndex },
    #[error(
        "the data belongs to a member of a replica set: start it with --replSet and the set's name"
    )]
    BelongsToASet,
    #[error("the state is not whole: a copy of another member's is needed or on its way")]
    Partial,
    #[error("the data's configuration was written by a version that this one cannot read")]
    UnknownConfiguration,
}

/// Checks that log and state belong together, and finishes a copy that had arrived. True when the
/// state is not whole and a copy is needed.
pub(crate) fn check(log: &dyn LogStore, machine: &dyn StateMachine) -> Result<bool, RecoveryError> {
    match machine.completeness() {
        Completeness::Partial => return Ok(true),
        Completeness::Arrived => match follow_copy(log, machine) {
            // It stands before what this log has forgotten: another one is needed.
            Err(RecoveryError::DataBehindLog { .. }) => return Ok(true),
            followed => followed?,
        },
        Completeness::Whole => {}
    }
    let applied = machine.applied();
    let last = log.last_index();
    if applied.index > last {
        return Err(RecoveryError::LogBehindData { log_last: last, applied: applied.index });
    }
    if applied.index.next() < log.first_index() {
        let log_first = log.first_index();
        return Err(RecoveryError::DataBehindLog { log_first, applied: applied.index });
    }
    check_history(log, applied)?;
    Ok(false)
}

/// The entry that was applied last is in the log, or just fell out of it, and must be the same.
fn check_history(log: &dyn LogStore, applied: Applied) -> Result<(), RecoveryError> {
    let Applied { index, term, timestamp } = applied;
    if index == LogIndex::ZERO {
        return Ok(());
    }
    let mut same = log.term(index)? == Some(term);
    if same && index >= log.first_index() {
        let entries = log.read(index.0..=index.0, 1)?;
        same = entries.first().is_some_and(|entry| entry.timestamp == timestamp);
    }
    if same { Ok(()) } else { Err(RecoveryError::OtherHistory { applied: index }) }
}

/// Lets the log begin behind a copy of the state. Entries behind the copy that follow from it stay:
/// this member vouched for them. A log of an earlier incarnation vouches for nothing any more.
pub(crate) fn follow_copy(
    log: &dyn LogStore,
    machine: &dyn StateMachine,
) -> Result<(), RecoveryError> {
    let Applied { index, term, .. } = machine.applied();
    let log_first = log.first_index();
    let last_term = log.term(log.last_index())?.unwrap_or_default();
    if incarnation_of(term) > incarnation_of(last_term) {
        log.append(&[], Some(HardState { commit: LogIndex::ZERO, ..log.hard_state() }))?;
        log.restart_after(index, term)?;
    } else if index.next() < log_first {
        return Err(RecoveryError::DataBehindLog { log_first, applied: index });
    } else if log.term(index)? == Some(term) {
        if index >= log_first {
            log.compact(index)?;
        }
    } else {
        log.restart_after(index, term)?;
    }
    machine.log_restarted()?;
    Ok(())
}

/// The set that the state names.
pub(crate) fn membership(
    machine: &dyn StateMachine,
    start: Start,
    node: u64,
) -> Result<Membership, RecoveryError> {
    match (machine.configuration(), start) {
        (None, Start::Alone) => Ok(Membership::alone(node)),
        (None, Start::InSet) => Ok(Membership::default()),
        (Some(_), Start::Alone) => Err(RecoveryError::BelongsToASet),
        (Some(payload), Start::InSet) => {
            Membership::decode(&payload).ok_or(RecoveryError::UnknownConfiguration)
        }
    }
}

/// How far the log is applied. A state that is not whole may stand anywhere, outside of the log too.
pub(crate) fn applied(machine: &dyn StateMachine, partial: bool) -> Applied {
    if partial { Applied::default() } else { machine.applied() }
}

/// Term and vote as they were promised; committed is at least what was applied, which the log may
/// have learned after it last wrote down how far it was.
pub(crate) fn hard_state(
    log: &dyn LogStore,
    machine: &dyn StateMachine,
) -> Result<HardState, RecoveryError> {
    let kept = log.hard_state();
    let last_term = log.term(log.last_index())?.unwrap_or_default();
    let commit = kept.commit.max(machine.applied().index).min(log.last_index());
    let commit = commit.max(LogIndex(log.first_index().0.saturating_sub(1)));
    let vote = if last_term > kept.term { 0 } else { kept.vote };
    Ok(HardState { term: kept.term.max(last_term), vote, commit })
}
