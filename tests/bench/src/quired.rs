//! The subject: a `quired` of our own, on an empty directory and a free port.
//!
//! Owns its process. Its log goes to a file that is shown when it does not start.

use crate::scratch::Scratch;
use quire_tests::{Failure, Result};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long starting may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The log's line that says the server waits for connections.
const WAITING: &str = "\"id\":23016,";

pub(crate) struct Quired {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Removed after the process that uses it has ended.
    _directory: Scratch,
}

impl Quired {
    /// With further words on the command line. No two that run at one time have the same name.
    pub(crate) fn start(
        binary: &Path,
        parent: &Path,
        name: &str,
        words: &[&str],
    ) -> Result<Quired> {
        let directory = Scratch::new(parent, name)?;
        let log_path = directory.path().join("quired.log");
        let data = directory.path().join("data");
        fs::create_dir(&data)?;
        let log = File::create(&log_path)?;
        let mut child = Command::new(binary)
            .arg("--dbpath")
            .arg(&data)
            .args(["--port", "0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--quiet"])
            .args(words)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(Failure::during(format!("starting {}", binary.display())))?;
        match wait_for_port(&mut child, &log_path) {
            Ok(port) => {
                let address = SocketAddr::from(([127, 0, 0, 1], port));
                Ok(Quired { child, address, _directory: directory })
            }
            Err(failure) => {
                end(&mut child);
                Err(failure)
            }
        }
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Quired {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// Its data is thrown away, so it need not end in order.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

fn wait_for_port(child: &mut Child, log_path: &Path) -> Result<u16> {
    let patience = Instant::now() + PATIENCE;
    loop {
        let log = fs::read_to_string(log_path)?;
        if let Some(port) = log.lines().find_map(announced_port) {
            return Ok(port);
        }
        let what = match child.try_wait()? {
            Some(status) => format!("quired ended with {status}"),
            None if Instant::now() > patience => "quired did not start in time".to_owned(),
            None => {
                std::thread::sleep(Duration::from_millis(5));
                continue;
            }
        };
        return Err(Failure::new(format!("{what}; its log:\n{log}")));
    }
}

/// The port in the line that announces it.
fn announced_port(line: &str) -> Option<u16> {
    if !line.contains(WAITING) {
        return None;
    }
    let line: serde_json::Value = serde_json::from_str(line).ok()?;
    line.get("attr")?.get("port")?.as_u64()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_the_line_that_announces_it_and_from_no_other() {
        let line = r#"{"t":{},"s":"I","id":23016,"ctx":"listener","attr":{"port":4711}}"#;
        assert_eq!(announced_port(line), Some(4711));
        assert_eq!(announced_port(&line.replace("23016", "23015")), None);
        assert_eq!(announced_port(r#"{"id":23016,"attr":{"po"#), None);
    }
}
