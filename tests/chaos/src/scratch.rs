//! Where a run leaves its data and logs.
//!
//! Owns the directory: it is removed after a run that found nothing, and kept after any other.

use quire_tests::{Failure, Result};
use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// An empty directory in `parent`.
    pub(crate) fn new(parent: &Path, purpose: &str) -> Result<Scratch> {
        let path = parent.join(format!("{purpose}-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path)?;
        }
        fs::create_dir_all(&path)
            .map_err(Failure::during(format!("creating {}", path.display())))?;
        // Until somebody says that nothing was found, it may be needed.
        Ok(Scratch { path, keep: true })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn nothing_was_found(&mut self) {
        self.keep = false;
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !self.keep {
            // Leavings of a test are not worth a failure.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}
