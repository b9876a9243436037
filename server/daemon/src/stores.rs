//! Opening what is kept: the data, the log, and the replica over both.
//!
//! Owns the layout of the data directory: `data/` and `log/`, two stores of their own, because a
//! synced log write must not wait for the data's compactions.

use crate::data_directory::DataDirectory;
use crate::exit::Failure;
use crate::failing_disk::FailingDisk;
use crate::failing_files::FailingFiles;
use crate::random;
use quire_config::exit::{BAD_OPTIONS, NEED_DOWNGRADE, UNCAUGHT};
use quire_config::{Storage, StorageEngine};
use quire_consensus::{Options, RecoveryError, Replica, Retention};
use quire_documents::{Documents, OpenError};
use quire_engine::{Engine, EngineError, MemoryFiles, RocksEngine, RocksOptions};
use quire_execution::wait::Signal;
use quire_execution::{Announcing, Clock, History, Sequencer};
use quire_failpoints::FailPoints;
use quire_log::{
    DiskFiles, LogError, LogStore, SEGMENT_BYTES, SegmentFiles, SegmentLog, StateMachine,
    VOLATILE_SEGMENT_BYTES, VolatileFiles,
};
use std::path::Path;
use std::sync::Arc;

/// The data store's key spaces, in the order of their numbers.
const DATA_SPACES: &[&str] = &["meta", "rows", "index", "sessions"];

/// A row is looked up by its key before every write of it, and by finds.
const LOOKED_UP: &[&str] = &["rows"];

/// Everything that is open.
pub(crate) struct Stores {
    pub(crate) documents: Arc<Documents>,
    pub(crate) sequencer: Arc<Sequencer>,
    pub(crate) history: Arc<History>,
    /// Held for the lock; `None` for a store in memory.
    pub(crate) directory: Option<DataDirectory>,
}

impl Stores {
    /// Opens the stores and recovers what the log holds above the data. `start` makes the replica, a
    /// set of one or a member of many. There are fail points only where test commands are.
    pub(crate) fn open(
        storage: &Storage,
        clock: Arc<dyn Clock>,
        points: Option<&Arc<FailPoints>>,
        start: impl FnOnce(Arc<dyn LogStore>, Arc<dyn StateMachine>) -> Result<Replica, RecoveryError>,
    ) -> Result<Stores, Failure> {
        let directory = match storage.engine {
            StorageEngine::WiredTiger => Some(DataDirectory::take(&storage.db_path)?),
            StorageEngine::InMemory | StorageEngine::EphemeralForTest => None,
        };
        let memory = match directory {
            Some(_) => None,
            None => Some(MemoryFiles::new().map_err(|e| engine_failure(&e))?),
        };
        let path = directory.as_ref().map(DataDirectory::path);
        let data = open_data(path.unwrap_or(Path::new("/quire")), memory, storage)?;
        let data = FailingDisk::before(data, points);
        let log = open_log(path, points)?;
        let documents = Arc::new(Documents::open(data).map_err(|e| open_failure(&e))?);
        let applied = Arc::new(Signal::default());
        let machine = Arc::new(Announcing::new(documents.clone(), applied.clone()));
        let history = machine.history().clone();
        let replica = start(log, machine).map_err(|error| match &error {
            RecoveryError::Log(error) => log_failure(error),
            RecoveryError::BelongsToASet => refused(BAD_OPTIONS, &error.to_string()),
            _ => refused(UNCAUGHT, &error.to_string()),
        })?;
        let sequencer = Sequencer::new(documents.clone(), Arc::new(replica), clock, applied);
        Ok(Stores { documents, sequencer: Arc::new(sequencer), history, directory })
    }
}

/// What a standalone's log keeps: enough not to begin a file for every few entries. Nobody reads it.
const UNREAD: Retention = Retention::Size { bytes: 64 << 20, seconds: 0 };

/// A standalone's replica.
pub(crate) fn alone(
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
) -> Result<Replica, RecoveryError> {
    let node = node_of(log.as_ref())?;
    Replica::open(log, machine, Options { node, retention: UNREAD, ..Options::default() })
}

/// The number by which this data directory is known among the voters: drawn once, and kept.
pub(crate) fn node_of(log: &dyn LogStore) -> Result<u64, LogError> {
    if let Some(node) = log.identity() {
        return Ok(node);
    }
    let node = (random::bits() & i64::MAX.unsigned_abs()).max(1);
    log.set_identity(node)?;
    Ok(node)
}

fn open_data(
    root: &Path,
    memory_files: Option<MemoryFiles>,
    storage: &Storage,
) -> Result<Arc<dyn Engine>, Failure> {
    let mut options = RocksOptions::data(root.join("data"), DATA_SPACES);
    options.looked_up = LOOKED_UP;
    options.memory_files = memory_files;
    if let Some(bytes) = storage.cache_bytes {
        options.cache_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    let engine = RocksEngine::open(options).map_err(|e| engine_failure(&e))?;
    Ok(Arc::new(engine))
}

/// The log, in files of its own: on a disk, which are quicker to sync than an engine is, or in memory.
fn open_log(
    directory: Option<&Path>,
    points: Option<&Arc<FailPoints>>,
) -> Result<Arc<dyn LogStore>, Failure> {
    let (files, segment_bytes): (Arc<dyn SegmentFiles>, u64) = match directory {
        Some(directory) => {
            let files = DiskFiles::open(&directory.join("log"));
            (Arc::new(files.map_err(|error| log_failure(&error))?), SEGMENT_BYTES)
        }
        None => (Arc::new(VolatileFiles::default()), VOLATILE_SEGMENT_BYTES),
    };
    let log = SegmentLog::open(FailingFiles::before(files, points), segment_bytes);
    log.map(|log| Arc::new(log) as _).map_err(|error| log_failure(&error))
}

fn log_failure(error: &LogError) -> Failure {
    match error {
        LogError::Newer(_) => refused(NEED_DOWNGRADE, &error.to_string()),
        // Going on without what is damaged might lose what was acknowledged, and nobody would know.
        LogError::Corruption(_) => refused(
            UNCAUGHT,
            &format!(
                "{error}; acknowledged writes may be affected, so nothing was changed. A member of \
                 a replica set can be started on an empty data directory and copies everything \
                 from the others; otherwise restore a backup"
            ),
        ),
        LogError::NoSpace(_) | LogError::Io(_) | LogError::Compacted(_) => {
            refused(UNCAUGHT, &error.to_string())
        }
    }
}

fn engine_failure(error: &EngineError) -> Failure {
    refused(UNCAUGHT, &error.to_string())
}

fn open_failure(error: &OpenError) -> Failure {
    let code = match error {
        OpenError::Newer { .. } => NEED_DOWNGRADE,
        OpenError::Damaged { .. } | OpenError::Foreign | OpenError::Engine(_) => UNCAUGHT,
    };
    refused(code, &error.to_string())
}

fn refused(code: i32, message: &str) -> Failure {
    Failure::new(code, format!("exception in initAndListen: {message}, terminating"))
}

#[cfg(test)]
mod tests {
    use super::{DATA_SPACES, alone, open_log};
    use quire_consensus::Retention;
    use quire_documents::Documents;
    use quire_engine::MemoryEngine;
    use std::sync::Arc;

    #[test]
    fn the_log_of_a_standalone_is_bounded_in_bytes() {
        let log = open_log(None, None).unwrap();
        let data = Arc::new(MemoryEngine::new(DATA_SPACES.len()));
        let machine = Arc::new(Documents::open(data).unwrap());
        let replica = alone(log, machine).unwrap();
        assert!(matches!(replica.retention(), Retention::Size { seconds: 0, .. }));
    }
}
