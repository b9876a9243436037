//! Files of the log whose disk is slow or fails on demand, for tests of whole servers.
//!
//! Stands in front of the log's files only where test commands are enabled. The fail point `quireDisk`
//! says which writes are struck; what it fails has no effect, and reads go on. Files that are prepared
//! in advance are not the log's writes.

use quire_failpoints::{DiskFault, DiskTarget, FailPoints};
use quire_log::{SegmentFile, SegmentFiles};
use std::io;
use std::sync::Arc;

pub(crate) struct FailingFiles {
    files: Arc<dyn SegmentFiles>,
    points: Arc<FailPoints>,
}

impl FailingFiles {
    /// In front of the log's files, where there are fail points.
    pub(crate) fn before(
        files: Arc<dyn SegmentFiles>,
        points: Option<&Arc<FailPoints>>,
    ) -> Arc<dyn SegmentFiles> {
        match points {
            Some(points) => Arc::new(FailingFiles { files, points: points.clone() }),
            None => files,
        }
    }

    fn wrap(&self, file: Arc<dyn SegmentFile>) -> Arc<dyn SegmentFile> {
        Arc::new(FailingFile { file, points: self.points.clone() })
    }
}

impl SegmentFiles for FailingFiles {
    fn list(&self) -> io::Result<Vec<u64>> {
        self.files.list()
    }

    fn open(&self, number: u64) -> io::Result<Arc<dyn SegmentFile>> {
        self.files.open(number).map(|file| self.wrap(file))
    }

    fn create(&self, number: u64, bytes: u64) -> io::Result<Arc<dyn SegmentFile>> {
        self.files.create(number, bytes).map(|file| self.wrap(file))
    }

    fn remove(&self, number: u64) -> io::Result<()> {
        self.files.remove(number)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.files.sync_names()
    }
}

struct FailingFile {
    file: Arc<dyn SegmentFile>,
    points: Arc<FailPoints>,
}

impl FailingFile {
    /// Lets a write pass, sooner or later, or not.
    fn pass(&self) -> io::Result<()> {
        let struck = self.points.quire_disk.enter_if(|disk| disk.strikes(DiskTarget::Log));
        match struck.map(|disk| disk.fault) {
            None => Ok(()),
            Some(DiskFault::Delay(delay)) => {
                // As a disk does it: whoever writes waits.
                std::thread::sleep(delay);
                Ok(())
            }
            Some(DiskFault::Fail) => Err(io::Error::other("a test lets the disk fail")),
            Some(DiskFault::Full) => {
                let why = "a test lets the disk be full";
                Err(io::Error::new(io::ErrorKind::StorageFull, why))
            }
        }
    }
}

impl SegmentFile for FailingFile {
    fn bytes(&self) -> io::Result<u64> {
        self.file.bytes()
    }

    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.file.read_at(offset, into)
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.pass()?;
        self.file.write_at(offset, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

#[cfg(test)]
mod tests {
    use super::FailingFiles;
    use quire_bson::{DocBuf, doc};
    use quire_failpoints::{FailPoints, Mode};
    use quire_log::{DiskFiles, Entry, EntryKind, LogError, LogIndex, LogStore, SegmentLog};
    use quire_log::{Term, Timestamp};
    use std::sync::Arc;

    fn entry(index: u64) -> Entry {
        Entry {
            index: LogIndex(index),
            term: Term(1),
            timestamp: Timestamp(index),
            kind: EntryKind::Effects,
            payload: vec![1; 100].into(),
        }
    }

    #[test]
    fn a_log_on_a_full_disk_takes_nothing_and_shows_what_it_had_until_it_is_not_full() {
        let directory = tempfile::tempdir().expect("a directory");
        let points = Arc::new(FailPoints::default());
        let files = DiskFiles::open(directory.path()).expect("files");
        let files = FailingFiles::before(Arc::new(files), Some(&points));
        let log = SegmentLog::open(files, 64 << 10).expect("a log");
        log.append(&[entry(1)], None).expect("no fault yet");
        let full = DocBuf::from(&doc! { "target": "log", "action": "full" });
        let point = points.find("quireDisk").expect("the point");
        point.configure(Mode::Times(2), full.as_raw()).expect("a fault");
        assert!(matches!(log.append(&[entry(2)], None), Err(LogError::NoSpace(_))));
        assert!(matches!(log.reopen(LogIndex(1)), Err(LogError::NoSpace(_))));
        assert_eq!(log.read(1..=9, usize::MAX).expect("readable"), [entry(1)]);
        log.reopen(LogIndex(1)).expect("there is space again");
        log.append(&[entry(2)], None).expect("there is space again");
        let of_data = DocBuf::from(&doc! { "target": "data", "action": "full" });
        point.configure(Mode::AlwaysOn, of_data.as_raw()).expect("a fault");
        log.append(&[entry(3)], None).expect("the other disk");
        assert_eq!(log.last_index(), LogIndex(3));
    }
}
