//! What is done to the store as a whole: copies, sizes, verification, statistics.

use super::failure::explain;
use super::{Store, families, tuning};
use crate::{EngineStats, KeyRange, Result, Space};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{
    Cache, ColumnFamily, DB, Range, ReadOptions,
    properties::{self, PropName},
};
use std::ops::{Bound, ControlFlow};
use std::path::Path;

/// Stands for the end of a space where RocksDB wants a key; our keys begin with a prefix below it.
const END_OF_SPACE: &[u8] = &[0xff; 32];
/// Up to so many entries of the memory tables are counted; beyond, their share is guessed.
const COUNTED_ENTRIES_MAX: usize = 256;
/// Verification reads each block once, so it needs no cache to speak of.
const INSPECTION_CACHE_BYTES: usize = 8 << 20;
const INSPECTION_READAHEAD_BYTES: usize = 2 << 20;

impl Store {
    pub(super) fn checkpoint(&self, path: &Path) -> Result<()> {
        let _alone = self.maintenance.lock();
        // What no log holds must be in files before they are linked.
        self.flush()?;
        Checkpoint::new(&self.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(path))
            .map_err(explain)
    }

    pub(super) fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64 {
        let Ok(family) = self.family(space) else { return 0 };
        if range.is_empty() {
            return 0;
        }
        let from = match range.lower {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => &[],
        };
        let to = match range.upper {
            Bound::Included(key) | Bound::Excluded(key) => key,
            Bound::Unbounded => END_OF_SPACE,
        };
        let in_files: u64 =
            self.db.get_approximate_sizes_cf(family, &[Range::new(from, to)]).iter().sum();
        if in_files > 0 {
            return in_files;
        }
        self.bytes_not_in_files(space, family, range)
    }

    /// RocksDB sizes files only. What is young enough to be in memory tables alone is counted entry
    /// by entry when it is little; else all of the memory tables is the better guess than nothing.
    fn bytes_not_in_files(&self, space: Space, family: &ColumnFamily, range: KeyRange<'_>) -> u64 {
        let (mut entries, mut bytes) = (0_usize, 0_u64);
        let counted = self.scan(
            ReadOptions::default(),
            space,
            range,
            crate::Direction::Forward,
            &mut |key, value| {
                entries += 1;
                bytes += (key.len() + value.len()) as u64;
                if entries < COUNTED_ENTRIES_MAX {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            },
        );
        if counted.is_ok() && entries < COUNTED_ENTRIES_MAX {
            return bytes;
        }
        bytes.max(self.number(family, properties::CUR_SIZE_ALL_MEM_TABLES))
    }

    /// Scans every space through a second, read-only instance: its cache is empty, so whatever is
    /// damaged on disk cannot hide behind a good copy in memory.
    pub(super) fn verify_checksums(&self) -> Result<()> {
        let _alone = self.maintenance.lock();
        let _files_stay = FilesStay::begin(&self.db)?;
        let cache = Cache::new_hyper_clock_cache(INSPECTION_CACHE_BYTES, 0);
        let inspected = DB::open_cf_descriptors_read_only(
            &tuning::inspection(&self.options),
            &self.options.path,
            families(&self.options, &cache),
            false,
        )
        .map_err(explain)?;
        for family in self.options.spaces.iter().filter_map(|name| inspected.cf_handle(name)) {
            let mut reads = ReadOptions::default();
            reads.set_verify_checksums(true);
            reads.fill_cache(false);
            reads.set_readahead_size(INSPECTION_READAHEAD_BYTES);
            let mut entries = inspected.raw_iterator_cf_opt(family, reads);
            entries.seek_to_first();
            while entries.valid() {
                entries.next();
            }
            entries.status().map_err(explain)?;
        }
        Ok(())
    }

    pub(super) fn stats(&self) -> EngineStats {
        let families = self.all_families();
        let sum = |property| families.iter().map(|family| self.number(family, property)).sum();
        let whole = |property| self.db.property_int_value(property).ok().flatten().unwrap_or(0);
        EngineStats {
            name: if self.options.memory_files.is_some() { "rocksdb in memory" } else { "rocksdb" },
            disk_bytes: sum(properties::LIVE_SST_FILES_SIZE),
            memtable_bytes: sum(properties::CUR_SIZE_ALL_MEM_TABLES),
            cache_bytes: self.cache.get_usage() as u64,
            cache_capacity_bytes: self.options.cache_capacity() as u64,
            pending_compaction_bytes: sum(properties::ESTIMATE_PENDING_COMPACTION_BYTES),
            running_compactions: whole(properties::NUM_RUNNING_COMPACTIONS),
            running_flushes: whole(properties::NUM_RUNNING_FLUSHES),
            write_stalled: whole(properties::IS_WRITE_STOPPED) > 0
                || whole(properties::ACTUAL_DELAYED_WRITE_RATE) > 0,
            background_errors: whole(properties::BACKGROUND_ERRORS),
        }
    }

    fn number(&self, family: &ColumnFamily, property: &PropName) -> u64 {
        self.db.property_int_value_cf(family, property).ok().flatten().unwrap_or(0)
    }
}

/// While it lives, no file of the store is deleted.
struct FilesStay<'a> {
    db: &'a DB,
}

impl<'a> FilesStay<'a> {
    fn begin(db: &'a DB) -> Result<FilesStay<'a>> {
        db.disable_file_deletions().map_err(explain)?;
        Ok(FilesStay { db })
    }
}

impl Drop for FilesStay<'_> {
    fn drop(&mut self) {
        // Should this fail, files of no use stay until the next start, which removes them.
        let _ = self.db.enable_file_deletions();
    }
}
