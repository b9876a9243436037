//! The commands that tell about the server.

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[];
