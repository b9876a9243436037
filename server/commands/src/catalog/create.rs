//! `create`: a new collection or view.

mod options;

use super::{shown, view_definition};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::{Api, check_pipeline};
use options::CreateOptions;
use quire_bson::{RawDoc, RawValue, shell_text};
use quire_documents::{Collection, Namespace};
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Creation, NewCollection, create_collection_within};
use quire_replset::read_preference::Where;

pub use options::{ACTIONS, LEVELS, append_whole, capped_size, check_validator, enumeration};

pub const COMMAND: Command = Command {
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    api: Api::V1.without(UNSTABLE).looking_within(stable_stages),
    ..Command::new(
        "create",
        "creates a collection or view",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// What a strict client of the Stable API may not use.
const UNSTABLE: &[&str] =
    &["autoIndexId", "capped", "indexOptionDefaults", "max", "size", "storageEngine"];

/// Looks through a view's stages for those that a strict client may not use.
fn stable_stages(body: RawDoc<'_>) -> Result<()> {
    let stages = body.get("pipeline").and_then(RawValue::as_array);
    stages.map_or(Ok(()), check_pipeline)
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    let options = CreateOptions::read(&namespace, context.arguments()?, &constants)?;
    if let Some(view) = &options.view {
        let catalog = context.server.documents.catalog();
        view_definition::check(&catalog, &namespace, view, &options.order, &constants)?;
    }
    let new = NewCollection { namespace, layout: options.layout(), options: options.shown };
    let server = context.server;
    let patience = context.concerns.patience();
    let creation = create_collection_within(patience, &server.sequencer, server.as_ref(), &new);
    match creation.await? {
        Creation::Created => {}
        Creation::Exists(there) => check_same(&there, &new)?,
    }
    Ok(Reply::ok())
}

/// Creating what is there already succeeds if it would come out the same.
fn check_same(there: &Collection, wanted: &NewCollection) -> Result<()> {
    let namespace = &wanted.namespace;
    let (own, other) = (there.options.as_raw(), wanted.options.as_raw());
    if there.layout == wanted.layout && same_options(own, other) {
        return Ok(());
    }
    let message = match there.option("viewOn").and_then(RawValue::as_str) {
        None => format!(
            "namespace {namespace} already exists, but with different options: {}",
            shell_text(shown::options_with_uuid(there).as_raw())
        ),
        Some(view_on) => format!(
            "namespace {namespace} already exists, but is a view on {}.{view_on} rather than {}",
            namespace.database(),
            rather_than(namespace, other)
        ),
    };
    Err(CommandError::new(Code::NamespaceExists, message))
}

fn rather_than(namespace: &Namespace, wanted: RawDoc<'_>) -> String {
    match wanted.get("viewOn").and_then(RawValue::as_str) {
        Some(view_on) => format!("{}.{view_on} with another pipeline", namespace.database()),
        None => "a collection".to_owned(),
    }
}

/// The order in which options are given does not matter.
fn same_options(a: RawDoc<'_>, b: RawDoc<'_>) -> bool {
    a.count() == b.count()
        && a.iter().all(|element| {
            b.get(element.key()).is_some_and(|other| {
                quire_bson::compare(element.value(), other) == std::cmp::Ordering::Equal
            })
        })
}
