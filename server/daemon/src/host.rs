//! The process as commands see it.
//!
//! Implements [`Host`] over the runtime, the log, the counters and the operating system.

use crate::asking;
use crate::connections::Connections;
use crate::logging::{Component, Logging, RecentLog};
use crate::machine;
use crate::oplog_size;
use crate::random;
use crate::shutdown::Shutdown;
use crate::traffic::Traffic;
use quire_bson::{DocBuf, Document};
use quire_commands::{
    CompressionCounts, ConnectionCounts, DiskSpace, Host, MemoryUse, NetworkCounts, ProcessUse,
    ShutdownRequest,
};
use quire_consensus::Retention;
use quire_execution::Clock;
use quire_execution::wait::Waiting;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, SystemTime};

/// How long a rotation may wait for a slow disk.
const ROTATION_PATIENCE: Duration = Duration::from_secs(10);

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
        self.traffic.network()
    }

    fn compression(&self, compressor: &str) -> CompressionCounts {
        self.traffic.compression(compressor)
    }

    fn memory(&self) -> MemoryUse {
        machine::memory()
    }

    fn process_use(&self) -> ProcessUse {
        machine::process_use()
    }

    fn disk(&self) -> Option<DiskSpace> {
        machine::disk(self.data.as_deref()?)
    }

    fn beside(&self, work: Box<dyn FnOnce() + Send>) -> Waiting<'static, ()> {
        let working = tokio::task::spawn_blocking(work);
        Box::pin(async move {
            // What it panicked of was told.
            let _ = working.await;
        })
    }

    fn keep_retention(&self, retention: Retention) -> Result<(), String> {
        let Some(data) = &self.data else { return Ok(()) };
        oplog_size::keep(data, retention).map_err(|error| error.to_string())
    }

    fn host_info(&self) -> Document {
        machine::host_info()
    }
}
