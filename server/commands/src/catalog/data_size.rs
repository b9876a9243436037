//! `dataSize`: the bytes of a collection's documents.

use super::target;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_documents::Namespace;
use quire_errors::{Code, CommandError, Result};
use quire_execution::local_failure;
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    aliases: &["datasize"],
    place: Where::DataBearing,
    ..Command::new("dataSize", "shows the bytes of a collection's documents", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let RawValue::String(name) = context.target() else {
        return Err(CommandError::type_mismatch(format!(
            "BSON field 'dataSize.dataSize' is the wrong type '{}', expected type 'string'",
            context.target().type_name()
        )));
    };
    let namespace = Namespace::parse(name)
        .map_err(|error| CommandError::new(Code::InvalidNamespace, error.to_string()))?;
    let mut arguments = context.arguments()?;
    let bounds = ["keyPattern", "min", "max"].map(|name| arguments.take(name).is_some());
    let estimate = arguments.flag("estimate")?;
    arguments.finish()?;
    if bounds.contains(&true) {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "dataSize over a range of keys is not supported yet",
        ));
    }
    let view = context.server.documents.view();
    let counts = match view.catalog().find(&namespace) {
        None => quire_documents::Counts::default(),
        Some(collection) => {
            target::refuse_view(collection)?;
            view.counts(collection.id).map_err(local_failure)?
        }
    };
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let took = context.operation.started.elapsed().as_millis();
    Ok(Reply::with(|reply| {
        reply.append_bool("estimate", estimate);
        reply.append_i64("size", whole(counts.bytes));
        reply.append_i64("numObjects", whole(counts.documents));
        reply.append_i64("millis", i64::try_from(took).unwrap_or(i64::MAX));
    }))
}
