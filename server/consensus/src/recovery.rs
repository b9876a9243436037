//! From what is on disk to a running state.
//!
//! Owns the start: a new term, the replay of committed entries that the state has not durably
//! applied, and the term-start entry behind which a leader accepts writes. With one voter every
//! entry that the log holds was vouched for, so all of them are committed.

use quire_log::{
    Applied, Entry, EntryKind, Fatal, HardState, LogError, LogIndex, LogStore, StateMachine, Term,
    Timestamp,
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
}

/// Bytes of entries replayed in one step.
const REPLAY_BYTES_MAX: usize = 8 << 20;

/// Where the node stands after its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Recovered {
    pub(crate) term: Term,
    pub(crate) last: LogIndex,
    pub(crate) timestamp: Timestamp,
    pub(crate) replayed: u64,
}

/// Replays the log onto the state and starts a new term.
pub(crate) fn recover(
    log: &dyn LogStore,
    machine: &dyn StateMachine,
    node: u64,
) -> Result<Recovered, RecoveryError> {
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
    replay(log, machine, last)?;
    start_term(log, machine, node, last.0 - applied.index.0)
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

fn replay(
    log: &dyn LogStore,
    machine: &dyn StateMachine,
    last: LogIndex,
) -> Result<(), RecoveryError> {
    loop {
        let from = machine.applied().index.next();
        if from > last {
            return Ok(());
        }
        let entries = log.read(from.0..=last.0, REPLAY_BYTES_MAX)?;
        if entries.is_empty() {
            let missing = format!("entry {from} is missing");
            return Err(RecoveryError::Log(LogError::Corruption(missing)));
        }
        machine.apply(&entries)?;
    }
}

fn start_term(
    log: &dyn LogStore,
    machine: &dyn StateMachine,
    node: u64,
    replayed: u64,
) -> Result<Recovered, RecoveryError> {
    let hard_state = log.hard_state();
    let index = log.last_index().next();
    let term = Term(hard_state.term.0.saturating_add(1));
    let timestamp = machine.applied().timestamp.next();
    let entry = Entry { index, term, timestamp, kind: EntryKind::TermStart, payload: Vec::new() };
    let voted = HardState { term, vote: node, commit: index };
    log.append(std::slice::from_ref(&entry), Some(voted))?;
    machine.apply(&[entry])?;
    Ok(Recovered { term, last: index, timestamp, replayed })
}
