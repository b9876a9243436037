//! The commands with which a connection begins.

mod hello;
mod ping;
#[cfg(test)]
mod tests;

pub(crate) use hello::append_set;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[&hello::COMMAND, &hello::LEGACY, &ping::COMMAND];
