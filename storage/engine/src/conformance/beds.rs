//! The engines under test, and how each is closed, cut off and opened again.

use super::{Bed, SPACE_NAMES};
use crate::{Engine, MemoryEngine};
use std::path::Path;
use std::sync::Arc;

/// The in-memory engine. Its closing in order is a flush, since nothing of it outlives the process.
pub(super) struct Memory {
    current: Arc<MemoryEngine>,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory { current: Arc::new(MemoryEngine::new(SPACE_NAMES.len())) }
    }

    fn become_engine(&mut self, engine: MemoryEngine) -> Arc<dyn Engine> {
        self.current = Arc::new(engine);
        Arc::clone(&self.current) as Arc<dyn Engine>
    }
}

impl Bed for Memory {
    fn open(&mut self) -> Arc<dyn Engine> {
        self.become_engine(MemoryEngine::new(SPACE_NAMES.len()))
    }

    fn reopen(&mut self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        engine.flush().unwrap();
        self.become_engine(self.current.after_crash(0))
    }

    fn crash(&mut self, _engine: Arc<dyn Engine>, seed: u64) -> Option<Arc<dyn Engine>> {
        Some(self.become_engine(self.current.after_crash_seeded(seed)))
    }

    fn open_copy(&mut self, path: &Path) -> Arc<dyn Engine> {
        Arc::new(MemoryEngine::open_checkpoint(path, SPACE_NAMES.len()).unwrap())
    }
}

/// The failing engine with no failure planned.
pub(super) struct Faulty {
    memory: Memory,
}

impl Faulty {
    pub(super) fn new() -> Faulty {
        Faulty { memory: Memory::new() }
    }
}

fn faulty(engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
    Arc::new(crate::FaultyEngine::new(engine))
}

impl Bed for Faulty {
    fn open(&mut self) -> Arc<dyn Engine> {
        faulty(self.memory.open())
    }

    fn reopen(&mut self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
        faulty(self.memory.reopen(engine))
    }

    fn crash(&mut self, engine: Arc<dyn Engine>, seed: u64) -> Option<Arc<dyn Engine>> {
        self.memory.crash(engine, seed).map(faulty)
    }

    fn open_copy(&mut self, path: &Path) -> Arc<dyn Engine> {
        faulty(self.memory.open_copy(path))
    }
}

#[cfg(feature = "rocks")]
pub(super) mod rocks {
    use super::{Bed, Engine, SPACE_NAMES};
    use crate::{MemoryFiles, RocksEngine, RocksOptions};
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use tempfile::TempDir;

    fn small(options: RocksOptions) -> RocksOptions {
        RocksOptions { cache_bytes: 1 << 20, memtable_bytes: 1 << 20, ..options }
    }

    fn open(options: &RocksOptions) -> Arc<dyn Engine> {
        Arc::new(RocksEngine::open(options.clone()).unwrap())
    }

    /// RocksDB on a disk. A power cut is a copy of the files of the running store.
    pub(in super::super) struct Disk {
        directory: TempDir,
        stores: usize,
        options: RocksOptions,
    }

    impl Disk {
        pub(in super::super) fn data() -> Disk {
            Disk::with(RocksOptions::data("", SPACE_NAMES))
        }

        pub(in super::super) fn log() -> Disk {
            Disk::with(RocksOptions::log("", SPACE_NAMES))
        }

        fn with(options: RocksOptions) -> Disk {
            Disk { directory: tempfile::tempdir().unwrap(), stores: 0, options: small(options) }
        }

        fn new_path(&mut self) -> PathBuf {
            self.stores += 1;
            self.directory.path().join(self.stores.to_string())
        }
    }

    impl Bed for Disk {
        fn open(&mut self) -> Arc<dyn Engine> {
            self.options.path = self.new_path();
            open(&self.options)
        }

        fn reopen(&mut self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
            drop(engine);
            open(&self.options)
        }

        fn crash(&mut self, engine: Arc<dyn Engine>, _seed: u64) -> Option<Arc<dyn Engine>> {
            let before = self.options.path.clone();
            self.options.path = self.new_path();
            crate::copy_power_cut(&before, &self.options.path).unwrap();
            drop(engine);
            Some(open(&self.options))
        }

        fn open_copy(&mut self, path: &Path) -> Arc<dyn Engine> {
            open(&RocksOptions { path: path.into(), ..self.options.clone() })
        }
    }

    /// RocksDB in memory: closed and opened again within one process, but never cut off.
    pub(in super::super) struct InMemory {
        disk: Disk,
    }

    impl InMemory {
        pub(in super::super) fn new() -> InMemory {
            let mut disk = Disk::data();
            disk.options.memory_files = Some(MemoryFiles::new().unwrap());
            InMemory { disk }
        }
    }

    impl Bed for InMemory {
        fn open(&mut self) -> Arc<dyn Engine> {
            self.disk.open()
        }

        fn reopen(&mut self, engine: Arc<dyn Engine>) -> Arc<dyn Engine> {
            self.disk.reopen(engine)
        }

        fn crash(&mut self, _engine: Arc<dyn Engine>, _seed: u64) -> Option<Arc<dyn Engine>> {
            None
        }

        fn open_copy(&mut self, path: &Path) -> Arc<dyn Engine> {
            self.disk.open_copy(path)
        }
    }
}
