//! Files that tell what is done with them, and of which only so many can be open.

use super::MemoryFiles;
use crate::{SegmentFile, SegmentFiles};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

type Hook = Box<dyn FnOnce(u64) + Send>;

#[derive(Default)]
pub(super) struct WatchedFiles {
    pub(super) files: Arc<MemoryFiles>,
    counts: Arc<Counts>,
    /// Called before the next file is opened.
    before_open: Mutex<Option<Hook>>,
}

#[derive(Default)]
struct Counts {
    open: AtomicUsize,
    /// So many may be open; no bound at zero.
    open_max: AtomicUsize,
    opened: AtomicUsize,
    reads: AtomicUsize,
}

impl WatchedFiles {
    pub(super) fn over(files: &Arc<MemoryFiles>) -> Arc<WatchedFiles> {
        Arc::new(WatchedFiles { files: Arc::clone(files), ..WatchedFiles::default() })
    }

    /// Files that are open now.
    pub(super) fn open_now(&self) -> usize {
        self.counts.open.load(Ordering::SeqCst)
    }

    pub(super) fn allow(&self, open_max: usize) {
        self.counts.open_max.store(open_max, Ordering::SeqCst);
    }

    /// How often a file was opened, and how often one was read, since the last time.
    pub(super) fn take_counts(&self) -> (usize, usize) {
        let take = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
        (take(&self.counts.opened), take(&self.counts.reads))
    }

    pub(super) fn before_open(&self, hook: impl FnOnce(u64) + Send + 'static) {
        *self.before_open.lock() = Some(Box::new(hook));
    }

    fn hold(
        &self,
        open: impl FnOnce() -> io::Result<Arc<dyn SegmentFile>>,
    ) -> io::Result<Arc<dyn SegmentFile>> {
        let max = self.counts.open_max.load(Ordering::SeqCst);
        if max > 0 && self.open_now() >= max {
            return Err(rustix::io::Errno::MFILE.into());
        }
        let file = open()?;
        self.counts.open.fetch_add(1, Ordering::SeqCst);
        Ok(Arc::new(WatchedFile { file, counts: Arc::clone(&self.counts) }))
    }
}

impl SegmentFiles for WatchedFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        self.files.list()
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let hook = self.before_open.lock().take();
        if let Some(hook) = hook {
            hook(number);
        }
        self.counts.opened.fetch_add(1, Ordering::SeqCst);
        self.hold(|| self.files.open(number))
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        self.hold(|| self.files.create(number, bytes))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.files.remove(number)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.files.sync_names()
    }
}

struct WatchedFile {
    file: Arc<dyn SegmentFile>,
    counts: Arc<Counts>,
}

impl Drop for WatchedFile {
    fn drop(&mut self) {
        self.counts.open.fetch_sub(1, Ordering::SeqCst);
    }
}

impl SegmentFile for WatchedFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.counts.reads.fetch_add(1, Ordering::SeqCst);
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}
