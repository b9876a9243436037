//! What the tests of whole servers stand on: real processes, raw connections, small disks.
//!
//! Nothing here knows how the server works inside: it starts the binary that ships and speaks to it
//! as any client does. Everything panics with what a reader of a failed test needs to see, the
//! server's own last words included.

mod connection;
mod daemon;
mod failure;
mod http;
mod log;
mod random;
mod replica_set;
mod small_disk;

pub use connection::{Connection, failure, message};
pub use daemon::{Daemon, Finished, Launch, binary};
pub use failure::{Failure, Result};
pub use http::{HttpAnswer, get};
pub use log::Log;
pub use random::Random;
pub use replica_set::{ReplicaSet, SET_NAME, free_port, members_of};
pub use small_disk::SmallDisk;

use std::time::Duration;

/// How long anything may take before it counts as hanging. Never a measure of speed: a machine that
/// is busy with other work must not fail a test.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// A number from the environment, to run the same test longer.
///
/// # Panics
/// When the variable is not a number.
pub fn figure(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => {
            text.parse().unwrap_or_else(|_| panic!("{variable}={text} is not a whole number"))
        }
        Err(_) => default,
    }
}
