//! The process as commands see it.
//!
//! Owns the counters of connections and traffic, and implements [`Host`] over the runtime, the log
//! and the operating system.

use crate::asking;
use crate::connections::Connections;
use crate::logging::{Component, Logging, RecentLog};
use crate::machine;
use crate::oplog_size;
use crate::random;
use crate::shutdown::Shutdown;
use quire_bson::{DocBuf, Document};
use quire_commands::{
    ConnectionCounts, DiskSpace, Host, MemoryUse, NetworkCounts, ShutdownRequest,
};
use quire_consensus::Retention;
use quire_execution::Clock;
use quire_execution::wait::Waiting;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// How long a rotation may wait for a slow disk.
const ROTATION_PATIENCE: Duration = Duration::from_secs(10);

/// Connections and traffic, counted where they happen.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) current: AtomicU64,
    pub(crate) created: AtomicU64,
    pub(crate) rejected: AtomicU64,
    pub(crate) active: AtomicU64,
    /// Connections beyond a limit that may prove to be a member's.
    pub(crate) undecided: AtomicU64,
    pub(crate) bytes_in: AtomicU64,
    pub(crate) bytes_out: AtomicU64,
    pub(crate) requests: AtomicU64,
}

impl Traffic {
    /// Counts a request as active for as long as the guard lives, be it cut off.
    pub(crate) fn begin(self: Arc<Self>) -> Active {
        self.active.fetch_add(1, Ordering::Relaxed);
        Active(self)
    }
}

/// A request at work.
pub(crate) struct Active(Arc<Traffic>);

impl Drop for Active {
    fn drop(&mut self) {
        self.0.active.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The wall clock.
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now_millis(&self) -> i64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// This process.
pub(crate) struct ProcessHost {
    pub(crate) logging: Arc<Logging>,
    pub(crate) shutdown: Arc<Shutdown>,
    pub(crate) traffic: Arc<Traffic>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) connections_max: u64,
    /// `None` when nothing is kept on disk.
    pub(crate) data: Option<PathBuf>,
}

impl Host for ProcessHost {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Waiting<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn random(&self) -> u64 {
        random::bits()
    }

    fn log_lines(&self, name: &str) -> Option<(Vec<String>, u64)> {
        let log = match name {
            "global" => RecentLog::Global,
            "startupWarnings" => RecentLog::StartupWarnings,
            _ => return None,
        };
        let recent = self.logging.recent(log);
        Some((recent.lines.iter().map(|line| line.to_string()).collect(), recent.total))
    }

    fn clear_log(&self) {
        self.logging.forget_recent(RecentLog::Global);
    }

    fn rotate_log(&self) -> Result<(), String> {
        self.logging.rotate(ROTATION_PATIENCE).map_err(|error| error.to_string())
    }

    fn set_log_verbosity(&self, level: u8) {
        self.logging.set_default_verbosity(level);
    }

    fn set_component_verbosity(&self, path: &str, level: Option<u8>) {
        if let Some(component) = Component::of_path(path) {
            self.logging.set_verbosity(component, level);
        }
    }

    fn ask(&self, host: String, command: DocBuf) -> Waiting<'static, Result<DocBuf, String>> {
        Box::pin(asking::ask(host, command))
    }

    fn shut_down(&self, request: ShutdownRequest) {
        self.shutdown.begin(request);
    }

    fn connections(&self) -> ConnectionCounts {
        let current = self.traffic.current.load(Ordering::Relaxed);
        ConnectionCounts {
            current,
            available: self.connections_max.saturating_sub(current),
            total_created: self.traffic.created.load(Ordering::Relaxed),
            rejected: self.traffic.rejected.load(Ordering::Relaxed),
            active: self.traffic.active.load(Ordering::Relaxed),
        }
    }

    fn close_connections(&self) {
        self.connections.close_all();
    }

    fn network(&self) -> NetworkCounts {
        NetworkCounts {
            bytes_in: self.traffic.bytes_in.load(Ordering::Relaxed),
            bytes_out: self.traffic.bytes_out.load(Ordering::Relaxed),
            requests: self.traffic.requests.load(Ordering::Relaxed),
        }
    }

    fn memory(&self) -> MemoryUse {
        machine::memory()
    }

    fn disk(&self) -> Option<DiskSpace> {
        machine::disk(self.data.as_deref()?)
    }

    fn keep_retention(&self, retention: Retention) -> Result<(), String> {
        let Some(data) = &self.data else { return Ok(()) };
        oplog_size::keep(data, retention).map_err(|error| error.to_string())
    }

    fn host_info(&self) -> Document {
        machine::host_info()
    }
}
