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
}

/// How durable a write is when the call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut.
    Synced,
    /// In memory only; becomes durable with the next flush, whole batches at a time and in order.
    Unsynced,
}

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

    /// Walks the keys of `range` until the visitor breaks.
    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>,
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

    /// The value of `key` that would be found after a power cut now.
    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// Writes a consistent copy of the whole store into the new directory `path`.
    fn checkpoint(&self, path: &Path) -> Result<()>;

    /// About how many bytes the keys of `range` take on disk and in memory tables.
    fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64;

    /// Reads every block and verifies its checksum; the error names the damaged file.
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
