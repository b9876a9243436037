//! The commands with which a connection begins.

mod hello;
mod ping;
#[cfg(test)]
mod tests;

pub(crate) use hello::append_set;

use crate::registry::Command;

/// The commands by which clients watch a server, waiting until something changes.
pub const MONITORING: &[&str] = &[hello::COMMAND.name, hello::LEGACY.name];

pub const COMMANDS: &[&Command] = &[&hello::COMMAND, &hello::LEGACY, &ping::COMMAND];
