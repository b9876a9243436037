//! The files under a segment log.
//!
//! Owns the little that the log asks of a file system, so that a test can put one in its place whose
//! power fails between two sectors.

use crate::LogError;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A directory of segment files, known by their numbers.
pub trait SegmentFiles: Send + Sync {
    /// The numbers of all files, in any order.
    fn list(&self) -> io::Result<Vec<u64>>;

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>>;

    /// A new file of so many zero bytes, its content and its name durable; nothing if that fails.
    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>>;

    /// Removes a file; until names are synced a crash may bring it back.
    fn remove(&self, number: u64) -> io::Result<()>;

    /// What was removed stays removed, and what is listed stays listed.
    fn sync_names(&self) -> io::Result<()>;
}

/// One file of fixed length.
pub trait SegmentFile: Send + Sync {
    fn bytes(&self) -> io::Result<u64>;
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// What was written stays written. After a failure nobody knows what of it does, and another
    /// sync need not find out: only what is written once more is synced once more.
    fn sync(&self) -> io::Result<()>;
}

/// Files in a directory of the disk.
pub struct DiskFiles {
    directory: PathBuf,
    /// Open, so that names are synced whoever has taken all other descriptors.
    opened: File,
}

/// Zeros are written in pieces and synced one by one, so that they do not stand in the way of an
/// append's sync all at once.
const PIECE: usize = 1 << 20;

const SUFFIX: &str = ".segment";

/// What a log in RocksDB had, which this one took the place of before the first release.
const MARK_OF_ROCKSDB: &str = "CURRENT";

/// The name of a segment's file.
pub(super) fn file_name(number: u64) -> String {
    format!("{number:016}{SUFFIX}")
}

impl DiskFiles {
    /// Takes a directory, which is made if it is not there.
    pub fn open(directory: &Path) -> Result<DiskFiles, LogError> {
        if directory.join(MARK_OF_ROCKSDB).exists() {
            return Err(LogError::Newer(format!(
                "{} holds a log of a version from before segment files, which this one does not \
                 read; only that version reads it",
                directory.display()
            )));
        }
        std::fs::create_dir_all(directory)?;
        if let Some(parent) = directory.parent().filter(|parent| parent.is_dir()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(DiskFiles { directory: directory.to_owned(), opened: File::open(directory)? })
    }

    fn path(&self, number: u64) -> PathBuf {
        self.directory.join(file_name(number))
    }
}

impl SegmentFiles for DiskFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for file in std::fs::read_dir(&self.directory)? {
            let name = file?.file_name();
            let number = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            let number = number.and_then(|number| number.parse::<u64>().ok());
            numbers.extend(number.filter(|number| name == file_name(*number).as_str()));
        }
        Ok(numbers)
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let file = File::options().read(true).write(true).open(self.path(number))?;
        Ok(Arc::new(file))
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        let path = self.path(number);
        let file =
            File::options().read(true).write(true).create(true).truncate(true).open(&path)?;
        let filled = reserve(&file, bytes).and_then(|()| fill(&file, bytes));
        if let Err(error) = filled.and_then(|()| self.sync_names()) {
            // It may be the space that others are waiting for.
            let _ = std::fs::remove_file(&path);
            return Err(error);
        }
        Ok(Arc::new(file))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        std::fs::remove_file(self.path(number))
    }

    fn sync_names(&self) -> io::Result<()> {
        self.opened.sync_all()
    }
}

/// Finds out at once whether there is room, instead of by taking the last of it. The length stays: it
/// tells how far the file is filled.
fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
        // Not every file system can.
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => Ok(()),
        outcome => Ok(outcome?),
    }
}

/// Zeros are written even so: a first write into space that is only reserved costs a sync more than
/// one over what was written before.
fn fill(file: &File, bytes: u64) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    let mut offset = 0;
    while offset < bytes {
        let piece = usize::try_from(bytes - offset).unwrap_or(PIECE).min(PIECE);
        file.write_all_at(&zeros[..piece], offset)?;
        file.sync_data()?;
        offset += piece as u64;
    }
    file.sync_all()
}

impl SegmentFile for File {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.read_exact_at(into, offset)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }
}
