//! `replSetMaintenance`: a member is taken out of service, or put back.

use super::{command, set};
use crate::arguments::number;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command =
    command("replSetMaintenance", "takes a member out of service", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    context.arguments()?.finish()?;
    let target = context.target();
    let is_on = target.as_bool().or_else(|| number(target).map(|n| n != 0.0)).unwrap_or(false);
    set.set_maintenance(is_on)?;
    Ok(Reply::ok())
}
