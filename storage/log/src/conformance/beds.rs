//! The storages under test, and how each is closed, cut off and opened again.

use super::Bed;
use crate::segments::tests::SMALL;
use crate::{DiskFiles, LogStore, MemoryFiles, SegmentLog, VolatileFiles};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

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
        copy(&before, &self.path());
        drop(log);
        self.open_current()
    }
}

/// A file that is being prepared may be copied before its end, as a power cut may leave it.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let copied = std::fs::copy(file.path(), to.join(file.file_name()));
        // One that was forgotten may go meanwhile.
        assert!(copied.is_ok() || !file.path().exists(), "{copied:?}");
    }
}
