//! Commands that this server knows and refuses.
//!
//! Owns their names and the answers clients tell them from unknown commands by: what needs a search
//! service.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};

const fn search(name: &'static str, help: &'static str) -> Command {
    Command { on_collection: true, ..Command::new(name, help, Run::Now(no_search)) }
}

pub const CREATE_SEARCH_INDEXES: Command = search("createSearchIndexes", "creates search indexes");
pub const DROP_SEARCH_INDEX: Command = search("dropSearchIndex", "drops a search index");
pub const LIST_SEARCH_INDEXES: Command = search("listSearchIndexes", "lists search indexes");
pub const UPDATE_SEARCH_INDEX: Command = search("updateSearchIndex", "changes a search index");

/// Drivers' tests look for the word Atlas.
fn no_search(_: &Context<'_>) -> Result<Reply> {
    Err(CommandError::new(
        Code::from_number(31082),
        "Search indexes need a search service such as Atlas Search, which this server has not",
    ))
}
