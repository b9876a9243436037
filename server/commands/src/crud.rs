//! The commands that read and write documents.

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[];
