//! `drop`: a collection or view that goes, with its indexes.

use crate::computed::oplog;
use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_documents::{Effect, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    api: Api::V1,
    ..Command::new(
        "drop",
        "drops a collection or view with its indexes",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// What went; views have no indexes.
struct Dropped {
    indexes: Option<usize>,
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    context.arguments()?.finish()?;
    check_droppable(context, &namespace)?;
    let dropped = context
        .server
        .sequencer
        .change_catalog_within(context.concerns.patience(), |catalog| {
            let Some(collection) = catalog.find(&namespace) else { return Ok((Vec::new(), None)) };
            let indexes = (!collection.is_view()).then_some(collection.indexes.len());
            let effect = Effect::DropCollection { id: collection.id };
            Ok((vec![effect], Some(Dropped { indexes })))
        })
        .await?;
    let Some(dropped) = dropped else {
        return match context.server.facts.persona.has(Behaviour::DropOfMissing) {
            true => Ok(Reply::ok()),
            false => Err(CommandError::new(Code::NamespaceNotFound, "ns not found")),
        };
    };
    Ok(Reply::with(|reply| {
        if let Some(indexes) = dropped.indexes {
            reply.append_i32("nIndexesWas", i32::try_from(indexes).unwrap_or(i32::MAX));
        }
        reply.append_str("ns", &namespace.to_string());
    }))
}

/// The server's own collections stay, but for those a client may clean up.
fn check_droppable(context: &Context<'_>, namespace: &Namespace) -> Result<()> {
    let name = namespace.collection();
    let is_oplog = (namespace.database(), name) == (oplog::DATABASE, oplog::NAME);
    if is_oplog && context.server.replica_set.is_some() {
        return Err(CommandError::new(
            Code::IllegalOperation,
            "can't drop live oplog while replicating",
        ));
    }
    let allowed = ["system.profile", "system.js", "system.views", "system.sessions"];
    if !namespace.is_system() || allowed.contains(&name) || name.starts_with("system.buckets.") {
        return Ok(());
    }
    Err(CommandError::new(
        Code::IllegalOperation,
        format!("can't drop system collection {namespace}"),
    ))
}
