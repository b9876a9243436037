//! The commands that create, change and show databases, collections and indexes.

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[];
