//! `replSetResizeOplog`: how much of the past is kept.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command =
    command("replSetResizeOplog", "changes how much of the oplog is kept", Run::Now(run));

/// The log keeps a number of entries, fixed when the process starts.
fn run(context: &Context<'_>) -> Result<Reply> {
    set(context)?;
    Err(CommandError::new(
        Code::CommandNotSupported,
        "replSetResizeOplog is not supported: how many entries of the log are kept is fixed when \
         the server starts",
    ))
}
