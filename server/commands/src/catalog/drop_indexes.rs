//! `dropIndexes`: indexes by name, by key pattern, or all but that on `_id`.

use super::{index_spec, target};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_bson::{RawDoc, RawValue, shell_text};
use quire_documents::{Collection, Effect, Index};
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    aliases: &["deleteIndexes"],
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    api: Api::V1,
    ..Command::new(
        "dropIndexes",
        "drops indexes of a collection",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let mut arguments = context.arguments()?;
    let wanted = arguments.take("index").ok_or_else(|| arguments.missing("index"))?;
    arguments.finish()?;
    let before = context
        .server
        .sequencer
        .change_catalog_within(context.concerns.patience(), |catalog| {
            let missing = || format!("ns not found {namespace}");
            let collection = target::existing(catalog, &namespace, missing)?;
            let drop = |index: Arc<Index>| Effect::DropIndex {
                collection: collection.id,
                index: index.id,
            };
            let effects = picked(collection, wanted)?.into_iter().map(drop).collect();
            Ok((effects, collection.indexes.len()))
        })
        .await?;
    Ok(Reply::with(|reply| {
        reply.append_i32("nIndexesWas", i32::try_from(before).unwrap_or(i32::MAX));
        if wanted.as_str() == Some("*") {
            reply.append_str("msg", "non-_id indexes dropped for collection");
        }
    }))
}

/// The indexes a request names.
fn picked(collection: &Collection, wanted: RawValue<'_>) -> Result<Vec<Arc<Index>>> {
    match wanted {
        RawValue::String("*") => {
            Ok(collection.indexes.iter().filter(|index| !index.is_on_id()).cloned().collect())
        }
        RawValue::String(name) => Ok(vec![by_name(collection, name)?]),
        RawValue::Document(key) => Ok(vec![by_key(collection, key)?]),
        RawValue::Array(names) => {
            let mut picked: Vec<Arc<Index>> = Vec::new();
            for name in names {
                let RawValue::String(name) = name.value() else { return Err(wrong_type(wanted)) };
                let index = by_name(collection, name)?;
                if !picked.iter().any(|other| other.id == index.id) {
                    picked.push(index);
                }
            }
            Ok(picked)
        }
        other => Err(wrong_type(other)),
    }
}

fn wrong_type(value: RawValue<'_>) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field 'dropIndexes.index' is the wrong type '{}', expected types '[string, object, \
         array]'",
        value.type_name()
    ))
}

fn by_name(collection: &Collection, name: &str) -> Result<Arc<Index>> {
    let index = collection.index_by_name(name).ok_or_else(|| {
        CommandError::new(Code::IndexNotFound, format!("index not found with name [{name}]"))
    })?;
    droppable(index)
}

fn by_key(collection: &Collection, key: RawDoc<'_>) -> Result<Arc<Index>> {
    let like: Vec<_> = collection
        .indexes
        .iter()
        .filter(|index| index_spec::same_pattern(index.spec.key(), key))
        .collect();
    match like.as_slice() {
        [] => Err(CommandError::new(
            Code::IndexNotFound,
            format!("can't find index with key: {}", shell_text(key)),
        )),
        [index] => droppable(index),
        [first, second, ..] => Err(CommandError::new(
            Code::AmbiguousIndexKeyPattern,
            format!(
                "{} indexes found for key: {}, identify by name instead. Conflicting indexes: {}, {}",
                like.len(),
                shell_text(key),
                shell_text(first.spec.document.as_raw()),
                shell_text(second.spec.document.as_raw())
            ),
        )),
    }
}

fn droppable(index: &Arc<Index>) -> Result<Arc<Index>> {
    if index.is_on_id() {
        return Err(CommandError::new(Code::InvalidOptions, "cannot drop _id index"));
    }
    Ok(index.clone())
}
