//! One `quired` process: started, waited for, signalled, ended.
//!
//! Owns the process: whatever becomes of a test, it does not outlive its [`Daemon`].

use crate::PATIENCE;
use crate::connection::Connection;
use crate::log::Log;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// The line that says that clients may come.
const WAITING_FOR_CONNECTIONS: i64 = 23016;

/// What a line about a defect looks like.
const PANIC: &str = "\"id\":7100050,";

/// The server to test: `QUIRE_BIN`, or what `cargo build --profile dist -p quired` left.
///
/// # Panics
/// When there is none: a suite that tests nothing must not pass.
pub fn binary() -> PathBuf {
    let path = match std::env::var_os("QUIRE_BIN") {
        Some(path) => PathBuf::from(path),
        None => target_directory().join("dist").join("quired"),
    };
    assert!(
        path.is_file(),
        "there is no server to test at {}: run `cargo build --profile dist -p quired` first, or name \
         another one in QUIRE_BIN",
        path.display()
    );
    path
}

fn target_directory() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(path) => path.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join("target"),
    }
}

/// A command line under construction.
#[derive(Clone, Debug)]
pub struct Launch {
    words: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
}

/// A process that ended by itself.
#[derive(Debug)]
pub struct Finished {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Launch {
    /// Exactly these words.
    pub fn bare<W: AsRef<OsStr>>(words: &[W]) -> Launch {
        Launch { words: words.iter().map(Into::into).collect(), variables: Vec::new() }
    }

    /// A server for a test: its data there, any free port, no socket in the file system.
    pub fn on(data: &Path) -> Launch {
        Launch::bare(&["--port", "0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--dbpath"])
            .with(&[data])
    }

    #[must_use]
    pub fn with<W: AsRef<OsStr>>(mut self, words: &[W]) -> Launch {
        self.words.extend(words.iter().map(Into::into));
        self
    }

    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Launch {
        self.variables.push((name.into(), value.into()));
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(binary());
        command
            .args(&self.words)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn spawn(&self) -> Daemon {
        let begun = Instant::now();
        let mut child = self.command().spawn().expect("the binary runs");
        let log = Log::follow(child.stdout.take().expect("its output is piped"));
        let errors = Log::follow(child.stderr.take().expect("its errors are piped"));
        Daemon { child, log, errors, port: 0, begun, started_in: Duration::ZERO }
    }

    /// Starts a server and waits until it waits for connections.
    ///
    /// # Panics
    /// When it ends instead.
    pub fn start(&self) -> Daemon {
        self.try_start().unwrap_or_else(|finished| panic!("no server: {finished:#?}"))
    }

    /// Starts a server; `Err` tells how it ended instead of waiting for connections.
    pub fn try_start(&self) -> Result<Daemon, Finished> {
        let mut daemon = self.spawn();
        match daemon.log.wait_for(WAITING_FOR_CONNECTIONS, 0) {
            Some(line) => {
                let port = line.pointer("/attr/port").and_then(Value::as_u64);
                daemon.port = port.and_then(|port| port.try_into().ok()).expect("the line's port");
                daemon.started_in = daemon.begun.elapsed();
                Ok(daemon)
            }
            None => Err(daemon.finish()),
        }
    }

    /// Runs something that ends by itself.
    pub fn finish(&self) -> Finished {
        self.spawn().finish()
    }
}

/// A running server.
pub struct Daemon {
    child: Child,
    log: Log,
    errors: Log,
    port: u16,
    begun: Instant,
    /// From the start of the process to its first possible connection.
    pub started_in: Duration,
}

impl Daemon {
    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output.
    pub fn log(&self) -> &Log {
        &self.log
    }

    pub fn connect(&self) -> Connection {
        Connection::open(self.port)
    }

    /// The first line with this id since line number `from`.
    ///
    /// # Panics
    /// When there is none.
    pub fn logged_since(&self, id: i64, from: usize) -> Value {
        let found = self.log.wait_for(id, from);
        found.unwrap_or_else(|| panic!("ended without a line {id}:\n{}", self.log.tail()))
    }

    /// The first line with this id.
    pub fn logged(&self, id: i64) -> Value {
        self.logged_since(id, 0)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the process is ours");
    }

    /// Stops it without ending it. The kernel tells one thread, and the others run on until that one
    /// has been scheduled, so this waits until all of them stand still.
    pub fn pause(&self) {
        self.signal(Signal::STOP);
        let tasks = format!("/proc/{}/task", self.child.id());
        let stands_still = |task: std::fs::DirEntry| {
            let stat = std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T'))
        };
        let patience = Instant::now() + PATIENCE;
        while !std::fs::read_dir(&tasks).expect("it lives").flatten().all(stands_still) {
            assert!(Instant::now() < patience, "it does not stop");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends it as a supervisor does, and returns its exit code.
    pub fn stop(self) -> Option<i32> {
        self.signal(Signal::TERM);
        self.finish().code
    }

    /// Ends it as a crash does.
    pub fn kill(self) {
        self.signal(Signal::KILL);
        self.finish();
    }

    /// Waits until it has ended by itself.
    pub fn finish(mut self) -> Finished {
        let status = self.wait();
        self.log.wait_for_end();
        self.errors.wait_for_end();
        Finished {
            code: status.code(),
            stdout: self.log.lines().join("\n"),
            stderr: self.errors.lines().join("\n"),
        }
    }

    fn wait(&mut self) -> ExitStatus {
        // The standard library waits for ever or not at all, so somebody else keeps the time.
        let (done, ended) = mpsc::channel::<()>();
        let process = Pid::from_child(&self.child);
        let timekeeper = std::thread::spawn(move || {
            let late = ended.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
            if late {
                let _ = kill_process(process, Signal::KILL);
            }
            late
        });
        let status = self.child.wait().expect("the process is ours");
        drop(done);
        let late = timekeeper.join().unwrap_or(true);
        assert!(!late, "the process did not end:\n{}", self.log.tail());
        status
    }

    /// Bytes of memory it holds.
    ///
    /// # Panics
    /// When it is gone.
    pub fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the process lives");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes =
            line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kibibytes.expect("a figure") * 1024
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_none())
    }

    /// Still runs, answers, and was not shaken by what came before.
    ///
    /// # Panics
    /// When it does not, or has logged a panic.
    pub fn assert_well(&mut self, after: &str) {
        assert!(self.is_running(), "ended after {after}:\n{}", self.log.tail());
        self.connect().ok("admin", quire_bson::doc! { "ping": 1 });
        let said = self.log.lines();
        let panic = said.iter().find(|line| line.contains(PANIC));
        assert!(panic.is_none(), "after {after}: {panic:#?}");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            use std::io::Write as _;
            let (log, errors) = (self.log.tail(), self.errors.tail());
            let _ = writeln!(std::io::stderr(), "--- the server's log\n{log}\n{errors}\n---");
        }
    }
}
