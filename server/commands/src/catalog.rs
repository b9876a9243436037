//! The commands that create, change and show databases, collections and indexes.
//!
//! Every change is planned inside [`quire_execution::Sequencer::change_catalog`], where the newest
//! catalogue is seen and nobody else changes it meanwhile.

mod coll_mod;
mod coll_stats;
mod commit_quorum;
mod create;
mod create_indexes;
mod data_size;
mod db_stats;
mod drop;
mod drop_database;
mod drop_indexes;
mod index_spec;
mod list_collections;
mod list_databases;
mod list_indexes;
mod rename_collection;
mod shown;
mod sizes;
mod target;
mod upkeep;
mod validate;
mod view_definition;

pub use coll_stats::stage as coll_stats_stage;
pub(crate) use upkeep::Unasked;

use crate::registry::Command;

pub const COMMANDS: &[&Command] = &[
    &coll_mod::COMMAND,
    &coll_stats::COMMAND,
    &create::COMMAND,
    &create_indexes::COMMAND,
    &data_size::COMMAND,
    &db_stats::COMMAND,
    &drop::COMMAND,
    &drop_database::COMMAND,
    &drop_indexes::COMMAND,
    &list_collections::COMMAND,
    &list_databases::COMMAND,
    &list_indexes::COMMAND,
    &rename_collection::COMMAND,
    &validate::COMMAND,
];

#[cfg(test)]
mod tests;
