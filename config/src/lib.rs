//! What the operator asked for: defaults, then the file, then the environment, then the flags.
//!
//! Owns every spelling of every setting (one table, [`SETTINGS`]), their types and bounds, and what
//! is said about the ones that cannot be honoured. The daemon calls [`load`] once and translates
//! [`Settings`] into each crate's own options; no other crate reads configuration.
//!
//! Never ignores a key it does not know, never accepts a setting that is not in force without a
//! warning for the log, and touches nothing but the configuration file.

mod environment;
pub mod exit;
mod file;
mod flags;
mod ini;
mod launch;
mod layer;
mod refusal;
mod replica_set;
mod setting;
mod settings;
mod support;
mod table;
mod text;

pub use launch::{Launch, Source, load};
pub use refusal::Refusal;
pub use replica_set::{HostPort, ReplicaSetSetting};
pub use setting::{Alias, Gives, Kind, Setting, Spelling, Support};
pub use settings::{
    Compressor, LogDestination, LogRotation, Net, Oplog, Process, ProfileMode, Profiling, Security,
    Settings, Storage, StorageEngine, SystemLog, UnixSockets,
};
pub use support::Warning;
pub use table::{LOG_COMPONENTS, SETTINGS};
pub use text::{help, markdown_table, version};

/// A value as `getCmdLineOpts` shows it.
pub use serde_json::Value as Tree;
