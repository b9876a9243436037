//! `listCollections`: the collections and views of a database.

use super::shown;
use crate::computed::oplog;
use crate::first_batch;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::DocBuf;
use quire_errors::Result;
use quire_query::filter::Filter;
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    place: Where::SecondaryIfAllowed,
    api: Api::V1,
    ..Command::new(
        "listCollections",
        "lists the collections and views of a database",
        Run::Now(run),
    )
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut arguments = context.arguments()?;
    let filter = arguments.optional_doc("filter")?;
    let name_only = arguments.flag("nameOnly")?;
    // Everybody may see everything while there are no users.
    arguments.flag("authorizedCollections")?;
    let batch_size = first_batch::batch_size(&mut arguments, "listCollections.cursor")?;
    arguments.finish()?;
    let filter = match filter {
        Some(filter) => {
            Filter::parse(filter, &context.constants(None, quire_query::ValueOrder::BYTES)?)?
        }
        None => Filter::everything(),
    };
    let catalog = context.server.documents.catalog();
    let persona = context.server.facts.persona;
    let mut documents: Vec<DocBuf> = Vec::new();
    for collection in catalog.collections_of(context.database()) {
        // A filter may ask for what `nameOnly` does not show.
        if filter.matches(shown::collection(persona, collection, false).as_raw())? {
            documents.push(shown::collection(persona, collection, name_only));
        }
    }
    if context.database() == oplog::DATABASE
        && let Some(figures) = oplog::figures(context.server)
        && filter.matches(figures.listed(false).as_raw())?
    {
        documents.push(figures.listed(name_only));
    }
    let namespace = format!("{}.$cmd.listCollections", context.database());
    first_batch::answer(context, namespace, documents, batch_size)
}
