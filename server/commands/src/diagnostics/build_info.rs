//! `buildInfo`: which version this is.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command = Command {
    aliases: &["buildinfo"],
    ..Command::new("buildInfo", "tells the version and how it was built", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    Ok(Reply::of(&context.server.facts.build_info(context.server.script_engine.is_some())))
}
