//! `logRotate`: the log file is renamed and a new one begins.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("logRotate", "begins a new log file", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    match context.target() {
        RawValue::String("server") => {}
        RawValue::String(name) => {
            return Err(CommandError::new(Code::NoSuchKey, format!("Unknown log type '{name}'")));
        }
        value if value.is_number() || value.as_bool().is_some() => {}
        wrong => {
            return Err(CommandError::type_mismatch(format!(
                "BSON field 'logRotate' is the wrong type '{}', expected types '[string, int]'",
                wrong.type_name()
            )));
        }
    }
    let rotated = context.server.host.rotate_log();
    rotated.map_err(|why| CommandError::new(Code::FileRenameFailed, why))?;
    Ok(Reply::ok())
}
