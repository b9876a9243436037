//! The settings of RocksDB, and why they are so.
//!
//! Options are given for each column family: a family opened without its own gets RocksDB's
//! defaults, which have no bloom filter and a cache of 32 MiB.

use super::RocksOptions;
use rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, InfoLogger, LogLevel, Options,
    WriteBufferManager,
};

/// Larger blocks scan faster (+16 % against 8 KiB) and barely slow point reads.
const BLOCK_BYTES: usize = 16 << 10;
/// A lookup walks from the nearest key that is written in full; with values of a kilobyte each step is
/// a miss of the processor's cache.
const RESTART_INTERVAL: i32 = 4;
const BLOOM_BITS_PER_KEY: f64 = 10.0;
/// Of a memory table's bytes: over ten bits a row from 70 bytes a row on.
const MEMTABLE_FILTER_PART: f64 = 0.02;
/// The first format with checksums of blocks that depend on their place in the file, so that a block
/// written to the wrong place is noticed.
const TABLE_FORMAT: i32 = 6;
/// RocksDB's report of its own doings: at most these files of this size are kept.
const REPORTS_KEPT: usize = 3;
const REPORT_BYTES_MAX: usize = 4 << 20;
/// The list of files is rewritten when it has grown to this; it is read whole at each start.
const MANIFEST_BYTES_MAX: usize = 16 << 20;
/// Writes of background jobs are handed to the disk in pieces, so that one large sync at the end
/// does not hold up the log's small ones.
const BYTES_PER_SYNC: u64 = 1 << 20;
/// Finished log files kept for reuse: overwriting allocated space syncs half again as fast.
const RECYCLED_LOGS: usize = 4;

/// The options of the whole instance.
pub(super) fn database(options: &RocksOptions, cache: &Cache) -> Options {
    let mut database = base(options);
    database.create_if_missing(true);
    database.create_missing_column_families(true);
    database.set_max_background_jobs(options.background_jobs);
    // What is not on disk yet counts against the cache too: one setting bounds both together.
    database.set_write_buffer_manager(&WriteBufferManager::new_write_buffer_manager_with_cache(
        options.memtable_bytes,
        false,
        cache.clone(),
    ));
    database.set_bytes_per_sync(BYTES_PER_SYNC);
    database.set_max_manifest_file_size(MANIFEST_BYTES_MAX);
    database.set_manifest_preallocation_size(64 << 10);
    database.set_keep_log_file_num(REPORTS_KEPT);
    database.set_max_log_file_size(REPORT_BYTES_MAX);
    database.set_log_level(LogLevel::Info);
    // Readers leave the deletion of files to the background.
    database.set_avoid_unnecessary_blocking_io(true);
    if options.wal {
        // A torn last record is dropped, and with it whatever follows: a prefix remains.
        database.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        database.set_recycle_log_file_num(RECYCLED_LOGS);
        database.set_max_total_wal_size(2 * options.memtable_bytes as u64);
    } else {
        database.set_atomic_flush(true);
    }
    database
}

/// The options of a second look at a store that is open: it must leave no trace beside the first.
pub(super) fn inspection(options: &RocksOptions) -> Options {
    let mut inspection = base(options);
    inspection.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
    // Entries hidden by newer ones are read and not jumped over, for the sake of their blocks.
    inspection.set_max_sequential_skip_in_iterations(u64::MAX);
    inspection
}

fn base(options: &RocksOptions) -> Options {
    let mut base = Options::default();
    if let Some(files) = &options.memory_files {
        base.set_env(&files.env);
    }
    base.set_paranoid_checks(true);
    base.set_max_open_files(options.open_files_max);
    // Opening must not depend on how much is stored.
    base.set_skip_stats_update_on_db_open(true);
    // No threads and history for statistics that nobody reads; ours come from properties.
    base.set_stats_dump_period_sec(0);
    base.set_stats_persist_period_sec(0);
    base
}

/// Memory tables grow by arenas of this size, one at least for each space. All of them together must
/// stay a small part of the allowance, or it would be spent before anything is written and every few
/// writes would cause a flush.
fn arena_bytes(options: &RocksOptions) -> usize {
    let families = options.spaces.len() + 1;
    (options.memtable_bytes / families / 16).clamp(4 << 10, 1 << 20)
}

/// The options of one key space.
pub(super) fn space(name: &str, options: &RocksOptions, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_block_size(BLOCK_BYTES);
    blocks.set_block_restart_interval(RESTART_INTERVAL);
    blocks.set_format_version(TABLE_FORMAT);
    blocks.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
    blocks.set_whole_key_filtering(true);
    blocks.set_optimize_filters_for_memory(true);
    // In the cache, indexes and filters count against its limit; the youngest files' stay there.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_cache_index_and_filter_blocks_with_high_priority(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);

    let mut space = Options::default();
    space.set_block_based_table_factory(&blocks);
    // Each space may fill the common allowance alone; the instance's manager bounds their sum.
    space.set_write_buffer_size(options.memtable_bytes);
    space.set_arena_block_size(arena_bytes(options));
    space.set_max_write_buffer_number(4);
    if options.looked_up.contains(&name) {
        space.set_memtable_whole_key_filtering(true);
        space.set_memtable_prefix_bloom_ratio(MEMTABLE_FILTER_PART);
    }
    space.set_level_compaction_dynamic_level_bytes(true);
    // What a log holds is removed long before it would repay being packed.
    let packing = if options.wal { DBCompressionType::None } else { DBCompressionType::Lz4 };
    space.set_compression_type(packing);
    if options.pack_old_data {
        // Nine tenths of the data rest in the last level: 55 bytes a document instead of 87.
        space.set_bottommost_compression_type(DBCompressionType::Zstd);
    }
    space
}
