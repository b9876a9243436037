//! The commands about the replica set itself.
//!
//! Owns what each reads and answers; what they do is the business of `server/replset`. A server that
//! was not started as a member of a set knows them all and refuses them.

mod abort_catch_up;
mod default_concerns;
mod freeze;
mod get_config;
mod get_rollback_id;
mod get_status;
mod initiate;
mod maintenance;
mod oplog_note;
mod reconfig;
mod resize_oplog;
mod step_down;
mod step_up;
mod sync_from;
mod test;
#[cfg(test)]
mod tests;

use crate::registry::{Command, Run, Scope};
use crate::server::Context;
use quire_errors::Result;
use quire_replset::{ReplicaSet, status};

pub const COMMANDS: &[&Command] = &[
    &abort_catch_up::COMMAND,
    &default_concerns::GET,
    &default_concerns::SET,
    &freeze::COMMAND,
    &get_config::COMMAND,
    &get_rollback_id::COMMAND,
    &get_status::COMMAND,
    &initiate::COMMAND,
    &maintenance::COMMAND,
    &oplog_note::COMMAND,
    &reconfig::COMMAND,
    &resize_oplog::COMMAND,
    &step_down::COMMAND,
    &step_up::COMMAND,
    &sync_from::COMMAND,
    &test::COMMAND,
];

/// Nothing committed is ever undone, so the number by which members notice that they have to read
/// again what they read stays the first.
pub const ROLLBACK_ID: i32 = 1;

/// A command of this family.
const fn command(name: &'static str, help: &'static str, run: Run) -> Command {
    Command { scope: Scope::Admin, ..Command::new(name, help, run) }
}

/// The set this server is a member of.
fn set<'a>(context: &Context<'a>) -> Result<&'a ReplicaSet> {
    context.server.replica_set.as_deref().ok_or_else(status::not_replicated)
}
