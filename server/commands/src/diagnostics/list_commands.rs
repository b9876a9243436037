//! `listCommands`: what one can ask for.

use crate::registry::{self, Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::DocBuilder;
use quire_errors::Result;

pub const COMMAND: Command =
    Command::new("listCommands", "gives all commands with a line about each", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    Ok(Reply::with(|b| {
        b.append_with("commands", |b| {
            for command in registry::all() {
                b.append_with(command.name, |b| describe(b, command));
            }
        });
    }))
}

fn describe(b: &mut DocBuilder, command: &Command) {
    b.append_str("help", command.help);
    b.append_bool("requiresAuth", false);
    b.append_bool("secondaryOk", true);
    b.append_bool("adminOnly", command.scope == Scope::Admin);
    b.append_array("apiVersions", |_| ());
    b.append_array("deprecatedApiVersions", |_| ());
}
