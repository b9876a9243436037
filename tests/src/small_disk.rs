//! A file system that is soon full.
//!
//! Owns its mount and takes it away again. Mounting needs privileges that not every machine gives;
//! who cannot have a small disk says so and goes on without.

use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use std::ffi::CString;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A mounted file system of a size of its own.
pub struct SmallDisk {
    // Unmounted before its directory is removed: see `drop`.
    directory: TempDir,
}

impl SmallDisk {
    /// Mounts one, where that is allowed.
    pub fn mount(megabytes: u32) -> io::Result<SmallDisk> {
        let directory = TempDir::with_prefix("quire-small-disk-")?;
        let options = CString::new(format!("size={megabytes}m")).map_err(io::Error::other)?;
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("tmpfs", directory.path(), "tmpfs", flags, options.as_c_str())?;
        Ok(SmallDisk { directory })
    }

    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// From now on nothing can be written.
    pub fn make_read_only(&self) -> io::Result<()> {
        mount_remount(self.path(), MountFlags::RDONLY, "")?;
        Ok(())
    }

    /// Makes it larger while it is in use.
    pub fn resize(&self, megabytes: u32) -> io::Result<()> {
        mount_remount(self.path(), MountFlags::empty(), format!("size={megabytes}m"))?;
        Ok(())
    }

    /// Bytes that can still be written.
    pub fn free_bytes(&self) -> io::Result<u64> {
        let space = rustix::fs::statvfs(self.path())?;
        Ok(space.f_bavail.saturating_mul(space.f_frsize))
    }

    /// Writes a file that leaves only so many bytes free. The server goes on writing meanwhile (a
    /// flush, a compaction): when that took the space first, the rest is looked at again.
    pub fn fill_to(&self, free_bytes: u64) -> io::Result<PathBuf> {
        let ballast = self.path().join("ballast");
        let file = std::fs::File::create(&ballast)?;
        let flags = rustix::fs::FallocateFlags::empty();
        loop {
            let count = self.free_bytes()?.saturating_sub(free_bytes);
            if count == 0 {
                return Ok(ballast);
            }
            match rustix::fs::fallocate(&file, flags, 0, count) {
                Err(rustix::io::Errno::NOSPC) => {}
                outcome => return outcome.map(|()| ballast).map_err(io::Error::from),
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Detached at once: a server that a failed test left running must not keep it.
        let _ = unmount(self.directory.path(), UnmountFlags::DETACH);
    }
}
