//! `driverOIDTest`: an ObjectId as it came, and in words.

use super::command;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::{CommandError, Result};

pub const COMMAND: Command =
    command("driverOIDTest", "gives an ObjectId back, and its text", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let RawValue::ObjectId(id) = context.target() else {
        return Err(CommandError::bad_value("not oid"));
    };
    Ok(Reply::with(|b| {
        b.append("oid", RawValue::ObjectId(id));
        b.append_str("str", &id.to_hex());
    }))
}
