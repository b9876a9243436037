//! The storages under test, and how each is closed, cut off and opened again.

use super::Bed;
use crate::segments::tests::SMALL;
use crate::{DiskFiles, EngineLog, LOG_SPACES, LogStore, MemoryFiles, SegmentLog, VolatileFiles};
use quire_engine::{Engine, FaultyEngine, MemoryEngine, RocksEngine, RocksOptions};
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;

fn over(engine: Arc<dyn Engine>) -> Arc<dyn LogStore> {
    Arc::new(EngineLog::over(engine).unwrap())
}

pub(super) struct Memory {
    current: Arc<MemoryEngine>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory { current: Arc::new(MemoryEngine::new(LOG_SPACES.len())) }
    }

    fn become_engine(&mut self, engine: MemoryEngine) -> Arc<dyn Engine> {
        self.current = Arc::new(engine);
        Arc::clone(&self.current) as Arc<dyn Engine>
    }
}

impl Bed for Memory {
    fn open(&mut self) -> Arc<dyn LogStore> {
        over(self.become_engine(MemoryEngine::new(LOG_SPACES.len())))
    }

    fn reopen(&mut self, _log: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        let all = self.current.unsynced_batches();
        over(self.become_engine(self.current.after_crash(all)))
    }

    fn crash(&mut self, _log: Arc<dyn LogStore>, seed: u64) -> Arc<dyn LogStore> {
        over(self.become_engine(self.current.after_crash_seeded(seed)))
    }
}

/// The engine that can fail, with no failure planned.
pub(super) struct Faulty {
    memory: Memory,
}

impl Faulty {
    pub(super) fn new() -> Faulty {
        Faulty { memory: Memory::new() }
    }

    fn over_current(&self) -> Arc<dyn LogStore> {
        let engine = Arc::clone(&self.memory.current) as Arc<dyn Engine>;
        over(Arc::new(FaultyEngine::new(engine)))
    }
}

impl Bed for Faulty {
    fn open(&mut self) -> Arc<dyn LogStore> {
        self.memory.open();
        self.over_current()
    }

    fn reopen(&mut self, log: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        self.memory.reopen(log);
        self.over_current()
    }

    fn crash(&mut self, log: Arc<dyn LogStore>, seed: u64) -> Arc<dyn LogStore> {
        self.memory.crash(log, seed);
        self.over_current()
    }
}

/// RocksDB on a disk. A power cut is a copy of the files of the running store.
pub(super) struct Rocks {
    directory: TempDir,
    stores: usize,
}

impl Rocks {
    pub(super) fn new() -> Rocks {
        Rocks { directory: tempfile::tempdir().unwrap(), stores: 0 }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(self.stores.to_string())
    }

    fn open_current(&self) -> Arc<dyn LogStore> {
        let mut options = RocksOptions::log(self.path(), LOG_SPACES);
        options.cache_bytes = 1 << 20;
        options.memtable_bytes = 1 << 20;
        let opener = move || {
            RocksEngine::open(options.clone()).map(|engine| Arc::new(engine) as Arc<dyn Engine>)
        };
        Arc::new(EngineLog::open(opener).unwrap())
    }
}

impl Bed for Rocks {
    fn open(&mut self) -> Arc<dyn LogStore> {
        self.stores += 1;
        self.open_current()
    }

    fn reopen(&mut self, log: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        drop(log);
        self.open_current()
    }

    fn crash(&mut self, log: Arc<dyn LogStore>, _seed: u64) -> Arc<dyn LogStore> {
        let before = self.path();
        self.stores += 1;
        quire_engine::copy_power_cut(&before, &self.path()).unwrap();
        drop(log);
        self.open_current()
    }
}

/// Segments in memory, so small that most tests need several.
pub(super) struct Segments {
    current: Arc<MemoryFiles>,
}

impl Segments {
    pub(super) fn new() -> Segments {
        Segments { current: Arc::default() }
    }

    fn open_current(&self) -> Arc<dyn LogStore> {
        Arc::new(SegmentLog::open(Arc::clone(&self.current) as _, SMALL).unwrap())
    }
}

impl Bed for Segments {
    fn open(&mut self) -> Arc<dyn LogStore> {
        self.current = Arc::default();
        self.open_current()
    }

    fn reopen(&mut self, log: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        drop(log);
        self.open_current()
    }

    fn crash(&mut self, log: Arc<dyn LogStore>, seed: u64) -> Arc<dyn LogStore> {
        drop(log);
        self.current = Arc::new(self.current.after_crash(seed));
        self.open_current()
    }
}

/// Segments that no power cut leaves anything of: only the process's log ends.
pub(super) struct VolatileSegments {
    current: Arc<VolatileFiles>,
}

impl VolatileSegments {
    pub(super) fn new() -> VolatileSegments {
        VolatileSegments { current: Arc::default() }
    }

    fn open_current(&self) -> Arc<dyn LogStore> {
        Arc::new(SegmentLog::open(Arc::clone(&self.current) as _, SMALL).unwrap())
    }
}

impl Bed for VolatileSegments {
    fn open(&mut self) -> Arc<dyn LogStore> {
        self.current = Arc::default();
        self.open_current()
    }

    fn reopen(&mut self, log: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        drop(log);
        self.open_current()
    }

    fn crash(&mut self, log: Arc<dyn LogStore>, _seed: u64) -> Arc<dyn LogStore> {
        self.reopen(log)
    }
}

/// Segments on a disk. A power cut is a copy of the files of the running log.
pub(super) struct SegmentsOnDisk {
    directory: TempDir,
    logs: usize,
}

impl SegmentsOnDisk {
    pub(super) fn new() -> SegmentsOnDisk {
        SegmentsOnDisk { directory: tempfile::tempdir().unwrap(), logs: 0 }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(self.logs.to_string())
    }

    fn open_current(&self) -> Arc<dyn LogStore> {
        let files = DiskFiles::open(&self.path()).unwrap();
        Arc::new(SegmentLog::open(Arc::new(files), SMALL).unwrap())
    }
}

impl Bed for SegmentsOnDisk {
    fn open(&mut self) -> Arc<dyn LogStore> {
        self.logs += 1;
        self.open_current()
    }

    fn reopen(&mut self, log: Arc<dyn LogStore>) -> Arc<dyn LogStore> {
        drop(log);
        self.open_current()
    }

    fn crash(&mut self, log: Arc<dyn LogStore>, _seed: u64) -> Arc<dyn LogStore> {
        let before = self.path();
        self.logs += 1;
        quire_engine::copy_power_cut(&before, &self.path()).unwrap();
        drop(log);
        self.open_current()
    }
}
