//! What whoever opens a store decides; everything else is in `tuning`.

use crate::{EngineError, Result};
use rocksdb::Env;
use std::path::PathBuf;

/// How to open a store.
#[derive(Clone)]
pub struct RocksOptions {
    /// The store's own directory; made if it is missing, not so its parent.
    pub path: PathBuf,
    /// The key spaces in the order of their [`crate::Space`] numbers. Names may be added to the end
    /// from one version to the next, never taken away.
    pub spaces: &'static [&'static str],
    /// Those of them in which single keys are looked up all the time, most of which are not there or
    /// rest on disk: their memory tables have a filter in front.
    pub looked_up: &'static [&'static str],
    /// Whether batches go through RocksDB's own log; see [`super`] for what follows from it.
    pub wal: bool,
    /// Whether the values are worth a slower compression where they rest for long.
    pub pack_old_data: bool,
    /// Memory for blocks read from disk, for what is not on disk yet, and for what comes with them.
    pub cache_bytes: usize,
    /// How much of that memory may hold what is not on disk yet, of all spaces together.
    pub memtable_bytes: usize,
    pub open_files_max: i32,
    /// Threads for flushes and compactions.
    pub background_jobs: i32,
    /// Keeps all files in memory instead of on disk.
    pub memory_files: Option<MemoryFiles>,
}

impl RocksOptions {
    /// A store for data that some other log makes durable.
    pub fn data(path: impl Into<PathBuf>, spaces: &'static [&'static str]) -> RocksOptions {
        RocksOptions {
            path: path.into(),
            spaces,
            looked_up: &[],
            wal: false,
            pack_old_data: true,
            cache_bytes: 256 << 20,
            memtable_bytes: 64 << 20,
            open_files_max: 1000,
            background_jobs: background_jobs(),
            memory_files: None,
        }
    }

    /// How much the cache counts before it lets something go. An eighth is not counted: allocators
    /// round blocks up, and compactions have buffers.
    pub(super) fn cache_capacity(&self) -> usize {
        self.cache_bytes - self.cache_bytes / 8
    }

    /// A store that keeps a log of its own: few keys, written once in order, synced often.
    pub fn log(path: impl Into<PathBuf>, spaces: &'static [&'static str]) -> RocksOptions {
        RocksOptions {
            wal: true,
            pack_old_data: false,
            cache_bytes: 16 << 20,
            memtable_bytes: 32 << 20,
            open_files_max: 200,
            ..RocksOptions::data(path, spaces)
        }
    }
}

/// Flushes get a quarter of these threads and compactions the rest; two is the least that lets both
/// go on at once, and more than a few would take the cores from those who serve clients.
fn background_jobs() -> i32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.div_ceil(2).clamp(2, 6) as i32
}

/// A file system in memory. Stores opened with clones of it find each other's files; the last clone
/// takes them along.
#[derive(Clone)]
pub struct MemoryFiles {
    pub(super) env: Env,
}

impl MemoryFiles {
    pub fn new() -> Result<MemoryFiles> {
        let env = Env::mem_env().map_err(|error| EngineError::Io(error.into_string()))?;
        Ok(MemoryFiles { env })
    }
}
