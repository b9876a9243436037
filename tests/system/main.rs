//! Whole servers as their users meet them: the binary that ships, real sockets, real disks, real
//! crashes.
//!
//! Every server has a directory and a port of its own, so that the tests run side by side. Nothing
//! asserts how long anything takes. `QUIRE_BIN` names the binary; the crash test runs
//! `QUIRE_KILL_ROUNDS` times.

// Figures and skipped tests are told to whoever runs the suite.
#![allow(clippy::print_stderr)]

mod abuse;
mod admin;
mod background;
mod connections;
mod corruption;
mod crash;
mod disk_full;
mod fail_points;
mod faults;
mod launch;
mod logging;
mod newer;
mod operators;
mod overload;
mod protection;
mod repair;
mod replica_set;
mod scripts;
mod settings;
mod stopping;
mod streams;
mod versions;

use quire_tests::{Daemon, Launch};
use std::path::Path;
use tempfile::TempDir;

/// A server with an empty store.
struct Fresh {
    daemon: Daemon,
    directory: TempDir,
}

impl Fresh {
    fn start() -> Fresh {
        Fresh::with(&[])
    }

    fn with(words: &[&str]) -> Fresh {
        let directory = directory();
        let daemon = Launch::on(directory.path()).with(words).start();
        Fresh { daemon, directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

fn directory() -> TempDir {
    TempDir::with_prefix("quire-system-").expect("a temporary directory")
}

/// What stands in a directory: names from it on, directories with a slash, in order.
fn listing(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    collect(directory, directory, &mut names);
    names.sort();
    names
}

fn collect(root: &Path, directory: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        let name = path.strip_prefix(root).expect("within").to_string_lossy().into_owned();
        if path.is_dir() {
            names.push(name + "/");
            collect(root, &path, names);
        } else {
            names.push(name);
        }
    }
}
