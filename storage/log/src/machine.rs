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

/// Whether the state can be read and applied to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Completeness {
    #[default]
    Whole,
    /// A copy arrived whole, and the log was not yet told to begin behind it.
    Arrived,
    /// A copy is arriving, or its arrival was interrupted: nothing here counts.
    Partial,
}

/// A frozen copy of a state, read chunk by chunk by one reader.
pub trait Export: Send {
    /// The position that the copy stands at.
    fn applied(&self) -> Applied;

    /// The next chunk, of up to about `bytes_max` bytes; what cannot be divided may be larger, alone
    /// in its chunk. `None` at the end.
    fn next_chunk(&mut self, bytes_max: usize) -> Result<Option<Vec<u8>>, Fatal>;
}

/// Applying, and everything that changes a state by a copy, is called by one thread only.
pub trait StateMachine: Send + Sync {
    /// The position up to which effects are visible to readers.
    fn applied(&self) -> Applied;

    /// The position that would be found after a power cut now; the log is kept above it.
    fn durable(&self) -> Result<LogIndex, Fatal>;

    /// Whether a follower is to put off applying for now; it is asked again with every tick.
    fn is_held(&self) -> bool {
        false
    }

    /// Applies entries in order, as one atomic step. Refused unless the state is whole.
    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal>;

    /// Takes entries as done without carrying out their effects. If there were any, the state is
    /// hollow from then on, durably with the position, and nothing is ever applied to it again.
    fn pass(&self, _: &[Entry]) -> Result<(), Fatal> {
        Err(Fatal { reason: "this state leaves nothing out".to_owned(), no_space: false })
    }

    /// True when effects were left out: position and configuration hold, and nothing else does. Only
    /// a copy of a state that is not hollow makes it one with data.
    fn is_hollow(&self) -> bool {
        false
    }

    /// Entries that were on their way will never come. Whoever waits for one to be applied has to
    /// look again.
    fn lost(&self) {}

    /// Makes everything applied so far durable.
    fn flush(&self) -> Result<(), Fatal>;

    fn completeness(&self) -> Completeness;

    /// The payload of the configuration entry that was applied last. Part of the state, so it comes
    /// along with a copy.
    fn configuration(&self) -> Option<Vec<u8>>;

    /// A copy of the state as it is now, unchanged by what is applied later. Refused while the
    /// state is partial.
    fn export(&self) -> Result<Box<dyn Export>, Fatal>;

    /// A copy of position and configuration alone, which makes a hollow state.
    fn export_position(&self) -> Result<Box<dyn Export>, Fatal> {
        Err(Fatal { reason: "this state leaves nothing out".to_owned(), no_space: false })
    }

    /// Durably marks the state as partial and drops everything in it; `applied()` is zero from now
    /// on. Starts over when a copy was arriving. After a failure `completeness()` tells whether it was
    /// dropped all the same.
    fn begin_install(&self) -> Result<(), Fatal>;

    /// Takes the next chunk of the copy. A chunk that was refused, or that the disk failed on,
    /// changed nothing that counts and may be given again.
    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal>;

    /// After the last chunk: durable, [`Completeness::Arrived`], and `applied()` is the copy's.
    /// Readers see the copy; views opened earlier keep what they had.
    fn finish_install(&self) -> Result<Applied, Fatal>;

    /// The log begins behind the copy now: [`Completeness::Whole`], durably. Does nothing when the
    /// state is whole already.
    fn log_restarted(&self) -> Result<(), Fatal>;
}
