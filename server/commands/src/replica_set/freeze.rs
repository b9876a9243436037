//! `replSetFreeze`: a member does not stand for election for a while.

use super::{command, set};
use crate::arguments::integer;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command =
    command("replSetFreeze", "keeps a member from standing for election", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    context.arguments()?.finish()?;
    // What is no number asks for nothing to be frozen, and so does less than nothing.
    let seconds = integer(context.target()).unwrap_or(0).max(0);
    let seconds = u32::try_from(seconds).unwrap_or(u32::MAX);
    set.freeze(seconds)?;
    Ok(Reply::with(|b| match seconds {
        0 => {
            b.append_str("info", "unfreezing");
        }
        1 => {
            b.append_str("warning", "you really want to freeze for only 1 second?");
        }
        _ => {}
    }))
}
