//! Segment files that are gone with their process.
//!
//! Owns their memory. A file takes what was written to it, a page at a time: zeros that nobody wrote
//! cost nothing where the system hands out zeroed pages.

use super::{SegmentFile, SegmentFiles};
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// So large is a segment of a log in memory, which is given back as a whole.
pub const VOLATILE_SEGMENT_BYTES: u64 = 1 << 20;

/// Files of a process that keeps nothing.
#[derive(Default)]
pub struct VolatileFiles {
    files: Mutex<BTreeMap<u64, Arc<VolatileFile>>>,
}

struct VolatileFile {
    content: RwLock<Vec<u8>>,
}

impl SegmentFiles for VolatileFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        Ok(self.files.lock().keys().copied().collect())
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let found = self.files.lock().get(&number).cloned();
        Ok(found.ok_or(io::ErrorKind::NotFound)?)
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let bytes = usize::try_from(bytes).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let file = Arc::new(VolatileFile { content: RwLock::new(vec![0; bytes]) });
        self.files.lock().insert(number, Arc::clone(&file));
        Ok(file)
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        let removed = self.files.lock().remove(&number);
        removed.map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }
}

impl SegmentFile for VolatileFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.content.read().len() as u64)
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let content = self.content.read();
        let found = place(offset, into.len()).and_then(|place| content.get(place));
        into.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut content = self.content.write();
        let found = place(offset, bytes.len()).and_then(|place| content.get_mut(place));
        found.ok_or(io::ErrorKind::UnexpectedEof)?.copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn place(offset: u64, bytes: usize) -> Option<std::ops::Range<usize>> {
    let from = usize::try_from(offset).ok()?;
    Some(from..from.checked_add(bytes)?)
}
