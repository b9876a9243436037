//! Commands that a standalone server knows and refuses.
//!
//! Owns their names and the answers clients tell them from unknown commands by: what belongs to
//! replica sets, and what needs a search service.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};

/// A command about the replica set this server is not in.
const fn replica_set(name: &'static str, help: &'static str) -> Command {
    Command { scope: Scope::Admin, ..Command::new(name, help, Run::Now(not_replicated)) }
}

pub const REPLICA_SET_ABORT_CATCH_UP: Command =
    replica_set("replSetAbortPrimaryCatchUp", "ends a new primary's catching up");
pub const REPLICA_SET_CONFIG: Command =
    replica_set("replSetGetConfig", "gives the replica set's configuration");
pub const REPLICA_SET_FREEZE: Command =
    replica_set("replSetFreeze", "keeps a member from standing for election");
pub const REPLICA_SET_MAINTENANCE: Command =
    replica_set("replSetMaintenance", "takes a member out of service");
pub const REPLICA_SET_RECONFIG: Command =
    replica_set("replSetReconfig", "changes the replica set's configuration");
pub const REPLICA_SET_RESIZE_OPLOG: Command =
    replica_set("replSetResizeOplog", "changes how much of the oplog is kept");
pub const REPLICA_SET_STATUS: Command =
    replica_set("replSetGetStatus", "tells how the replica set is");
pub const REPLICA_SET_STEP_DOWN: Command =
    replica_set("replSetStepDown", "makes another member primary");
pub const REPLICA_SET_STEP_UP: Command =
    replica_set("replSetStepUp", "makes this member stand for election");
pub const REPLICA_SET_SYNC_FROM: Command =
    replica_set("replSetSyncFrom", "tells a member whom to copy from");

pub const REPLICA_SET_INITIATE: Command = Command {
    scope: Scope::Admin,
    ..Command::new("replSetInitiate", "makes a replica set", Run::Now(not_started_replicated))
};

pub const NOTE_IN_OPLOG: Command = Command {
    scope: Scope::Admin,
    takes_write_concern: true,
    ..Command::new("appendOplogNote", "writes a note to the oplog", Run::Now(no_oplog))
};

pub const GET_DEFAULT_CONCERNS: Command = Command {
    scope: Scope::Admin,
    ..Command::new("getDefaultRWConcern", "gives the default concerns", Run::Now(not_on_standalone))
};

pub const SET_DEFAULT_CONCERNS: Command = Command {
    scope: Scope::Admin,
    takes_write_concern: true,
    ..Command::new("setDefaultRWConcern", "sets the default concerns", Run::Now(not_on_standalone))
};

const fn search(name: &'static str, help: &'static str) -> Command {
    Command { on_collection: true, ..Command::new(name, help, Run::Now(no_search)) }
}

pub const CREATE_SEARCH_INDEXES: Command = search("createSearchIndexes", "creates search indexes");
pub const DROP_SEARCH_INDEX: Command = search("dropSearchIndex", "drops a search index");
pub const LIST_SEARCH_INDEXES: Command = search("listSearchIndexes", "lists search indexes");
pub const UPDATE_SEARCH_INDEX: Command = search("updateSearchIndex", "changes a search index");

fn not_replicated(_: &Context<'_>) -> Result<Reply> {
    Err(CommandError::new(Code::NoReplicationEnabled, "not running with --replSet"))
}

fn not_started_replicated(_: &Context<'_>) -> Result<Reply> {
    Err(CommandError::new(
        Code::NoReplicationEnabled,
        "This node was not started with replication enabled.",
    ))
}

fn no_oplog(_: &Context<'_>) -> Result<Reply> {
    Err(CommandError::new(
        Code::NoReplicationEnabled,
        "Must have replication set up to run \"appendOplogNote\"",
    ))
}

fn not_on_standalone(context: &Context<'_>) -> Result<Reply> {
    let name = context.operation.command;
    Err(CommandError::location(51300, format!("'{name}' is not supported on standalone nodes.")))
}

/// Drivers' tests look for the word Atlas.
fn no_search(_: &Context<'_>) -> Result<Reply> {
    Err(CommandError::new(
        Code::from_number(31082),
        "Search indexes need a search service such as Atlas Search, which this server has not",
    ))
}
