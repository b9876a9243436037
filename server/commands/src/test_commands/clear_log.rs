//! `clearLog`: forgets the lines that `getLog` shows.

use super::command;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..command("clearLog", "forgets the lines that getLog shows", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let args = context.arguments()?;
    let RawValue::String(name) = context.target() else {
        return Err(args.wrong_type("clearLog", context.target(), "string"));
    };
    args.finish()?;
    if name != "global" {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "Only the 'global' log can be cleared",
        ));
    }
    context.server.host.clear_log();
    Ok(Reply::ok())
}
