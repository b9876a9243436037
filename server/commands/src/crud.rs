//! The commands that read and write documents.

mod collation;
mod delete;
mod find_and_modify;
mod insert;
mod statements;
#[cfg(test)]
mod tests;
mod update;
mod write_reply;

pub use collation::check as check_collation;

use crate::registry::Command;

pub const COMMANDS: &[&Command] =
    &[&delete::COMMAND, &find_and_modify::COMMAND, &insert::COMMAND, &update::COMMAND];
