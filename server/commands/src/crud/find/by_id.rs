//! Finding one document by its `_id`: the shortest way through the server.
//!
//! Owns the case that is read more than all others together. It makes no view, no plan and no
//! cursor: one look at the body, one lookup, and the row's bytes go into the reply.

use crate::generic::is_generic;
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{RawDoc, RawValue};
use quire_documents::{Layout, id_row_key};
use quire_errors::Result;
use quire_execution::{EXPRESS, Watch, local_failure};
use quire_query::filter::is_operator_document;
use std::sync::atomic::Ordering;

/// The reply, if the command is nothing but `{find: …, filter: {_id: value}}` on a collection.
pub fn answer(context: &Context<'_>) -> Option<Result<Reply>> {
    if context.concerns.moment().is_some() {
        return None;
    }
    let id = wanted_id(context.body())?;
    let RawValue::String(name) = context.target() else { return None };
    let view = context.server.documents.live();
    let collection = view.catalog().find_by_name(context.database(), name)?;
    if collection.layout != Layout::ById {
        return None;
    }
    let mut found = Ok(false);
    let reply = Reply::with(|reply| {
        reply.append_with("cursor", |cursor| {
            cursor.append_array("firstBatch", |batch| {
                found = view.get_row(collection.id, &id_row_key(id), &mut |row| {
                    batch.push_doc(row.doc);
                });
            });
            cursor.append_i64("id", 0).append_str("ns", &context.operation.namespace);
        });
    });
    match found {
        Ok(found) => note(context, found),
        Err(error) => return Some(Err(local_failure(error))),
    }
    Some(context.operation.check().map(|()| reply))
}

/// Counts what was read, as every other read does.
fn note(context: &Context<'_>, found: bool) {
    let (figures, returned) = (&context.operation.figures, u64::from(found));
    context.operation.examined(returned, returned);
    figures.returned.fetch_add(returned, Ordering::Relaxed);
    context.server.counters.docs_returned.fetch_add(returned, Ordering::Relaxed);
    *figures.plan.lock() = Some(EXPRESS.to_owned());
}

/// The `_id` that is asked for; `None` when the command says anything that needs a closer look.
fn wanted_id(body: RawDoc<'_>) -> Option<RawValue<'_>> {
    let mut id = None;
    for element in body.iter().skip(1) {
        match (element.key(), element.value()) {
            ("filter", RawValue::Document(filter)) if id.is_none() => {
                let mut elements = filter.iter();
                let only = elements.next().filter(|only| only.key() == "_id")?;
                if elements.next().is_some() || !is_plain(only.value()) {
                    return None;
                }
                id = Some(only.value());
            }
            ("limit" | "batchSize", RawValue::Int32(1..=i32::MAX) | RawValue::Int64(1..)) => {}
            ("singleBatch", RawValue::Boolean(_)) => {}
            (name, _) if is_generic(name) => {}
            _ => return None,
        }
    }
    id
}

/// True for values that equal exactly one `_id`.
fn is_plain(value: RawValue<'_>) -> bool {
    match value {
        RawValue::Regex { .. } | RawValue::Array(_) | RawValue::Undefined => false,
        RawValue::Document(doc) => !is_operator_document(doc),
        _ => true,
    }
}
