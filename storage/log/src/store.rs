//! The contract of a log's storage.

use crate::{Entry, HardState, LogIndex, Term, Timestamp};
use std::io;
use std::ops::RangeInclusive;

/// A local failure of the log's storage.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LogError {
    #[error("no space left for the log: {0}")]
    NoSpace(String),
    #[error("the log is damaged: {0}")]
    Corruption(String),
    #[error("the log failed: {0}")]
    Io(String),
    /// Intact, and not for this version to read.
    #[error("the log cannot be read: {0}")]
    Newer(String),
    /// Entries below the first kept one were asked for.
    #[error("the log no longer holds entry {0}")]
    Compacted(LogIndex),
}

impl From<io::Error> for LogError {
    fn from(error: io::Error) -> LogError {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                LogError::NoSpace(error.to_string())
            }
            _ => LogError::Io(error.to_string()),
        }
    }
}

/// Keeps entries durably and in order.
///
/// One writer calls `append`, `compact`, `restart_after`, `set_identity` and `reopen`; readers may
/// call the rest at any time. A change that failed in the store leaves the tail unknown: every later one is refused
/// until `reopen` has found out what is there.
pub trait LogStore: Send + Sync {
    /// The first kept entry's index (one past the compaction point, also when the log is empty).
    fn first_index(&self) -> LogIndex;

    /// The last entry's index, or the compaction point when the log is empty.
    fn last_index(&self) -> LogIndex;

    /// The term of an entry that is kept, or of the compaction point itself; nothing above the last
    /// entry.
    fn term(&self, index: LogIndex) -> Result<Option<Term>, LogError>;

    /// Entries of `range` in order, as many as fit into `bytes_max`, at least one when there is one.
    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError>;

    /// The place behind the last kept entry that is older than `time`: an entry, or the end of the
    /// log. Entries there that have no time may be taken for older too.
    fn first_since(&self, time: Timestamp) -> Result<LogIndex, LogError>;

    /// That place, or one before it that is found without reading entries.
    fn first_since_about(&self, time: Timestamp) -> Result<LogIndex, LogError>;

    fn hard_state(&self) -> HardState;

    /// The number that this node is known by among the voters, if it was given one.
    fn identity(&self) -> Option<u64>;

    /// Gives the node its number, durably and for good: votes were cast and entries counted under
    /// it, so another one is refused. Zero means nobody and is refused too.
    fn set_identity(&self, identity: u64) -> Result<(), LogError>;

    /// Writes entries and hard state with one sync. Entries follow the last one without a gap, or
    /// replace the tail from their first index on: whatever was behind it is gone, even if fewer
    /// entries take its place.
    fn append(&self, entries: &[Entry], hard_state: Option<HardState>) -> Result<(), LogError>;

    /// Forgets entries up to and including `through`, or up to one before it, if what is forgotten
    /// would have to be read for more. The term of the last forgotten one stays known. A crash may
    /// bring them back.
    fn compact(&self, through: LogIndex) -> Result<(), LogError>;

    /// Forgets everything and goes on behind the entry `index` of `term`, which a snapshot of the
    /// state contains and which is committed therefore. Term, vote and identity stay what they are.
    /// Durable when it returns.
    fn restart_after(&self, index: LogIndex, term: Term) -> Result<(), LogError>;

    /// Finds out what is on disk after a failed change, and drops every entry above `keep_through`:
    /// the entry before the first one of the append that failed. The hard state is either the one
    /// before that append or its own, known to be committed no further than what is kept.
    fn reopen(&self, keep_through: LogIndex) -> Result<(), LogError>;

    fn stats(&self) -> LogStats;

    /// About how many bytes of the disk the entries from `first` on take; what is gone or not there
    /// yet takes none.
    fn bytes_from(&self, first: LogIndex) -> u64;
}

/// What a log tells about itself, for serverStatus and metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogStats {
    pub first: LogIndex,
    pub last: LogIndex,
    pub disk_bytes: u64,
    /// Appends, each of which was synced.
    pub syncs: u64,
    pub appended_entries: u64,
    pub appended_bytes: u64,
}
