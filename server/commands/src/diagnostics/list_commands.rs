//! `listCommands`: what one can ask for.

use crate::registry::{self, Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Version;
use quire_bson::{DocBuilder, RawValue};
use quire_errors::Result;

pub const COMMAND: Command =
    Command::new("listCommands", "gives all commands with a line about each", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    Ok(Reply::with(|b| {
        b.append_with("commands", |b| {
            let tests = context.server.parameters.test_commands_enabled();
            let all = registry::all().into_iter();
            let persona = context.server.facts.persona;
            let is_here =
                |command: &&Command| command.is_known_to(persona) && (tests || !command.for_tests);
            for command in all.filter(is_here) {
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
    append_versions(b, "apiVersions", command.api.versions);
    append_versions(b, "deprecatedApiVersions", command.api.deprecated_in);
}

fn append_versions(b: &mut DocBuilder, name: &str, versions: &[Version]) {
    b.append_array(name, |list| {
        for version in versions {
            list.push(RawValue::String(version.name()));
        }
    });
}
