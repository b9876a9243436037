//! The engine's contract.
//!
//! Owns the traits every engine implements and nothing else. Iteration is internal (the engine calls
//! a visitor), so no iterator borrows from a snapshot and an idle reader pins nothing.

use crate::{Batch, Result};
use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::Arc;

/// One of the few key spaces of a store, by its place in the list given when the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u8);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forward,
    Backward,
}

/// A range of keys.
#[derive(Clone, Copy, Debug)]
pub struct KeyRange<'a> {
    pub lower: Bound<&'a [u8]>,
    pub upper: Bound<&'a [u8]>,
}

impl<'a> KeyRange<'a> {
    pub const ALL: KeyRange<'static> =
        KeyRange { lower: Bound::Unbounded, upper: Bound::Unbounded };

    /// From `lower` up to, not including, `upper`.
    pub fn between(lower: &'a [u8], upper: &'a [u8]) -> KeyRange<'a> {
        KeyRange { lower: Bound::Included(lower), upper: Bound::Excluded(upper) }
    }

    /// True when no key can lie inside, which holds for ends out of order too.
    pub fn is_empty(&self) -> bool {
        match (self.lower, self.upper) {
            (_, Bound::Excluded([])) => true,
            (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
            (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
            (Bound::Included(lower), Bound::Excluded(upper))
            | (Bound::Excluded(lower), Bound::Included(upper)) => lower >= upper,
            // The first key after `lower` is `lower` with a zero byte behind it.
            (Bound::Excluded(lower), Bound::Excluded(upper)) => {
                lower >= upper || upper.strip_prefix(lower) == Some(&[0])
            }
        }
    }
}

/// How durable a write is when the call returns. A crash never leaves a batch without all batches
/// that were written before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut, and so does every batch written before.
    Synced,
    /// In memory only; becomes durable with the next flush, whole batches at a time and in order.
    Unsynced,
}

/// Is shown one key and its value after the other, until it breaks.
pub type EntryVisitor<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Reading at one point in time: the live engine or a snapshot of it.
pub trait Read: Send + Sync {
    /// Calls `visit` with the value of `key`; false when there is none.
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool>;

    /// Looks up many keys at once. Calls `visit` once for each, in order, with its position.
    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()>;

    /// Walks the keys of `range` until the visitor breaks. The walk sees one point in time, whatever
    /// is written meanwhile, also by the visitor.
    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()>;

    /// The value of `key`, copied.
    fn get(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut found = None;
        self.get_with(space, key, &mut |value| found = Some(value.to_vec()))?;
        Ok(found)
    }
}

/// An ordered, transactional-by-batch store.
pub trait Engine: Read {
    /// The state as it is now, unchanged by later writes for as long as it is held.
    fn snapshot(&self) -> Arc<dyn Read>;

    /// Applies the batch as a whole.
    fn write(&self, batch: &Batch, durability: Durability) -> Result<()>;

    /// Makes everything written so far durable.
    fn flush(&self) -> Result<()>;

    /// The value of `key` that would be found after a power cut now. An engine that cannot tell makes
    /// everything durable first.
    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Writes a consistent copy of the whole store, what is not durable yet included, into the new
    /// directory `path`, whose parent must exist.
    fn checkpoint(&self, path: &Path) -> Result<()>;

    /// About how many bytes the keys of `range` take on disk and in memory tables.
    fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64;

    /// Reads every block that holds live data from disk, past all caches, and verifies its checksum;
    /// the error names the damaged file.
    fn verify_checksums(&self) -> Result<()>;

    fn stats(&self) -> EngineStats;
}

/// What an engine tells about itself, for serverStatus and metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EngineStats {
    pub name: &'static str,
    /// Bytes of all live files.
    pub disk_bytes: u64,
    pub memtable_bytes: u64,
    pub cache_bytes: u64,
    pub cache_capacity_bytes: u64,
    pub pending_compaction_bytes: u64,
    pub running_compactions: u64,
    pub running_flushes: u64,
    /// True while the engine refuses or slows writes to catch up.
    pub write_stalled: bool,
    pub background_errors: u64,
}
