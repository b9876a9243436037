//! Segment files in memory, whose power can fail between any two sectors.

use crate::segments::{SegmentFile, SegmentFiles};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const SECTOR: usize = 512;

#[derive(Default)]
pub(crate) struct MemoryFiles {
    files: Mutex<BTreeMap<u64, Arc<MemoryFile>>>,
    removed: Mutex<BTreeMap<u64, Arc<MemoryFile>>>,
    budget: Arc<Budget>,
}

/// Writes and syncs until one fails.
pub(crate) struct Budget(AtomicU64);

impl Default for Budget {
    fn default() -> Budget {
        Budget(AtomicU64::new(u64::MAX))
    }
}

impl Budget {
    fn spend(&self) -> io::Result<()> {
        match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
        {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::other("the disk failed")),
        }
    }
}

pub(crate) struct MemoryFile {
    content: Mutex<Content>,
    budget: Arc<Budget>,
}

#[derive(Clone)]
struct Content {
    written: Vec<u8>,
    durable: Vec<u8>,
}

impl MemoryFiles {
    /// After so many more writes and syncs every one fails, until told otherwise.
    pub(crate) fn fail_after(&self, calls: u64) {
        self.budget.0.store(calls, Ordering::Relaxed);
    }

    /// What a power cut leaves: of what was not synced any sectors.
    pub(crate) fn after_crash(&self, seed: u64) -> MemoryFiles {
        let mut random = seed;
        let cut = MemoryFiles::default();
        let mut files = cut.files.lock();
        for (number, file) in self.files.lock().iter() {
            files.insert(*number, Arc::new(file.cut(&mut random, &cut.budget)));
        }
        for (number, file) in self.removed.lock().iter() {
            if next(&mut random).is_multiple_of(2) {
                files.insert(*number, Arc::new(file.cut(&mut random, &cut.budget)));
            }
        }
        drop(files);
        cut
    }

    pub(crate) fn lose(&self, number: u64) {
        self.files.lock().remove(&number);
    }

    /// Every file's number and bytes, but of those that are only prepared.
    pub(crate) fn contents(&self) -> Vec<(u64, Vec<u8>)> {
        let files = self.files.lock();
        let contents = files.iter().map(|(n, file)| (*n, file.content.lock().written.clone()));
        contents.filter(|(_, content)| content.iter().any(|byte| *byte != 0)).collect()
    }

    /// Changes one byte behind the log's back.
    pub(crate) fn change(&self, number: u64, offset: usize, change: impl Fn(&mut u8)) {
        let file = Arc::clone(&self.files.lock()[&number]);
        let mut content = file.content.lock();
        change(&mut content.written[offset]);
        content.durable = content.written.clone();
    }

    /// The same bytes, apart from these.
    pub(crate) fn copy(&self) -> MemoryFiles {
        let copy = MemoryFiles::default();
        for (number, file) in self.files.lock().iter() {
            let content = Mutex::new(file.content.lock().clone());
            let file = MemoryFile { content, budget: Arc::clone(&copy.budget) };
            copy.files.lock().insert(*number, Arc::new(file));
        }
        copy
    }
}

impl MemoryFile {
    fn cut(&self, random: &mut u64, budget: &Arc<Budget>) -> MemoryFile {
        let mut content = self.content.lock().clone();
        let sectors = content.written.chunks(SECTOR).zip(content.durable.chunks_mut(SECTOR));
        for (written, durable) in sectors {
            if written != durable && next(random).is_multiple_of(2) {
                durable.copy_from_slice(written);
            }
        }
        content.written = content.durable.clone();
        MemoryFile { content: Mutex::new(content), budget: Arc::clone(budget) }
    }
}

impl SegmentFiles for MemoryFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.files.lock().keys().copied().collect())
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let files = self.files.lock();
        let file = files.get(&number).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::clone(file) as _)
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let zeros = vec![0; bytes as usize];
        let content = Mutex::new(Content { written: zeros.clone(), durable: zeros });
        let file = Arc::new(MemoryFile { content, budget: Arc::clone(&self.budget) });
        self.files.lock().insert(number, Arc::clone(&file));
        // Its name is durable, so another file of that name is gone for good.
        self.removed.lock().remove(&number);
        Ok(file)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let file = self.files.lock().remove(&number).ok_or(io::ErrorKind::NotFound)?;
        self.removed.lock().insert(number, file);
        Ok(())
    }
}

impl SegmentFile for MemoryFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.content.lock().written.len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        into.copy_from_slice(&self.content.lock().written[offset..offset + into.len()]);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.budget.spend()?;
        let offset = offset as usize;
        self.content.lock().written[offset..offset + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        self.budget.spend()?;
        let mut content = self.content.lock();
        content.durable = content.written.clone();
        Ok(())
    }
}

/// `SplitMix64`.
fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *random;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
