//! `_isSelf`: by which a process finds out that an address is its own.

use super::command;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::Result;

pub const COMMAND: Command =
    Command { scope: Scope::Admin, ..command("_isSelf", "names this process", Run::Now(run)) };

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let process = context.server.facts.process;
    Ok(Reply::with(|b| {
        b.append("id", RawValue::ObjectId(process));
    }))
}
