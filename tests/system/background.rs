//! `--fork`, log files and pid files: how init scripts run the server.

use crate::directory;
use quire_bson::doc;
use quire_tests::{Connection, Launch, PATIENCE};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A server that went into the background; ended when this is dropped.
struct Background {
    process: Pid,
    port: u16,
    log: PathBuf,
}

/// A place for its files.
struct Place {
    directory: TempDir,
}

impl Place {
    fn new() -> Place {
        let directory = directory();
        fs::create_dir(directory.path().join("db")).expect("made");
        Place { directory }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn launch(&self, words: &[&str]) -> Launch {
        Launch::on(&self.path("db"))
            .with(&["--fork", "--logpath"])
            .with(&[self.path("log")])
            .with(&["--pidfilepath"])
            .with(&[self.path("pid")])
            .with(words)
    }

    fn start(&self, words: &[&str]) -> Background {
        let finished = self.launch(words).finish();
        assert_eq!(finished.code, Some(0), "{finished:#?}");
        let noted = fs::read_to_string(self.path("pid")).expect("the pid file");
        let process = noted.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        let forked = format!("forked process: {}", noted.trim());
        assert!(finished.stdout.contains(&forked), "{finished:#?}");
        assert!(finished.stdout.contains("child process started successfully"), "{finished:#?}");
        let log = self.path("log");
        let waiting = lines(&log).into_iter().rfind(|line| line["id"] == 23016);
        let port = waiting.and_then(|line| line["attr"]["port"].as_u64()).expect("a port");
        let port = port.try_into().expect("a port");
        Background { process, port, log }
    }

    /// The names that begin with `log`, in order.
    fn logs(&self) -> Vec<String> {
        let names = crate::listing(self.directory.path());
        names.into_iter().filter(|name| name.starts_with("log")).collect()
    }
}

impl Background {
    fn connect(&self) -> Connection {
        Connection::open(self.port)
    }

    /// Waits until it has ended.
    fn end(&self) {
        let Ok(handle) = pidfd_open(self.process, PidfdFlags::empty()) else { return };
        let _ = kill_process(self.process, Signal::TERM);
        let patience = Timespec::try_from(PATIENCE).expect("short enough");
        let ready = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&patience));
        assert_eq!(ready, Ok(1), "the server does not end");
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = kill_process(self.process, Signal::KILL);
    }
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).expect("a log file");
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    text.lines().map(parse).collect()
}

#[test]
fn a_forked_server_outlives_its_starter_and_says_where_it_is() {
    let place = Place::new();
    let server = place.start(&[]);
    server.connect().ok("admin", doc! { "ping": 1 });
    server.end();
    let last = lines(&server.log).pop().expect("lines");
    assert_eq!(last["attr"]["exitCode"], 0, "{last}");
}

#[test]
fn a_forked_server_that_cannot_start_hands_its_exit_code_to_its_starter() {
    let place = Place::new();
    fs::remove_dir(place.path("db")).expect("empty");
    let finished = place.launch(&[]).finish();
    assert_eq!(finished.code, Some(100), "{finished:#?}");
    assert!(finished.stderr.contains("child process failed, exited with 100"), "{finished:#?}");
    assert!(!place.path("pid").exists());
}

#[test]
fn a_new_start_moves_the_old_log_aside_unless_told_to_append() {
    let place = Place::new();
    place.start(&[]).end();
    let count = lines(&place.path("log")).len();
    place.start(&["--logappend"]).end();
    assert_eq!(place.logs(), ["log"]);
    assert!(lines(&place.path("log")).len() > count);
    place.start(&[]).end();
    assert_eq!(place.logs().len(), 2, "{:?}", place.logs());
}

#[test]
fn a_signal_rotates_the_log_and_no_line_is_lost() {
    let place = Place::new();
    let server = place.start(&[]);
    let before = lines(&server.log).len();
    server.connect().ok("admin", doc! { "ping": 1 });
    kill_process(server.process, Signal::USR1).expect("it runs");
    // The rotation is done when the new file is there under a second name beside the old one.
    let deadline = std::time::Instant::now() + PATIENCE;
    while place.logs().len() < 2 || !server.log.exists() {
        assert!(std::time::Instant::now() < deadline, "no rotation: {:?}", place.logs());
        std::thread::yield_now();
    }
    server.connect().ok("admin", doc! { "ping": 1 });
    server.end();
    let logs = place.logs();
    assert_eq!(logs.len(), 2, "{logs:?}");
    let old = lines(&place.path(&logs[1]));
    assert!(old.len() >= before, "{old:#?}");
    let all: Vec<Value> = old.into_iter().chain(lines(&server.log)).collect();
    let accepted: Vec<&Value> = all.iter().filter(|line| line["id"] == 22943).collect();
    assert_eq!(accepted.len(), 2, "{all:#?}");
}

#[test]
fn the_command_rotates_the_log_too() {
    let place = Place::new();
    let server = place.start(&[]);
    server.connect().ok("admin", doc! { "logRotate": 1 });
    assert_eq!(place.logs().len(), 2, "{:?}", place.logs());
    server.end();
}

#[test]
fn a_log_file_that_cannot_be_opened_is_told() {
    let data = directory();
    let log = data.path().join("missing").join("log");
    let finished = Launch::on(data.path()).with(&["--logpath"]).with(&[&log]).finish();
    assert_eq!(finished.code, Some(2), "{finished:#?}");
    assert_eq!(finished.stderr.lines().count(), 1, "{finished:#?}");
    assert_eq!(crate::listing(data.path()), [""; 0]);
}
