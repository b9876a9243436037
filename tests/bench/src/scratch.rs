//! Directories that are gone when the benchmark is.
//!
//! Owns what the benchmark leaves on disk, also the leavings of one that was killed.

use quire_tests::{Failure, Result};
use std::fs;
use std::path::{Path, PathBuf};

const PREFIX: &str = "quire-bench-";

/// A directory that is removed with everything in it.
pub(crate) struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// An empty directory in `parent`, named by our process.
    pub(crate) fn new(parent: &Path, purpose: &str) -> Result<Scratch> {
        fs::create_dir_all(parent)
            .map_err(Failure::during(format!("creating {}", parent.display())))?;
        remove_leavings(parent)?;
        let path = parent.join(format!("{PREFIX}{}-{purpose}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir(&path).map_err(Failure::during(format!("creating {}", path.display())))?;
        Ok(Scratch { path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes what processes left that are no more.
fn remove_leavings(parent: &Path) -> Result<()> {
    for entry in fs::read_dir(parent)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let process = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        if let Some(process) = process
            && process.parse::<u32>().is_ok()
            && !Path::new("/proc").join(process).exists()
        {
            fs::remove_dir_all(&path)?;
        }
    }
    Ok(())
}
