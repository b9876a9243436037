//! Commands: what a client can ask for, one file each.
//!
//! Owns the registry of commands with their properties, what surrounds every command, cursors,
//! sessions, running operations and parameters. It is the only place where results of storage and
//! consensus become codes of the wire. Names no runtime and no socket.

mod access_control;
mod administration;
mod arguments;
mod aside;
mod brief;
mod catalog;
mod client;
mod computed;
mod concerns;
mod counters;
mod crud;
mod cursors;
mod diagnostics;
mod dispatch;
mod facts;
mod first_batch;
mod gate;
mod generic;
mod handshake;
mod host;
mod ingress;
mod injected;
mod json;
mod labels;
mod legacy;
mod operations;
mod parameters;
mod persona;
mod planned;
mod profiling;
mod recording;
mod registry;
mod replica_set;
mod reply;
mod retrying;
mod running;
mod scripts;
mod server;
mod session_commands;
mod sessions;
mod slow;
mod stable_api;
mod test_commands;
#[cfg(test)]
mod testing;
mod top;
mod topology;
mod trailer;
mod views;

pub use arguments::Arguments;
pub use client::Client;
pub use counters::{Counters, LATENCY_BOUNDS_MICROS, Latency};
pub use cursors::Cursors;
pub use dispatch::{Answer, Response, run};
pub use facts::Facts;
pub use host::{
    CompressionCounts, ConnectionCounts, DiskSpace, Host, MemoryUse, NetworkCounts, ProcessUse,
    Recoded, ShutdownRequest,
};
pub use ingress::{Entry, Ingress, Ranges, Turn};
pub use operations::{Operations, Stop};
pub use parameters::Parameters;
pub use persona::{Behaviour, Persona};
pub use profiling::{Level as ProfileLevel, Profiling};
pub use reply::error_reply;
pub use retrying::Checkouts;
pub use scripts::may_run_scripts;
pub use server::Server;
pub use sessions::Sessions;
pub use topology::Topology;
