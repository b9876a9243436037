//! The commands that steer the server.

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[];
