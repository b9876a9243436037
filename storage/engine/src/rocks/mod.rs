//! The engine on RocksDB.
//!
//! Owns every mention of RocksDB in the project. A store is one RocksDB instance whose column
//! families are our key spaces. Two ways of being durable exist, chosen when it is opened:
//!
//! | `wal` | `Unsynced` | `Synced` | `flush` | after a power cut |
//! | --- | --- | --- | --- | --- |
//! | false | memory tables only | the same, then a flush | writes all spaces' tables at once | the state of the last flush |
//! | true | log written | log written and synced | syncs the log | a prefix, all synced batches in it |
//!
//! Without the log, spaces agree with each other after a crash only because a flush takes all of
//! them as one (`atomic_flush`); nothing here may flush a single space.

mod failure;
mod maintenance;
mod options;
mod read;
#[cfg(test)]
mod tests;
mod tuning;

pub use options::{MemoryFiles, RocksOptions};

use crate::{
    Batch, Durability, Engine, EngineError, EngineStats, KeyRange, Operation, Read, Result, Space,
    hardware,
};
use failure::explain;
use parking_lot::Mutex;
use rocksdb::{
    Cache, ColumnFamily, ColumnFamilyDescriptor, DB, FlushOptions, ReadOptions, ReadTier,
    WriteBatch, WriteOptions,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What RocksDB adds to each record of a batch, at most: a tag, the space and two lengths.
const RECORD_OVERHEAD_BYTES: usize = 16;

/// The engine. When it and its snapshots are dropped, everything is flushed and the store closed.
pub struct RocksEngine {
    store: Arc<Store>,
}

/// An open RocksDB instance.
struct Store {
    db: DB,
    options: RocksOptions,
    cache: Cache,
    live_reads: ReadOptions,
    durable_reads: ReadOptions,
    synced_writes: WriteOptions,
    unsynced_writes: WriteOptions,
    /// Whether the log holds records that no sync has covered yet.
    log_has_unsynced: AtomicBool,
    /// One checkpoint or verification at a time; both hold old files on disk.
    maintenance: Mutex<()>,
}

impl RocksEngine {
    /// Opens the store, creating it and its key spaces where they are missing.
    pub fn open(options: RocksOptions) -> Result<RocksEngine> {
        hardware::check()?;
        let cache = Cache::new_hyper_clock_cache(options.cache_capacity(), 0);
        let db = DB::open_cf_descriptors(
            &tuning::database(&options, &cache),
            &options.path,
            families(&options, &cache),
        )
        .map_err(explain)?;

        let mut durable_reads = ReadOptions::default();
        durable_reads.set_read_tier(ReadTier::Persisted);
        let mut synced_writes = WriteOptions::default();
        synced_writes.set_sync(options.wal);
        synced_writes.disable_wal(!options.wal);
        let mut unsynced_writes = WriteOptions::default();
        unsynced_writes.disable_wal(!options.wal);
        let store = Store {
            db,
            options,
            cache,
            live_reads: ReadOptions::default(),
            durable_reads,
            synced_writes,
            unsynced_writes,
            log_has_unsynced: AtomicBool::new(false),
            maintenance: Mutex::new(()),
        };
        Ok(RocksEngine { store: Arc::new(store) })
    }
}

/// One column family for each key space. RocksDB insists on one named `default` besides, which stays
/// empty and would get options of its own choosing if we did not name it.
fn families(options: &RocksOptions, cache: &Cache) -> impl Iterator<Item = ColumnFamilyDescriptor> {
    std::iter::once(&rocksdb::DEFAULT_COLUMN_FAMILY_NAME)
        .chain(options.spaces)
        .map(|name| ColumnFamilyDescriptor::new(*name, tuning::space(name, options, cache)))
}

impl Store {
    fn family(&self, space: Space) -> Result<&ColumnFamily> {
        self.options
            .spaces
            .get(usize::from(space.0))
            .and_then(|name| self.db.cf_handle(name))
            .ok_or_else(|| EngineError::Io(format!("key space {} does not exist", space.0)))
    }

    fn all_families(&self) -> Vec<&ColumnFamily> {
        self.options.spaces.iter().filter_map(|name| self.db.cf_handle(name)).collect()
    }

    fn translate(&self, batch: &Batch) -> Result<WriteBatch> {
        let room = batch.bytes() + batch.len() * RECORD_OVERHEAD_BYTES;
        let mut translated = WriteBatch::with_capacity_bytes(room);
        for (space, operation) in batch.iter() {
            let family = self.family(space)?;
            match operation {
                Operation::Put { key, value } => translated.put_cf(family, key, value),
                Operation::Delete { key } => translated.delete_cf(family, key),
                // RocksDB refuses a range whose ends are out of order.
                Operation::DeleteRange { from, to } if from < to => {
                    translated.delete_range_cf(family, from, to);
                }
                Operation::DeleteRange { .. } => {}
            }
        }
        Ok(translated)
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<()> {
        let translated = self.translate(batch)?;
        let write_options = match durability {
            Durability::Synced => &self.synced_writes,
            Durability::Unsynced => &self.unsynced_writes,
        };
        if self.options.wal && durability == Durability::Unsynced {
            self.log_has_unsynced.store(true, Ordering::Release);
        }
        self.db.write_opt(translated, write_options).map_err(explain)?;
        if !self.options.wal && durability == Durability::Synced {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        if self.options.wal {
            // Cleared first: a batch that is written meanwhile sets it again.
            self.log_has_unsynced.store(false, Ordering::Release);
            return self.db.flush_wal(true).map_err(|error| {
                self.log_has_unsynced.store(true, Ordering::Release);
                explain(error)
            });
        }
        let mut wait = FlushOptions::default();
        wait.set_wait(true);
        self.db.flush_cfs_opt(&self.all_families(), &wait).map_err(explain)
    }

    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        // With a log a reader cannot tell synced from unsynced, so there must be nothing unsynced.
        if self.options.wal && self.log_has_unsynced.load(Ordering::Acquire) {
            self.flush()?;
        }
        self.db.get_cf_opt(self.family(space)?, key, &self.durable_reads).map_err(explain)
    }
}

impl Engine for RocksEngine {
    fn snapshot(&self) -> Arc<dyn Read> {
        Arc::new(read::Snapshot::take(Arc::clone(&self.store)))
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<()> {
        self.store.write(batch, durability)
    }

    fn flush(&self) -> Result<()> {
        self.store.flush()
    }

    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.store.get_durable(space, key)
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        self.store.checkpoint(path)
    }

    fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64 {
        self.store.approximate_bytes(space, range)
    }

    fn verify_checksums(&self) -> Result<()> {
        self.store.verify_checksums()
    }

    fn stats(&self) -> EngineStats {
        self.store.stats()
    }
}
