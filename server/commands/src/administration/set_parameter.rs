//! `setParameter`: changes server parameters while the server runs.

use crate::generic::is_generic;
use crate::parameters::Levels;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::Bson;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("setParameter", "changes server parameters", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let accepted = accept(context)?;
    let mut first_was = None;
    for (n, (name, value)) in accepted.into_iter().enumerate() {
        let was = set(context, name, value)?;
        if n == 0 {
            first_was = was;
        }
    }
    Ok(Reply::with(|b| {
        if let Some(was) = &first_was {
            b.append_bson("was", was);
        }
    }))
}

/// Checks all values, so that a wrong one changes nothing.
fn accept<'a>(context: &Context<'a>) -> Result<Vec<(&'a str, Bson)>> {
    let mut accepted: Vec<(&str, Bson)> = Vec::new();
    for element in context.body().iter().skip(1) {
        let name = element.key();
        if is_generic(name) {
            continue;
        }
        if accepted.iter().any(|(seen, _)| *seen == name) {
            return Err(CommandError::bad_value(format!(
                "attempted to set parameter [{name}] twice in the same setParameter command"
            )));
        }
        accepted.push((name, context.server.parameters.accept(name, element.value())?));
    }
    if accepted.is_empty() {
        return Err(CommandError::new(
            Code::InvalidOptions,
            "no option found to set, use help:true to see options ",
        ));
    }
    Ok(accepted)
}

fn set(context: &Context<'_>, name: &str, value: Bson) -> Result<Option<Bson>> {
    let server = context.server;
    let text = value.to_string();
    let levels = Levels::of(name, &value);
    let (was, warning) = server.parameters.set(name, value);
    if let Some(levels) = levels {
        levels.apply(server.host.as_ref());
    }
    let old = was.as_ref().map(Bson::to_string);
    tracing::info!(
        target: "COMMAND",
        id = 23435,
        parameterName = name,
        oldValue = old,
        newValue = text,
        "Successfully set parameter to new value"
    );
    if let Some(warning) = warning {
        tracing::warn!(target: "COMMAND", id = 7_100_045, "{warning}");
    }
    Ok(was)
}
