//! What a power cut would leave of a store on disk, for tests that open it again.

use std::fs;
use std::io;
use std::path::Path;

/// Copies the files of a running store as they are at one moment, into a directory that is not there
/// yet.
pub fn copy_power_cut(from: &Path, to: &Path) -> io::Result<()> {
    loop {
        let before = listing(from)?;
        fs::create_dir(to)?;
        let is_copied =
            before.iter().all(|(name, _)| fs::copy(from.join(name), to.join(name)).is_ok());
        // RocksDB tidies up in the background, so a copy counts only if nothing came, went or grew
        // meanwhile.
        if is_copied && listing(from)? == before {
            return Ok(());
        }
        fs::remove_dir_all(to)?;
    }
}

/// Names and lengths of all files.
fn listing(directory: &Path) -> io::Result<Vec<(std::ffi::OsString, u64)>> {
    let mut files = Vec::new();
    for file in fs::read_dir(directory)? {
        let file = file?;
        // One that is gone by now shows in the next listing.
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        files.push((file.file_name(), length));
    }
    files.sort();
    Ok(files)
}
