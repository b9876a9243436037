//! `killOp`: tells a running operation to stop.

use crate::arguments::integer;
use crate::operations::Stop;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..Command::new("killOp", "tells a running operation to stop", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let Some(value) = context.body().get("op") else {
        return Err(CommandError::new(Code::NoSuchKey, "Missing expected field \"op\""));
    };
    let Some(id) = value.is_number().then(|| integer(value)).flatten() else {
        return Err(CommandError::type_mismatch(format!(
            "Expected field \"op\" to have numeric type, but found {}",
            value.type_name()
        )));
    };
    let Ok(id) = i32::try_from(id) else {
        return Err(CommandError::location(26823, format!("invalid op : {id}")));
    };
    // An operation that is over cannot be told any more, and nobody is told about that.
    if let Some(operation) = context.server.operations.find(id) {
        tracing::info!(target: "COMMAND", id = 20482, op = id, "going to kill op");
        operation.stop(Stop::Killed);
    }
    Ok(Reply::with(|b| {
        b.append_str("info", "attempting to kill op");
    }))
}
