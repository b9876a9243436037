//! Where the entries of one segment are.
//!
//! Owns the positions, and what is looked for among them. Cannot be copied: it takes 24 bytes for each
//! entry, and the one that is written to grows with every append.

use super::damaged;
use crate::{LogError, Term, Timestamp};

/// Where an entry is in its file.
#[derive(Clone, Copy)]
pub(super) struct Location {
    pub(super) offset: u32,
    pub(super) bytes: u32,
    pub(super) term: Term,
    /// Zero for an entry that has none.
    pub(super) time: Timestamp,
}

/// The entries of a segment, without a gap.
#[derive(Default)]
pub(super) struct Contents {
    first: u64,
    at: Vec<Location>,
}

/// Where entries stop being older than a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Behind this one, which is followed by an entry that is not older.
    At(u64),
    /// So far there is none that is not older; behind this one there is none that is.
    NotBefore(u64),
}

impl Location {
    /// The bytes it takes.
    pub(super) fn bytes(self) -> usize {
        self.bytes as usize
    }

    fn is_dated(&self) -> bool {
        self.time != Timestamp::ZERO
    }
}

impl Contents {
    /// Its first entry, if there are any.
    pub(super) fn first(&self) -> Option<u64> {
        (!self.at.is_empty()).then_some(self.first)
    }

    /// Entries were written from `first` on; they replace what stood there.
    pub(super) fn put(&mut self, first: u64, at: impl IntoIterator<Item = Location>) {
        if self.at.is_empty() || first < self.first {
            self.at.clear();
            self.first = first;
        }
        let kept = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        self.at.truncate(kept);
        self.at.extend(at);
    }

    pub(super) fn location(&self, index: u64) -> Result<Location, LogError> {
        let place = index.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let found = place.and_then(|place| self.at.get(place)).copied();
        found.ok_or_else(|| damaged(format!("entry {index} is missing")))
    }

    /// The bytes of the entries from one on to before another.
    pub(super) fn bytes(&self, from: u64, end: u64) -> u64 {
        self.between(from, end).iter().map(|location| u64::from(location.bytes)).sum()
    }

    /// Where the entries from one on to before another stop being older than `time`.
    pub(super) fn turn(&self, from: u64, end: u64, time: Timestamp) -> Turn {
        let from = from.max(self.first);
        let entries = self.between(from, end);
        let (mut low, mut high) = (0, entries.len());
        let mut is_followed = false;
        while low < high {
            let middle = low + (high - low) / 2;
            let behind = entries.get(middle..high).unwrap_or_default();
            match behind.iter().position(Location::is_dated) {
                Some(dated) if behind.get(dated).is_some_and(|at| at.time < time) => {
                    low = middle + dated + 1;
                }
                found => {
                    is_followed |= found.is_some();
                    high = middle;
                }
            }
        }
        let turn = from.saturating_add(low as u64);
        if is_followed { Turn::At(turn) } else { Turn::NotBefore(turn) }
    }

    fn between(&self, from: u64, end: u64) -> &[Location] {
        let place = |index: u64| {
            let place = usize::try_from(index.saturating_sub(self.first)).unwrap_or(usize::MAX);
            place.min(self.at.len())
        };
        self.at.get(place(from)..place(end)).unwrap_or_default()
    }
}
