//! Positions, times and entries of the log.

use bytes::Bytes;

/// The place of an entry in the log; the first entry has index 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogIndex(pub u64);

impl LogIndex {
    /// The place before the first entry.
    pub const ZERO: LogIndex = LogIndex(0);

    #[must_use]
    pub fn next(self) -> LogIndex {
        LogIndex(self.0.saturating_add(1))
    }
}

impl std::fmt::Display for LogIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An election term.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term(pub u64);

impl std::fmt::Display for Term {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The leader's time of an entry or effect: seconds in the high half, an increment in the low half.
/// Strictly increasing along the log; shown to clients as a BSON timestamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    pub const ZERO: Timestamp = Timestamp(0);

    pub fn new(seconds: u32, increment: u32) -> Timestamp {
        Timestamp(u64::from(seconds) << 32 | u64::from(increment))
    }

    pub fn seconds(self) -> u32 {
        (self.0 >> 32) as u32
    }

    pub fn increment(self) -> u32 {
        self.0 as u32
    }

    #[must_use]
    pub fn next(self) -> Timestamp {
        Timestamp(self.0.saturating_add(1))
    }
}

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// The empty entry with which a leader starts its term.
    TermStart,
    /// Effects for the state machine.
    Effects,
    /// A change of the membership.
    Configuration,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub index: LogIndex,
    pub term: Term,
    /// The time of the entry's last effect.
    pub timestamp: Timestamp,
    pub kind: EntryKind,
    /// Shared: the log, the core's memory of it and the messages to other members all have it.
    pub payload: Bytes,
}

/// What a voter must not forget: the term it is in, whom it voted for, and how far it knows the log
/// to be committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HardState {
    pub term: Term,
    /// The node voted for in `term`; zero is nobody.
    pub vote: u64,
    pub commit: LogIndex,
}
