//! `killCursors`: forgets cursors that nobody will read on.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_protocol::RequestKind;

pub const COMMAND: Command = Command {
    on_collection: true,
    api: Api::V1,
    ..Command::new("killCursors", "forgets cursors", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    // Not every cursor is one of a collection: `$cmd.bulkWrite` is a name too.
    let namespace = match context.request.kind() {
        // OP_KILL_CURSORS says nothing of collections.
        RequestKind::Unanswered => None,
        _ => Some(format!("{}.{}", context.database(), context.target_name()?)),
    };
    let mut arguments = context.arguments()?;
    let ids = read_ids(arguments.array("cursors")?)?;
    arguments.finish()?;
    if ids.is_empty() {
        return Err(CommandError::bad_value("Must specify at least one cursor id in killCursors"));
    }
    let (mut killed, mut unknown) = (Vec::new(), Vec::new());
    for id in ids {
        let gone = context.server.cursors.kill(id, namespace.as_deref());
        if gone { killed.push(id) } else { unknown.push(id) }
    }
    let list = |ids: &[i64], array: &mut ArrayBuilder| {
        for id in ids {
            array.push(RawValue::Int64(*id));
        }
    };
    Ok(Reply::with(|reply| {
        reply.append_array("cursorsKilled", |array| list(&killed, array));
        reply.append_array("cursorsNotFound", |array| list(&unknown, array));
        reply.append_array("cursorsAlive", |_| {});
        reply.append_array("cursorsUnknown", |_| {});
    }))
}

fn read_ids(cursors: RawDoc<'_>) -> Result<Vec<i64>> {
    let id = |(n, value): (usize, RawValue<'_>)| match value {
        RawValue::Int64(id) => Ok(id),
        other => Err(CommandError::type_mismatch(format!(
            "BSON field 'killCursors.cursors.{n}' is the wrong type '{}', expected type 'long'",
            other.type_name()
        ))),
    };
    cursors.iter().map(|element| element.value()).enumerate().map(id).collect()
}
