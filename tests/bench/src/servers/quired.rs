//! The subject: a `quired` of our own, on an empty directory and a free port.
//!
//! Owns its process. Its log goes to a file that is shown when it does not start.

use super::end;
use crate::client::Client;
use crate::scratch::Scratch;
use quire_bson::doc;
use quire_tests::{Failure, Result, free_port};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long starting may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between two tries to reach a server that starts.
const PACE: Duration = Duration::from_millis(1);

/// Which `quired`, and with which words on its command line.
#[derive(Clone, Debug)]
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    pub(crate) words: Vec<String>,
}

impl Launch {
    pub(crate) fn new(binary: &Path) -> Launch {
        Launch { binary: binary.to_owned(), words: Vec::new() }
    }

    pub(crate) fn with(&self, words: &[&str]) -> Launch {
        let mut launch = self.clone();
        launch.words.extend(words.iter().map(|word| (*word).to_owned()));
        launch
    }
}

pub(crate) struct Quired {
    launch: Launch,
    child: Child,
    pub(crate) address: SocketAddr,
    /// Removed after the process that uses it has ended.
    directory: Scratch,
}

impl Quired {
    /// No two that run at one time have the same name.
    pub(crate) fn start(launch: &Launch, parent: &Path, name: &str) -> Result<Quired> {
        let directory = Scratch::new(parent, name)?;
        fs::create_dir(data_of(&directory))?;
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let child = spawn(launch, &directory, address)?;
        let mut quired = Quired { launch: launch.clone(), child, address, directory };
        quired.wait_for_ping()?;
        Ok(quired)
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn data(&self) -> PathBuf {
        data_of(&self.directory)
    }

    /// Ends it in good order.
    pub(crate) fn stop(&mut self) -> Result<()> {
        let process = Pid::from_child(&self.child);
        kill_process(process, Signal::TERM).map_err(std::io::Error::from)?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        end(&mut self.child);
    }

    /// Starts one that was ended on what it left; the time until it has answered a first ping.
    pub(crate) fn restart(&mut self) -> Result<Duration> {
        let begun = Instant::now();
        self.child = spawn(&self.launch, &self.directory, self.address)?;
        self.wait_for_ping()?;
        Ok(begun.elapsed())
    }

    fn wait_for_ping(&mut self) -> Result<()> {
        let patience = Instant::now() + PATIENCE;
        loop {
            let ping = Client::connect(self.address)
                .and_then(|mut client| client.command("admin", doc! { "ping": 1 }));
            if ping.is_ok() {
                return Ok(());
            }
            let what = match self.child.try_wait()? {
                Some(status) => format!("quired ended with {status}"),
                None if Instant::now() > patience => "quired did not start in time".to_owned(),
                None => {
                    std::thread::sleep(PACE);
                    continue;
                }
            };
            let log = fs::read_to_string(log_of(&self.directory)).unwrap_or_default();
            return Err(Failure::new(format!("{what}; its log:\n{log}")));
        }
    }
}

impl Drop for Quired {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

fn data_of(directory: &Scratch) -> PathBuf {
    directory.path().join("data")
}

fn log_of(directory: &Scratch) -> PathBuf {
    directory.path().join("quired.log")
}

fn spawn(launch: &Launch, directory: &Scratch, address: SocketAddr) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log_of(directory))?;
    Command::new(&launch.binary)
        .arg("--dbpath")
        .arg(data_of(directory))
        .args(["--port", &address.port().to_string(), "--bind_ip", "127.0.0.1"])
        .args(["--nounixsocket", "--quiet"])
        .args(&launch.words)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map_err(Failure::during(format!("starting {}", launch.binary.display())))
}
