//! Segment files in memory, whose power can fail between any two sectors, for tests.
//!
//! As cruel as a disk under a page cache is allowed to be: of what was not synced any sectors are
//! kept; after a sync that failed the cache takes its pages for written, so that the next sync does
//! nothing about them; and a file that was removed is there again unless its directory was synced.
//!
//! What a seed gives does not depend on how far files were prepared or removed in the background.

use super::format::is_zero;
use super::{SegmentFile, SegmentFiles};
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

const SECTOR: usize = 512;

/// Segment files in memory.
#[derive(Default)]
pub struct MemoryFiles {
    names: Mutex<Names>,
    faults: Arc<Mutex<Vec<FileFault>>>,
    full: AtomicBool,
}

#[derive(Default)]
struct Names {
    files: BTreeMap<u64, Arc<MemoryFile>>,
    /// Gone, and not for good yet.
    removed: BTreeMap<u64, Arc<MemoryFile>>,
}

/// A planned failure of a write or a sync.
#[derive(Clone, Copy, Debug)]
pub struct FileFault {
    /// Which one fails: 1 is the next.
    pub nth: u64,
    /// So many fail before the disk is well again.
    pub times: u64,
    pub error: io::ErrorKind,
    pub effect: FileEffect,
}

/// What a call that fails has done all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileEffect {
    /// A write nothing; of a sync nobody ever knows what.
    Nothing,
    /// Everything; only the answer was lost.
    Complete,
}

impl FileFault {
    /// The `nth` write or sync fails, and does nothing.
    pub fn once(nth: u64, error: io::ErrorKind) -> FileFault {
        FileFault { nth, times: 1, error, effect: FileEffect::Nothing }
    }
}

/// Counts a write or a sync, and says what becomes of it.
fn strike(faults: &Mutex<Vec<FileFault>>) -> Option<FileFault> {
    let mut planned = faults.lock();
    for fault in planned.iter_mut() {
        fault.nth = fault.nth.saturating_sub(1);
    }
    let due = planned.iter_mut().find(|fault| fault.nth == 0)?;
    let struck = *due;
    due.times = due.times.saturating_sub(1);
    planned.retain(|fault| fault.times > 0);
    Some(struck)
}

struct MemoryFile {
    content: Mutex<Content>,
    faults: Arc<Mutex<Vec<FileFault>>>,
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
    /// Lets a write or a sync fail, instead of what was planned before.
    pub fn fail(&self, fault: FileFault) {
        *self.faults.lock() = vec![fault];
    }

    /// Lets a write or a sync fail, besides what was planned before.
    pub fn fail_too(&self, fault: FileFault) {
        self.faults.lock().push(fault);
    }

    /// Whether a failure has struck that lasts.
    pub fn is_failing(&self) -> bool {
        self.faults.lock().iter().any(|fault| fault.nth == 0)
    }

    /// Failures that are still to strike.
    pub fn planned(&self) -> usize {
        self.faults.lock().iter().filter(|fault| fault.nth > 0).count()
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.faults.lock().clear();
        self.full.store(false, Ordering::Relaxed);
    }

    /// What a power cut leaves: of what was not synced any sectors, and perhaps the beginning of a
    /// file that was being prepared.
    pub fn after_crash(&self, seed: u64) -> MemoryFiles {
        let cut = MemoryFiles::default();
        let mut files = BTreeMap::new();
        let names = self.names.lock();
        let numbers: BTreeSet<u64> =
            names.files.keys().chain(names.removed.keys()).copied().collect();
        let mut rank = 0_u64;
        // From the newest on: it is the oldest that may be removed by now, or not yet.
        for number in numbers.into_iter().rev() {
            let (file, removed) = match (names.files.get(&number), names.removed.get(&number)) {
                (Some(file), _) => (file, false),
                (None, Some(file)) => (file, true),
                (None, None) => continue,
            };
            if is_zero(&file.content.lock().written) {
                files.insert(number, file.cut(&mut 0, &cut.faults));
                continue;
            }
            rank += 1;
            let mut random = seed ^ rank.wrapping_mul(0xd6e8_feb8_6659_fd93);
            if !removed || one_in(&mut random, 2) {
                files.insert(number, file.cut(&mut random, &cut.faults));
            }
        }
        let newest = files.keys().last().copied().unwrap_or(0);
        let mut random = seed;
        if one_in(&mut random, 2) {
            let bytes = usize::try_from(next(&mut random) % 5_000).unwrap_or(0);
            files.insert(newest + 1, memory_file(vec![0; bytes], &cut.faults));
        }
        cut.names.lock().files = files;
        cut
    }
}

#[cfg(test)]
impl MemoryFiles {
    /// After so many more writes and syncs every one fails, until told otherwise.
    pub(crate) fn fail_after(&self, calls: u64) {
        let error = io::ErrorKind::Other;
        let nth = calls.saturating_add(1);
        self.fail(FileFault { nth, times: u64::MAX, error, effect: FileEffect::Nothing });
    }

    /// Whether there is no room for another file.
    pub(crate) fn be_full(&self, full: bool) {
        self.full.store(full, Ordering::Relaxed);
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
            let file = MemoryFile { content, faults: Arc::clone(&copy.faults) };
            copy.names.lock().files.insert(*number, Arc::new(file));
        }
        copy
    }
}

fn memory_file(bytes: Vec<u8>, faults: &Arc<Mutex<Vec<FileFault>>>) -> Arc<MemoryFile> {
    let content = Mutex::new(Content::durable(bytes));
    Arc::new(MemoryFile { content, faults: Arc::clone(faults) })
}

impl MemoryFile {
    fn cut(&self, random: &mut u64, faults: &Arc<Mutex<Vec<FileFault>>>) -> Arc<MemoryFile> {
        let mut content = self.content.lock().clone();
        let sectors = content.written.chunks(SECTOR).zip(content.durable.chunks_mut(SECTOR));
        for (written, durable) in sectors {
            if written != durable && one_in(random, 2) {
                durable.copy_from_slice(written);
            }
        }
        memory_file(content.durable, faults)
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
        let file = memory_file(vec![0; length(bytes)?], &self.faults);
        let mut names = self.names.lock();
        names.files.insert(number, Arc::clone(&file));
        names.removed.remove(&number);
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
        let from = length(offset)?;
        let content = self.content.lock();
        let found = content.written.get(from..from.saturating_add(into.len()));
        into.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let struck = strike(&self.faults);
        if struck.is_none_or(|fault| fault.effect == FileEffect::Complete) {
            let from = length(offset)?;
            let to = from.saturating_add(bytes.len());
            let mut content = self.content.lock();
            let place = content.written.get_mut(from..to).ok_or(io::ErrorKind::UnexpectedEof)?;
            place.copy_from_slice(bytes);
            content.dirty.extend(from / SECTOR..to.div_ceil(SECTOR));
        }
        struck.map_or(Ok(()), |fault| Err(fault.error.into()))
    }

    fn sync(&self) -> io::Result<()> {
        let struck = strike(&self.faults);
        let mut content = self.content.lock();
        let dirty = std::mem::take(&mut content.dirty);
        if struck.is_none_or(|fault| fault.effect == FileEffect::Complete) {
            let Content { written, durable, .. } = &mut *content;
            for sector in dirty {
                let from = sector * SECTOR;
                let to = from.saturating_add(SECTOR).min(written.len());
                if let (Some(written), Some(durable)) =
                    (written.get(from..to), durable.get_mut(from..to))
                {
                    durable.copy_from_slice(written);
                }
            }
        }
        struck.map_or(Ok(()), |fault| Err(fault.error.into()))
    }
}

fn length(bytes: u64) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory.into())
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
