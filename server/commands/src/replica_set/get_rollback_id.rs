//! `replSetGetRBID`: how often this member has undone what it had.

use super::{ROLLBACK_ID, command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command =
    command("replSetGetRBID", "tells how often a member has rolled back", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    set(context)?;
    context.arguments()?.finish()?;
    Ok(Reply::with(|b| {
        b.append_i32("rbid", ROLLBACK_ID);
    }))
}
