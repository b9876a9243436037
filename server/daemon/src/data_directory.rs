//! The directory that holds the data: found, writable, and ours alone.

use crate::exit::Failure;
use quire_config::exit::UNCAUGHT;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The data directory, locked for as long as this lives.
pub(crate) struct DataDirectory {
    path: PathBuf,
    lock: File,
}

impl DataDirectory {
    /// Takes the directory. Fails without touching anything when it is missing, not writable, or in
    /// use.
    pub(crate) fn take(path: &Path) -> Result<DataDirectory, Failure> {
        let shown = path.display();
        if !path.is_dir() {
            return Err(refused(format!(
                "NonExistentPath: Data directory {shown} not found. Create the missing directory \
                 or specify another path using (1) the --dbpath command line option, or (2) by \
                 adding the 'storage.dbPath' option in the configuration file."
            )));
        }
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("mongod.lock"))
            .map_err(|error| {
                refused(format!(
                    "IllegalOperation: Attempted to create a lock file on a read-only directory: \
                     {shown} ({error})"
                ))
            })?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(refused(format!(
                    "DBPathInUse: Unable to lock the lock file: {shown}/mongod.lock (Resource \
                     temporarily unavailable). Another quired instance is already running on the \
                     {shown} directory"
                )));
            }
            Err(TryLockError::Error(error)) => {
                return Err(refused(format!("cannot lock {shown}/mongod.lock: {error}")));
            }
        }
        let mut directory = DataDirectory { path: path.to_owned(), lock };
        directory.note_process().map_err(|error| {
            refused(format!("cannot write to the data directory {shown}: {error}"))
        })?;
        Ok(directory)
    }

    fn note_process(&mut self) -> std::io::Result<()> {
        self.lock.set_len(0)?;
        writeln!(self.lock, "{}", std::process::id())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDirectory {
    /// An empty lock file says that the last shutdown was clean.
    fn drop(&mut self) {
        let _ = self.lock.set_len(0);
    }
}

fn refused(message: String) -> Failure {
    Failure::new(UNCAUGHT, format!("exception in initAndListen: {message}, terminating"))
}
