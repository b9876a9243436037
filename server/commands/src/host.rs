//! What commands need from the process around them.
//!
//! Owns the one trait through which the clock, timers, log lines and the end of the process reach
//! the handlers, so that nothing here names a runtime or the operating system.

use quire_bson::{DocBuf, Document};
use quire_consensus::Retention;
use quire_execution::wait::Waiting;
use std::time::{Duration, SystemTime};

/// How a `shutdown` command wants the process to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShutdownRequest {
    pub force: bool,
    pub timeout: Duration,
}

/// Connections as serverStatus shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionCounts {
    pub current: u64,
    pub available: u64,
    pub total_created: u64,
    pub rejected: u64,
    pub active: u64,
}

/// Bytes and requests over all sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NetworkCounts {
    /// As if nothing had been compressed.
    pub bytes_in: u64,
    pub bytes_out: u64,
    /// As they went over the sockets.
    pub physical_bytes_in: u64,
    pub physical_bytes_out: u64,
    pub requests: u64,
}

/// Bytes that were given to a codec, and that it made of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recoded {
    pub given: u64,
    pub made: u64,
}

/// What one compressor did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CompressionCounts {
    pub compressed: Recoded,
    pub decompressed: Recoded,
}

/// What this process has used since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessUse {
    pub user_micros: u64,
    pub system_micros: u64,
    pub resident_max_kib: u64,
    pub blocks_read: u64,
    pub blocks_written: u64,
    /// Pages that came without a read, and with one.
    pub page_reclaims: u64,
    pub page_faults: u64,
    pub voluntary_switches: u64,
    pub involuntary_switches: u64,
    pub threads: u64,
}

/// Memory of this process in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryUse {
    pub resident: u64,
    pub virtual_size: u64,
}

/// Free and total bytes of the disk under the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskSpace {
    pub free: u64,
    pub total: u64,
}

/// The process around the commands.
pub trait Host: Send + Sync {
    /// The wall clock.
    fn now(&self) -> SystemTime;

    /// A timer.
    fn sleep(&self, duration: Duration) -> Waiting<'static, ()>;

    /// Random bits for cursor ids and seeds.
    fn random(&self) -> u64;

    /// The last lines of the log, `global` or `startupWarnings`, oldest first, and how many were
    /// ever written; `None` for a name that does not exist.
    fn log_lines(&self, name: &str) -> Option<(Vec<String>, u64)>;

    /// Forgets the lines of the log `global` that it would give.
    fn clear_log(&self);

    /// Renames the log file and starts a new one.
    fn rotate_log(&self) -> Result<(), String>;

    /// Sets the verbosity of the log.
    fn set_log_verbosity(&self, level: u8);

    /// Sets the verbosity of one component, by its path such as `storage.journal`; `None` takes
    /// that of its parent.
    fn set_component_verbosity(&self, path: &str, level: Option<u8>);

    /// Sends a command to another member as a client would, and gives its reply, whatever it says.
    fn ask(&self, host: String, command: DocBuf) -> Waiting<'static, Result<DocBuf, String>>;

    /// Begins to shut the process down and returns at once.
    fn shut_down(&self, request: ShutdownRequest);

    fn connections(&self) -> ConnectionCounts;

    /// Closes the connections of all clients; those of other members stay.
    fn close_connections(&self);

    fn network(&self) -> NetworkCounts;

    /// What the compressor of a name did.
    fn compression(&self, compressor: &str) -> CompressionCounts;

    fn memory(&self) -> MemoryUse;

    fn process_use(&self) -> ProcessUse;

    /// `None` where the data is not on a disk.
    fn disk(&self) -> Option<DiskSpace>;

    /// Does what may wait for a disk where nobody else waits for it.
    fn beside(&self, work: Box<dyn FnOnce() + Send>) -> Waiting<'static, ()>;

    /// Keeps how much of the log stays, for the next start of this process; waits for a disk.
    fn keep_retention(&self, retention: Retention) -> Result<(), String>;

    /// Static facts about the machine for `hostInfo`.
    fn host_info(&self) -> Document;
}
