//! The contract between the log and the state built from it.
//!
//! The state machine is fed committed entries in order, exactly once each: it writes the applied
//! position in the same batch as the effects. It has no result to give back: whoever proposed an
//! entry has checked beforehand that its effects hold, so applying can only succeed or fail locally.

use crate::{Entry, LogIndex, Term, Timestamp};

/// How far the state has come along the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub index: LogIndex,
    pub term: Term,
    pub timestamp: Timestamp,
}

/// A local failure to apply: the disk, a checksum, an entry this version cannot read. The node stalls
/// and tries again; it never skips the entry.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot apply the log: {reason}")]
pub struct Fatal {
    pub reason: String,
    /// True when the cause is a full disk, which may pass.
    pub no_space: bool,
}

pub trait StateMachine: Send + Sync {
    /// The position up to which effects are visible to readers.
    fn applied(&self) -> Applied;

    /// The position that would be found after a power cut now; the log is kept above it.
    fn durable(&self) -> Result<LogIndex, Fatal>;

    /// Applies entries in order, as one atomic step. Called by one thread only.
    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal>;

    /// Entries that were on their way will never come. Whoever waits for one to be applied has to
    /// look again.
    fn lost(&self) {}

    /// Makes everything applied so far durable.
    fn flush(&self) -> Result<(), Fatal>;
}
