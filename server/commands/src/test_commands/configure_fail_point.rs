//! `configureFailPoint`: switching a fault on and off.

use super::command;
use crate::json;
use crate::persona::fault_data;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_failpoints::Mode;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..command("configureFailPoint", "switches a fail point on or off", Run::Now(run))
};

/// Fields beside `mode` and `data` are let be, as MongoDB lets them: suites put filters there that
/// belong into `data`, when they switch a point off.
fn run(context: &Context<'_>) -> Result<Reply> {
    let name = name(context)?;
    let body = context.body();
    let point = context.server.failpoints.find(name)?;
    let mode = Mode::parse(body.get("mode"))?;
    let data = data(body)?;
    fault_data::check(context.server.facts.persona, name, data)?;
    let entered = point.configure(mode, data)?;
    tracing::warn!(
        target: "COMMAND",
        id = 23829,
        ctx = context.client.name(),
        failPointName = name,
        json.failPoint = json::text(&point.shown()),
        "Set failpoint"
    );
    let entered = i64::try_from(entered).unwrap_or(i64::MAX);
    Ok(Reply::with(|b| match i32::try_from(entered) {
        Ok(entered) => _ = b.append_i32("count", entered),
        Err(_) => _ = b.append_i64("count", entered),
    }))
}

/// The point that the first field names.
pub(super) fn name<'a>(context: &Context<'a>) -> Result<&'a str> {
    let target = context.target();
    let wrong = || {
        context
            .arguments()
            .map(|fields| fields.wrong_type(context.operation.command, target, "string"))
    };
    match target.as_str() {
        Some(name) => Ok(name),
        None => Err(wrong()?),
    }
}

fn data(body: RawDoc<'_>) -> Result<RawDoc<'_>> {
    match body.get("data") {
        None | Some(RawValue::Null) => Ok(RawDoc::EMPTY),
        Some(RawValue::Document(data)) => Ok(data),
        Some(_) => Err(CommandError::type_mismatch("the 'data' option must be a JSON object")),
    }
}
