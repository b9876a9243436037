//! Segment files in memory, whose power can fail between any two sectors.
//!
//! As cruel as a disk under a page cache is allowed to be: of what was not synced any sectors are
//! kept; after a sync that failed the cache takes its pages for written, so that the next sync does
//! nothing about them; and a file that was removed is there again unless its directory was synced.

use crate::segments::{SegmentFile, SegmentFiles};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SECTOR: usize = 512;

#[derive(Default)]
pub(crate) struct MemoryFiles {
    names: Mutex<Names>,
    budget: Arc<Budget>,
    full: AtomicBool,
}

#[derive(Default)]
struct Names {
    files: BTreeMap<u64, Arc<MemoryFile>>,
    /// Gone, and not for good yet.
    removed: BTreeMap<u64, Arc<MemoryFile>>,
}

/// Writes and syncs until one fails.
struct Budget(AtomicU64);

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

struct MemoryFile {
    content: Mutex<Content>,
    budget: Arc<Budget>,
}

#[derive(Clone)]
struct Content {
    written: Vec<u8>,
    durable: Vec<u8>,
    /// The sectors that a sync would write.
    dirty: BTreeSet<usize>,
}

impl Content {
    fn durable(bytes: Vec<u8>) -> Content {
        Content { durable: bytes.clone(), written: bytes, dirty: BTreeSet::new() }
    }
}

impl MemoryFiles {
    /// After so many more writes and syncs every one fails, until told otherwise.
    pub(crate) fn fail_after(&self, calls: u64) {
        self.budget.0.store(calls, Ordering::Relaxed);
    }

    /// Whether there is no room for another file.
    pub(crate) fn be_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
    }

    /// What a power cut leaves: of what was not synced any sectors, and perhaps the beginning of a
    /// file that was being prepared.
    pub(crate) fn after_crash(&self, seed: u64) -> MemoryFiles {
        let mut random = seed;
        let cut = MemoryFiles::default();
        let mut files = BTreeMap::new();
        let names = self.names.lock();
        for (number, file) in &names.files {
            files.insert(*number, file.cut(&mut random, &cut.budget));
        }
        for (number, file) in &names.removed {
            if one_in(&mut random, 2) && !files.contains_key(number) {
                files.insert(*number, file.cut(&mut random, &cut.budget));
            }
        }
        let newest = files.keys().last().copied().unwrap_or(0);
        if one_in(&mut random, 2) {
            let bytes = next(&mut random) as usize % 5_000;
            files.insert(newest + 1, memory_file(vec![0; bytes], &cut.budget));
        }
        cut.names.lock().files = files;
        cut
    }

    pub(crate) fn lose(&self, number: u64) {
        self.names.lock().files.remove(&number);
    }

    /// Cuts a file short.
    pub(crate) fn truncate(&self, number: u64, bytes: usize) {
        self.change_all(number, |content| content.truncate(bytes));
    }

    /// Every file's number and bytes, but of those that are only prepared.
    pub(crate) fn contents(&self) -> Vec<(u64, Vec<u8>)> {
        let names = self.names.lock();
        let contents =
            names.files.iter().map(|(n, file)| (*n, file.content.lock().written.clone()));
        contents.filter(|(_, content)| content.iter().any(|byte| *byte != 0)).collect()
    }

    /// Changes one byte behind the log's back.
    pub(crate) fn change(&self, number: u64, offset: usize, change: impl Fn(&mut u8)) {
        self.change_all(number, |content| change(&mut content[offset]));
    }

    pub(crate) fn change_all(&self, number: u64, change: impl Fn(&mut Vec<u8>)) {
        let file = Arc::clone(&self.names.lock().files[&number]);
        let mut content = file.content.lock();
        let mut bytes = content.written.clone();
        change(&mut bytes);
        *content = Content::durable(bytes);
    }

    /// The same bytes, apart from these.
    pub(crate) fn copy(&self) -> MemoryFiles {
        let copy = MemoryFiles::default();
        for (number, file) in &self.names.lock().files {
            let content = Mutex::new(file.content.lock().clone());
            let file = MemoryFile { content, budget: Arc::clone(&copy.budget) };
            copy.names.lock().files.insert(*number, Arc::new(file));
        }
        copy
    }
}

fn memory_file(bytes: Vec<u8>, budget: &Arc<Budget>) -> Arc<MemoryFile> {
    let content = Mutex::new(Content::durable(bytes));
    Arc::new(MemoryFile { content, budget: Arc::clone(budget) })
}

impl MemoryFile {
    fn cut(&self, random: &mut u64, budget: &Arc<Budget>) -> Arc<MemoryFile> {
        let mut content = self.content.lock().clone();
        let sectors = content.written.chunks(SECTOR).zip(content.durable.chunks_mut(SECTOR));
        for (written, durable) in sectors {
            if written != durable && one_in(random, 2) {
                durable.copy_from_slice(written);
            }
        }
        memory_file(content.durable, budget)
    }
}

impl SegmentFiles for MemoryFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.names.lock().files.keys().copied().collect())
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let names = self.names.lock();
        let file = names.files.get(&number).ok_or(io::ErrorKind::NotFound)?;
        Ok(Arc::clone(file) as _)
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        if self.full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let file = memory_file(vec![0; bytes as usize], &self.budget);
        let mut names = self.names.lock();
        names.files.insert(number, Arc::clone(&file));
        names.removed.clear();
        Ok(file)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let mut names = self.names.lock();
        let file = names.files.remove(&number).ok_or(io::ErrorKind::NotFound)?;
        names.removed.insert(number, file);
        Ok(())
    }

    fn sync_names(&self) -> io::Result<()> {
        self.names.lock().removed.clear();
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
        let mut content = self.content.lock();
        content.written[offset..offset + bytes.len()].copy_from_slice(bytes);
        content.dirty.extend(offset / SECTOR..(offset + bytes.len()).div_ceil(SECTOR));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let spent = self.budget.spend();
        let mut content = self.content.lock();
        let dirty = std::mem::take(&mut content.dirty);
        spent?;
        for sector in dirty {
            let end = ((sector + 1) * SECTOR).min(content.written.len());
            let Content { written, durable, .. } = &mut *content;
            durable[sector * SECTOR..end].copy_from_slice(&written[sector * SECTOR..end]);
        }
        Ok(())
    }
}

fn one_in(random: &mut u64, among: u64) -> bool {
    next(random).is_multiple_of(among)
}

/// `SplitMix64`.
pub(crate) fn next(random: &mut u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *random;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
