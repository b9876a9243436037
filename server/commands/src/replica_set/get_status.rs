//! `replSetGetStatus`: how the set is, as this member sees it.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command =
    command("replSetGetStatus", "tells how the replica set is", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    let mut args = context.arguments()?;
    // The first copy of the data is told of while it arrives, and not kept in detail afterwards.
    args.ignore("initialSync");
    args.finish()?;
    set.status().map(|status| Reply::of(&status))
}
