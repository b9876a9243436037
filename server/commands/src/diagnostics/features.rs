//! `features`: what was built in.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command = Command::new("features", "tells what was built in", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut args = context.arguments()?;
    args.ignore("oidReset");
    args.finish()?;
    Ok(Reply::with(|b| {
        b.append_bool("js", context.server.script_engine.is_some());
    }))
}
