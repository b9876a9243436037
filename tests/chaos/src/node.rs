//! One `quired` process that is started, killed, paused and started again on the same data.
//!
//! Owns the process: whatever becomes of a run, it does not outlive its [`Node`]. Its log goes to a
//! file, all its lives one behind the other.

use quire_tests::{Failure, Result};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long starting or ending in order may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// The log's line that says that clients may come.
const WAITING: &str = "\"id\":23016,";

/// What a line about a defect looks like.
const PANIC: &str = "\"id\":7100050,";

/// What a line about a fatal condition looks like.
const FATAL: &str = "\"s\":\"F\"";

/// How a node is started.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// The flags of each start, without port and data.
    pub(crate) flags: Vec<String>,
}

pub(crate) struct Node {
    launch: Launch,
    port: u16,
    data: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Node {
    /// A node that was not started yet.
    pub(crate) fn new(launch: &Launch, port: u16, directory: &Path, name: &str) -> Result<Node> {
        let data = directory.join(name);
        fs::create_dir_all(&data)?;
        let log = directory.join(format!("{name}.log"));
        Ok(Node { launch: launch.clone(), port, data, log, child: None })
    }

    pub(crate) fn process_id(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    pub(crate) fn is_started(&self) -> bool {
        self.child.is_some()
    }

    /// Starts it unless it runs, and waits until clients may come.
    pub(crate) async fn start(&mut self) -> Result<()> {
        if self.is_started() {
            return Ok(());
        }
        let mut log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        let begun_at = log.seek(SeekFrom::End(0))?;
        let child = Command::new(&self.launch.binary)
            .args(&self.launch.flags)
            .args(["--port", &self.port.to_string(), "--dbpath"])
            .arg(&self.data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(Failure::during(format!("starting {}", self.launch.binary.display())))?;
        self.child = Some(child);
        self.wait_until_it_listens(begun_at).await
    }

    async fn wait_until_it_listens(&mut self, begun_at: u64) -> Result<()> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let said = self.said_since(begun_at)?;
            if said.contains(WAITING) {
                return Ok(());
            }
            if let Some(status) = self.ended_by_itself()? {
                let what = format!("{} ended at its start with {status}", self.name());
                return Err(Failure::new(format!("{what}:\n{said}")));
            }
            if Instant::now() > patience {
                return Err(Failure::new(format!("{} does not start:\n{said}", self.name())));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// How it ended, when nobody ended it.
    pub(crate) fn ended_by_itself(&mut self) -> Result<Option<ExitStatus>> {
        match &mut self.child {
            Some(child) => Ok(child.try_wait()?),
            None => Ok(None),
        }
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Ends it as a crash does, and takes its disk away.
    pub(crate) fn lose_the_disk(&mut self) -> Result<()> {
        self.kill()?;
        fs::remove_dir_all(&self.data)?;
        fs::create_dir_all(&self.data)?;
        Ok(())
    }

    /// Asks it to end, as a supervisor does.
    pub(crate) fn ask_to_end(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Waits for the end that was asked for.
    pub(crate) async fn wait_for_end(&mut self) -> Result<ExitStatus> {
        let patience = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.ended_by_itself()? {
                self.child = None;
                return Ok(status);
            }
            if self.child.is_none() || Instant::now() > patience {
                return Err(Failure::new(format!("{} does not end when asked", self.name())));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    pub(crate) fn pause(&self) -> Result<()> {
        self.signal(Signal::STOP)
    }

    pub(crate) fn resume(&self) -> Result<()> {
        self.signal(Signal::CONT)
    }

    fn signal(&self, signal: Signal) -> Result<()> {
        match &self.child {
            Some(child) => kill_process(Pid::from_child(child), signal)
                .map_err(Failure::during(format!("signalling {}", self.name()))),
            None => Ok(()),
        }
    }

    /// Lines of its log about defects and fatal conditions, of all its lives.
    pub(crate) fn complaints(&self) -> Result<Vec<String>> {
        let said = self.said_since(0)?;
        let bad = said.lines().filter(|line| line.contains(PANIC) || line.contains(FATAL));
        Ok(bad.map(|line| format!("{}: {line}", self.name())).collect())
    }

    fn said_since(&self, position: u64) -> Result<String> {
        let mut log = File::open(&self.log)?;
        log.seek(SeekFrom::Start(position))?;
        let mut said = Vec::new();
        log.read_to_end(&mut said)?;
        Ok(String::from_utf8_lossy(&said).into_owned())
    }

    pub(crate) fn name(&self) -> String {
        let name = self.data.file_name().unwrap_or_default().to_string_lossy();
        format!("{name} (port {})", self.port)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Its data is thrown away or read by people; either way nobody waits for it any more.
        let _ = self.kill();
    }
}
