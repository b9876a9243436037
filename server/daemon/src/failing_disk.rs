//! A store whose disk is slow or fails on demand, for tests of whole servers.
//!
//! Stands in front of an engine only where test commands are enabled. The fail point `quireDisk` says
//! which writes are struck; what it fails has no effect, and reads go on.

use quire_engine::{
    Batch, Direction, Durability, Engine, EngineError, EngineStats, EntryVisitor, KeyRange, Read,
    Result, Space,
};
use quire_failpoints::{DiskFault, DiskTarget, FailPoints};
use std::path::Path;
use std::sync::Arc;

/// Wraps the data's store. (The log's files are struck by `failing_files`.)
pub(crate) struct FailingDisk {
    engine: Arc<dyn Engine>,
    points: Arc<FailPoints>,
}

impl FailingDisk {
    /// In front of the store, where there are fail points.
    pub(crate) fn before(
        engine: Arc<dyn Engine>,
        points: Option<&Arc<FailPoints>>,
    ) -> Arc<dyn Engine> {
        match points {
            Some(points) => Arc::new(FailingDisk { engine, points: points.clone() }),
            None => engine,
        }
    }

    /// Lets a write pass, sooner or later, or not.
    fn pass(&self) -> Result<()> {
        let struck = self.points.quire_disk.enter_if(|disk| disk.strikes(DiskTarget::Data));
        match struck.map(|disk| disk.fault) {
            None => Ok(()),
            Some(DiskFault::Delay(delay)) => {
                // As a disk does it: whoever writes waits.
                std::thread::sleep(delay);
                Ok(())
            }
            Some(DiskFault::Fail) => Err(EngineError::Io("a test lets the disk fail".to_owned())),
            Some(DiskFault::Full) => {
                Err(EngineError::NoSpace("a test lets the disk be full".to_owned()))
            }
        }
    }
}

impl Read for FailingDisk {
    fn get_with(&self, space: Space, key: &[u8], visit: &mut dyn FnMut(&[u8])) -> Result<bool> {
        self.engine.get_with(space, key, visit)
    }

    fn get_many(
        &self,
        space: Space,
        keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        self.engine.get_many(space, keys, visit)
    }

    fn scan(
        &self,
        space: Space,
        range: KeyRange<'_>,
        direction: Direction,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<()> {
        self.engine.scan(space, range, direction, visit)
    }
}

impl Engine for FailingDisk {
    fn snapshot(&self) -> Arc<dyn Read> {
        self.engine.snapshot()
    }

    fn write(&self, batch: &Batch, durability: Durability) -> Result<()> {
        self.pass()?;
        self.engine.write(batch, durability)
    }

    fn flush(&self) -> Result<()> {
        self.pass()?;
        self.engine.flush()
    }

    fn get_durable(&self, space: Space, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.get_durable(space, key)
    }

    fn checkpoint(&self, path: &Path) -> Result<()> {
        self.pass()?;
        self.engine.checkpoint(path)
    }

    fn approximate_bytes(&self, space: Space, range: KeyRange<'_>) -> u64 {
        self.engine.approximate_bytes(space, range)
    }

    fn verify_checksums(&self) -> Result<()> {
        self.engine.verify_checksums()
    }

    fn stats(&self) -> EngineStats {
        self.engine.stats()
    }
}

#[cfg(test)]
mod tests {
    use super::FailingDisk;
    use quire_bson::{DocBuf, doc};
    use quire_engine::{Batch, Durability, Engine, EngineError, MemoryEngine, Space};
    use quire_failpoints::{FailPoints, Mode};
    use std::sync::Arc;

    const SPACE: Space = Space(0);

    fn put(engine: &dyn Engine, value: u8) -> Result<(), EngineError> {
        let mut batch = Batch::new();
        batch.put(SPACE, b"key", &[value]);
        engine.write(&batch, Durability::Synced)
    }

    #[test]
    fn a_full_disk_takes_nothing_and_shows_what_it_had_until_it_is_not_full() {
        let points = Arc::new(FailPoints::default());
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new(1));
        let data = FailingDisk::before(memory.clone(), Some(&points));
        put(data.as_ref(), 1).expect("no fault yet");
        let full = DocBuf::from(&doc! { "target": "data", "action": "full" });
        let point = points.find("quireDisk").expect("the point");
        point.configure(Mode::Times(2), full.as_raw()).expect("a fault");
        assert!(matches!(put(data.as_ref(), 2), Err(EngineError::NoSpace(_))));
        assert!(matches!(data.flush(), Err(EngineError::NoSpace(_))));
        assert_eq!(data.get(SPACE, b"key").expect("readable"), Some(vec![1]));
        put(data.as_ref(), 3).expect("there is space again");
        let of_the_log = DocBuf::from(&doc! { "target": "log", "action": "full" });
        point.configure(Mode::AlwaysOn, of_the_log.as_raw()).expect("a fault");
        put(data.as_ref(), 4).expect("the other disk");
        assert_eq!(memory.get(SPACE, b"key").expect("readable"), Some(vec![4]));
    }
}
