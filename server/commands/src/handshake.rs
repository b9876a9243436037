//! The commands with which a connection begins.

mod hello;
mod ping;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[&hello::COMMAND, &hello::LEGACY, &ping::COMMAND];
