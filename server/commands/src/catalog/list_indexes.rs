//! `listIndexes`: the indexes of a collection, those that are being built included.

use super::{shown, target};
use crate::first_batch;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_errors::Result;
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    on_collection: true,
    place: Where::SecondaryIfAllowed,
    api: Api::V1,
    ..Command::new("listIndexes", "lists the indexes of a collection", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let mut arguments = context.arguments()?;
    let batch_size = first_batch::batch_size(&mut arguments, "listIndexes.cursor")?;
    arguments.finish()?;
    let catalog = context.server.documents.catalog();
    let persona = context.server.facts.persona;
    let collection =
        target::existing(&catalog, &namespace, || format!("ns does not exist: {namespace}"))?;
    let documents =
        collection.indexes.iter().map(|index| shown::index(persona, collection, index)).collect();
    first_batch::answer(context, namespace.to_string(), documents, batch_size)
}
