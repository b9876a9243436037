//! The commands that create, change and show databases, collections and indexes.
//!
//! Every change is planned inside [`quire_execution::Sequencer::change_catalog`], where the newest
//! catalogue is seen and nobody else changes it meanwhile.

mod create;
mod create_indexes;
mod drop;
mod drop_database;
mod drop_indexes;
mod first_batch;
mod index_spec;
mod list_collections;
mod list_databases;
mod list_indexes;
mod shown;
mod target;
mod view_definition;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &create::COMMAND,
    &create_indexes::COMMAND,
    &drop::COMMAND,
    &drop_database::COMMAND,
    &drop_indexes::COMMAND,
    &list_collections::COMMAND,
    &list_databases::COMMAND,
    &list_indexes::COMMAND,
];

#[cfg(test)]
mod tests;
