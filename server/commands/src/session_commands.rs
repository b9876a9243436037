//! The commands about logical sessions.

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[];
