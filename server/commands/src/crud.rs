//! The commands that read and write documents.

mod aggregate;
mod batch;
mod bulk_write;
mod collation;
mod count;
mod delete;
mod distinct;
mod explain;
mod find;
mod find_and_modify;
mod get_more;
mod insert;
mod kill_cursors;
mod reading;
mod statements;
#[cfg(test)]
mod tests;
mod update;
mod write_reply;

pub use collation::{of_collection as order_of_collection, read as read_collation};

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &aggregate::COMMAND,
    &bulk_write::COMMAND,
    &count::COMMAND,
    &delete::COMMAND,
    &distinct::COMMAND,
    &explain::COMMAND,
    &find::COMMAND,
    &find_and_modify::COMMAND,
    &get_more::COMMAND,
    &insert::COMMAND,
    &kill_cursors::COMMAND,
    &update::COMMAND,
];
