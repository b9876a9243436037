//! `collStats`, and the documents of the `$collStats` stage.

use super::sizes::{self, Sizes};
use super::target;
use crate::arguments::Arguments;
use crate::computed::oplog;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    aliases: &["collstats"],
    on_collection: true,
    place: Where::DataBearing,
    ..Command::new("collStats", "shows the size of a collection and its indexes", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let mut arguments = context.arguments()?;
    let scale = sizes::scale(&mut arguments)?;
    arguments.flag("verbose")?;
    arguments.flag("waitForLock")?;
    arguments.flag("numericOnly")?;
    arguments.finish()?;
    if let Some(figures) = oplog_of(context, &namespace) {
        return Ok(Reply::with(|reply| {
            reply.append_str("ns", &namespace.to_string());
            sizes::append_oplog(reply, &figures, scale);
        }));
    }
    let view = context.server.documents.view();
    let collection = view.catalog().find(&namespace).cloned();
    let sizes = match &collection {
        Some(collection) => {
            target::refuse_view(collection)?;
            Sizes::of(context.server, &view, collection)?
        }
        None => Sizes::default(),
    };
    Ok(Reply::with(|reply| {
        reply.append_str("ns", &namespace.to_string());
        sizes::append(reply, collection.as_deref(), &sizes, scale);
    }))
}

/// The figures of the oplog, if it is what is asked for and there is one.
fn oplog_of(context: &Context<'_>, namespace: &Namespace) -> Option<oplog::Figures> {
    let named = (namespace.database(), namespace.collection()) == (oplog::DATABASE, oplog::NAME);
    named.then(|| oplog::figures(context.server)).flatten()
}

/// The one document of `$collStats`. `collection` is what the aggregate is sent to.
pub fn stage(
    context: &Context<'_>,
    collection: Option<&Collection>,
    options: RawValue<'_>,
) -> Result<Vec<DocBuf>> {
    let RawValue::Document(options) = options else {
        return Err(CommandError::location(
            5_447_000,
            format!(
                "$collStats must take a nested object but found: $collStats: {}",
                quire_bson::shell_value(options)
            ),
        ));
    };
    let mut arguments = Arguments::nested("$collStats", options)?;
    let storage = arguments.optional_doc("storageStats")?;
    let count = arguments.optional_doc("count")?;
    for uncounted in ["latencyStats", "queryExecStats"] {
        if arguments.take(uncounted).is_some() {
            return Err(CommandError::new(
                Code::CommandNotSupported,
                format!("{uncounted} of $collStats are not supported yet"),
            ));
        }
    }
    arguments.finish()?;
    let server = context.server;
    let mut b = DocBuilder::new();
    let target = context.target().as_str().unwrap_or_default();
    let namespace = format!("{}.{target}", context.database());
    b.append_str("ns", &namespace);
    b.append_str("host", &server.facts.address());
    b.append("localTime", RawValue::DateTime(server.now_millis()));
    let oplog = oplog_of(context, &context.namespace()?);
    if let (Some(storage), Some(figures)) = (storage, &oplog) {
        let scale = scale_of(storage)?;
        b.append_with("storageStats", |b| sizes::append_oplog(b, figures, scale));
    } else if let Some(storage) = storage {
        let scale = scale_of(storage)?;
        let sizes = sizes_of(context, collection, &namespace, "storageStats")?;
        b.append_with("storageStats", |b| sizes::append(b, collection, &sizes, scale));
    }
    if let (Some(_), Some(figures)) = (count, &oplog) {
        sizes::append_count(&mut b, "count", figures.entries);
    } else if count.is_some() {
        let sizes = sizes_of(context, collection, &namespace, "count")?;
        sizes::append_count(&mut b, "count", sizes.documents);
    }
    Ok(vec![b.finish()])
}

fn scale_of(storage: RawDoc<'_>) -> Result<u64> {
    let mut arguments = Arguments::nested("$collStats.storageStats", storage)?;
    let scale = sizes::scale(&mut arguments)?;
    arguments.flag("verbose")?;
    arguments.flag("waitForLock")?;
    arguments.flag("numericOnly")?;
    arguments.finish()?;
    Ok(scale)
}

fn sizes_of(
    context: &Context<'_>,
    collection: Option<&Collection>,
    namespace: &str,
    what: &str,
) -> Result<Sizes> {
    let Some(collection) = collection else {
        return Err(CommandError::new(
            Code::NamespaceNotFound,
            format!("Collection [{namespace}] not found."),
        )
        .context(&format!("Unable to retrieve {what} in $collStats stage")));
    };
    Sizes::of(context.server, &context.server.documents.view(), collection)
}
