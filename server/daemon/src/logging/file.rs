//! The log file: opened, appended to, moved aside.
//!
//! Never overwrites a log: what is in the way is renamed, and the new name is one that is free.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::timestamp;

/// What happens to the file when the log rotates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It gets the time as a suffix, and a new one takes its name.
    Rename,
    /// It has been moved by someone else; the name is opened again.
    Reopen,
}

#[derive(Debug, Clone)]
pub(crate) struct FileOptions {
    pub(crate) path: PathBuf,
    /// Go on in a file that is there already, instead of moving it aside.
    pub(crate) append: bool,
    pub(crate) rotation: Rotation,
}

pub(super) struct LogFile {
    options: FileOptions,
    file: File,
}

impl LogFile {
    pub(super) fn open(options: FileOptions) -> io::Result<Self> {
        if !options.append {
            move_aside(&options.path, SystemTime::now())?;
        }
        let file = open(&options.path)?;
        Ok(Self { options, file })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }

    /// When this fails, the old file goes on being written.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        if self.options.rotation == Rotation::Rename {
            move_aside(&self.options.path, SystemTime::now())?;
        }
        self.file = open(&self.options.path)?;
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    // A log tells what is in the data; it is nobody else's to read.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Gives a file that is there a name with the time in it. Devices and pipes stay where they are.
fn move_aside(path: &Path, moment: SystemTime) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(metadata) if metadata.is_file() => fs::rename(path, free_name(path, moment)?),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Two rotations within one second must not overwrite each other's files.
fn free_name(path: &Path, moment: SystemTime) -> io::Result<PathBuf> {
    const ATTEMPTS_MAX: u32 = 1000;
    let suffix = timestamp::file_suffix(moment);
    for attempt in 0..ATTEMPTS_MAX {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{suffix}"));
        if attempt > 0 {
            name.push(format!("-{attempt}"));
        }
        let candidate = PathBuf::from(name);
        if !candidate.try_exists()? {
            return Ok(candidate);
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}
