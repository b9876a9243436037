//! A process whose clock stands still and that nobody asks anything.
//!
//! Owns what `commands` wants of its surroundings, as constants: the same instructions every time.

use quire_bson::{DocBuf, Document};
use quire_commands::{
    CompressionCounts, ConnectionCounts, DiskSpace, Host, MemoryUse, NetworkCounts, ProcessUse,
    ShutdownRequest,
};
use quire_consensus::Retention;
use quire_execution::Clock;
use quire_execution::wait::Waiting;
use std::time::{Duration, SystemTime};

/// 2026-01-01T00:00:00Z.
const NOW_MILLIS: i64 = 1_767_225_600_000;

pub(crate) struct StillHost;

impl Clock for StillHost {
    fn now_millis(&self) -> i64 {
        NOW_MILLIS
    }
}

impl Host for StillHost {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(NOW_MILLIS.unsigned_abs())
    }

    /// Nothing that is counted waits for time to pass.
    fn sleep(&self, _: Duration) -> Waiting<'static, ()> {
        Box::pin(std::future::pending())
    }

    fn random(&self) -> u64 {
        0x9E37_79B9_7F4A_7C15
    }

    fn log_lines(&self, _: &str) -> Option<(Vec<String>, u64)> {
        None
    }

    fn clear_log(&self) {}

    fn rotate_log(&self) -> Result<(), String> {
        Ok(())
    }

    fn set_log_verbosity(&self, _: u8) {}

    fn set_component_verbosity(&self, _: &str, _: Option<u8>) {}

    fn ask(&self, host: String, _: DocBuf) -> Waiting<'static, Result<DocBuf, String>> {
        Box::pin(async move { Err(format!("nobody answers at {host}")) })
    }

    fn shut_down(&self, _: ShutdownRequest) {}

    fn connections(&self) -> ConnectionCounts {
        ConnectionCounts::default()
    }

    fn close_connections(&self) {}

    fn network(&self) -> NetworkCounts {
        NetworkCounts::default()
    }

    fn compression(&self, _: &str) -> CompressionCounts {
        CompressionCounts::default()
    }

    fn process_use(&self) -> ProcessUse {
        ProcessUse::default()
    }

    fn memory(&self) -> MemoryUse {
        MemoryUse::default()
    }

    fn disk(&self) -> Option<DiskSpace> {
        None
    }

    fn beside(&self, work: Box<dyn FnOnce() + Send>) -> Waiting<'static, ()> {
        work();
        Box::pin(std::future::ready(()))
    }

    fn keep_retention(&self, _: Retention) -> Result<(), String> {
        Ok(())
    }

    fn host_info(&self) -> Document {
        Document::new()
    }
}
