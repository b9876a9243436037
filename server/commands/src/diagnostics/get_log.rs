//! `getLog`: the last lines of the log.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("getLog", "gives the last lines of the log", Run::Now(run))
};

/// The logs there are.
const NAMES: &[&str] = &["global", "startupWarnings"];

fn run(context: &Context<'_>) -> Result<Reply> {
    let args = context.arguments()?;
    let RawValue::String(name) = context.target() else {
        return Err(args.wrong_type("getLog", context.target(), "string"));
    };
    args.finish()?;
    if name == "*" {
        return Ok(Reply::with(|b| {
            b.append_array("names", |names| {
                for name in NAMES {
                    names.push(RawValue::String(name));
                }
            });
        }));
    }
    let Some((lines, total)) = context.server.host.log_lines(name) else {
        return Err(CommandError::new(Code::OperationFailed, format!("No log named '{name}'")));
    };
    Ok(Reply::with(|b| {
        b.append_i32("totalLinesWritten", i32::try_from(total).unwrap_or(i32::MAX));
        b.append_array("log", |log| {
            for line in &lines {
                log.push(RawValue::String(line));
            }
        });
    }))
}
