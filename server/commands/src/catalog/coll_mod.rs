//! `collMod`: a collection, a view or an index changes its options.

mod collection;
mod index;

use crate::arguments::Arguments;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use collection::CollectionChange;
use index::IndexChange;
use quire_documents::{Collection, Effect, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    api: Api::V1,
    ..Command::new(
        "collMod",
        "changes options of a collection, view or index",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let mut arguments = context.arguments()?;
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    refuse_unsupported(&mut arguments)?;
    let index = arguments.optional_doc("index")?.map(IndexChange::read).transpose()?;
    let dry_run = arguments.flag("dryRun")?;
    let change = CollectionChange::read(&namespace, &mut arguments, &constants)?;
    arguments.finish()?;
    let converts = index.as_ref().is_some_and(IndexChange::converts);
    if dry_run && !(converts && change.is_empty()) {
        return Err(invalid("dryRun is only allowed together with an index's unique: true"));
    }
    if let Some(index) = index.as_ref().filter(|index| index.converts()) {
        let there = find(context, &namespace)?;
        index::check_unique(context, &there, index).await?;
        if dry_run {
            return Ok(Reply::ok());
        }
    }
    context
        .server
        .sequencer
        .change_catalog_within(context.concerns.patience(), |catalog| {
            let there = catalog.find(&namespace).ok_or_else(|| missing(&namespace))?;
            let mut reply = Reply::ok();
            let mut effects: Vec<Effect> = Vec::new();
            effects.extend(change.plan(catalog, there, &constants)?);
            if let Some(index) = &index {
                effects.extend(index.plan(there, reply.builder())?);
            }
            Ok((effects, reply))
        })
        .await
}

fn find(context: &Context<'_>, namespace: &Namespace) -> Result<Arc<Collection>> {
    let catalog = context.server.documents.catalog();
    catalog.find(namespace).cloned().ok_or_else(|| missing(namespace))
}

fn missing(namespace: &Namespace) -> CommandError {
    CommandError::new(Code::NamespaceNotFound, format!("ns does not exist: {namespace}"))
}

fn invalid(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::InvalidOptions, message)
}

fn refuse_unsupported(arguments: &mut Arguments<'_>) -> Result<()> {
    if arguments.optional_doc("timeseries")?.is_some() {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "time series collections are not supported yet",
        ));
    }
    if arguments.take("expireAfterSeconds").is_some() {
        return Err(invalid(
            "'expireAfterSeconds' option is only supported on collections clustered by _id",
        ));
    }
    let images = arguments.optional_doc("changeStreamPreAndPostImages")?;
    let enabled = |images: quire_bson::RawDoc<'_>| {
        images.get("enabled").and_then(quire_bson::RawValue::as_bool) != Some(false)
    };
    if images.is_some_and(enabled) {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "pre- and post-images of change streams are not supported yet",
        ));
    }
    Ok(())
}
