//! `getCmdLineOpts`: how this process was started.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::Result;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("getCmdLineOpts", "tells with which options it was started", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let facts = &context.server.facts;
    Ok(Reply::with(|b| {
        b.append_array("argv", |argv| {
            for argument in &facts.argv {
                argv.push(RawValue::String(argument));
            }
        });
        b.append_bson("parsed", &facts.parsed.clone().into());
    }))
}
