//! Reading the live store and snapshots of it.
//!
//! Both go through the same three functions; they differ in the read options alone. Values are shown
//! to the caller where RocksDB keeps them, in a block or memory table, and never copied here.

use super::failure::explain;
use super::{RocksEngine, Store};
use crate::{Direction, EntryVisitor, KeyRange, Read, Result, Space};
use rocksdb::{DB, ReadOptions, SnapshotWithThreadMode};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// Values looked up at once: enough for RocksDB to read blocks in parallel, few enough that the
/// blocks they pin stay a small part of the cache.
const LOOKUPS_AT_ONCE: usize = 128;

type RocksSnapshot<'a> = SnapshotWithThreadMode<'a, DB>;

/// A snapshot of RocksDB and the read options that name it.
struct Moment<'a> {
    snapshot: RocksSnapshot<'a>,
    reads: ReadOptions,
}

self_cell::self_cell!(
    /// A snapshot that keeps its store open.
    pub(super) struct Snapshot {
        owner: Arc<Store>,
        #[covariant]
        dependent: Moment,
    }
);

impl Snapshot {
    pub(super) fn take(store: Arc<Store>) -> Snapshot {
        Snapshot::new(store, |store| {
            let snapshot = store.db.snapshot();
            let mut reads = ReadOptions::default();
            reads.set_snapshot(&snapshot);
            Moment { snapshot, reads }
        })
    }
}

impl Store {
    fn get_with(
        &self,
        reads: &ReadOptions,
        space: Space,
        key: &[u8],
        visit: &mut dyn FnMut(&[u8]),
    ) -> Result<bool> {
        let family = self.family(space)?;
        let value = self.db.get_pinned_cf_opt(family, key, reads).map_err(explain)?;
        if let Some(value) = &value {
            visit(value);
        }
        Ok(value.is_some())
    }

    fn get_many(
        &self,
        reads: &ReadOptions,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        let family = self.family(space)?;
        let sorted = keys.is_sorted();
        let mut position = 0;
        for keys in keys.chunks(LOOKUPS_AT_ONCE) {
            let keys = keys.iter().copied();
            for value in self.db.batched_multi_get_cf_opt(family, keys, sorted, reads) {
                visit(position, value.map_err(explain)?.as_deref());
                position += 1;
            }
        }
        Ok(())
    }

    pub(super) fn scan(
        &self,
        mut reads: ReadOptions,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        let family = self.family(space)?;
        if range.is_empty() {
            return Ok(());
        }
        // RocksDB stops by itself at the bounds, and reads ahead of a long forward scan on its own,
        // the further the longer it goes on.
        match range.lower {
            Bound::Included(key) => reads.set_iterate_lower_bound(key),
            Bound::Excluded(key) => reads.set_iterate_lower_bound(successor(key)),
            Bound::Unbounded => {}
        }
        match range.upper {
            Bound::Included(key) => reads.set_iterate_upper_bound(successor(key)),
            Bound::Excluded(key) => reads.set_iterate_upper_bound(key),
            Bound::Unbounded => {}
        }
        let mut entries = self.db.raw_iterator_cf_opt(family, reads);
        match direction {
            Direction::Forward => entries.seek_to_first(),
            Direction::Backward => entries.seek_to_last(),
        }
        while let Some((key, value)) = entries.item() {
            if let ControlFlow::Break(()) = visit(key, value) {
                return Ok(());
            }
            match direction {
                Direction::Forward => entries.next(),
                Direction::Backward => entries.prev(),
            }
        }
        // An iterator that met an error looks like one that came to its end.
        entries.status().map_err(explain)
    }
}

/// The first key after `key`.
fn successor(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}

impl Read for RocksEngine {
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.store.get_with(&self.store.live_reads, space, key, visit)
    }

    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        // Pieces that are looked up one after the other must not see different times.
        if keys.len() > LOOKUPS_AT_ONCE {
            return Snapshot::take(Arc::clone(&self.store)).get_many(space, keys, visit);
        }
        self.store.get_many(&self.store.live_reads, space, keys, visit)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        self.store.scan(ReadOptions::default(), space, range, direction, visit)
    }
}

impl Read for Snapshot {
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.borrow_owner().get_with(&self.borrow_dependent().reads, space, key, visit)
    }

    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        self.borrow_owner().get_many(&self.borrow_dependent().reads, space, keys, visit)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        let mut reads = ReadOptions::default();
        reads.set_snapshot(&self.borrow_dependent().snapshot);
        self.borrow_owner().scan(reads, space, range, direction, visit)
    }
}
