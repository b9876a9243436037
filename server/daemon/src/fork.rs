//! `--fork`: going on in the background.
//!
//! Starts this program again as a process of its own, detached from the terminal, and waits until it
//! is ready or has failed, so that whoever started us knows which.

use crate::exit::{self, Failure};
use quire_config::exit::ABRUPT;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

/// Tells the second process that it is one.
const CHILD_MARK: &str = "_QUIRED_BACKGROUND";

/// What the second process writes once it accepts connections.
const READY: &str = "ready";

pub(crate) fn is_child() -> bool {
    std::env::var_os(CHILD_MARK).is_some()
}

/// Leaves the session, so that the end of the terminal is not the end of the server.
pub(crate) fn detach() {
    // Refused only to the leader of a process group, which a second process is not.
    let _ = rustix::process::setsid();
}

/// Starts the second process and waits for its word.
pub(crate) fn launch() -> Result<(), Failure> {
    exit::print("about to fork child process, waiting until server is ready for connections.\n");
    let failed = |error: std::io::Error| Failure::new(ABRUPT, format!("cannot fork: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .args(std::env::args_os().skip(1))
        .env(CHILD_MARK, "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // Not ours to pass on: whoever waits for the end of our output would wait for the server's.
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    exit::print(&format!("forked process: {}\n", child.id()));
    let mut word = String::new();
    if let Some(stdout) = child.stdout.take() {
        let _ = BufReader::new(stdout).read_line(&mut word);
    }
    if word.trim_end() == READY {
        exit::print("child process started successfully, parent exiting\n");
        return Ok(());
    }
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut said);
    }
    let code = child.wait().ok().and_then(|status| status.code()).unwrap_or(ABRUPT);
    Err(Failure::new(code, format!("{said}ERROR: child process failed, exited with {code}")))
}

/// Tells the first process that connections are accepted.
pub(crate) fn announce_ready() {
    exit::print(&format!("{READY}\n"));
}
