//! `distinct`: the different values of a field.

#[cfg(test)]
mod tests;

use super::batch::{append_moment, each};
use super::collation;
use super::reading::{Prepared, hint, prepare_query};
use crate::counters::LatencyClass;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::views::{self, Resolved};
use quire_bson::{ArrayBuilder, DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use quire_query::path::array_position;
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use std::collections::HashSet;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    latency: LatencyClass::Reads,
    on_collection: true,
    place: Where::SecondaryIfAllowed,
    reads_moments: true,
    ..Command::new(
        "distinct",
        "returns the different values of a field",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// The bytes that all values may take together.
const VALUES_BYTES_MAX: usize = 16 << 20;

/// The command as the client wrote it.
pub struct DistinctRequest<'a> {
    key: &'a str,
    filter: RawDoc<'a>,
    hint: Option<RawValue<'a>>,
    /// The order asked for.
    pub collation: Option<ValueOrder>,
}

impl<'a> DistinctRequest<'a> {
    pub fn read(body: RawDoc<'a>) -> Result<DistinctRequest<'a>> {
        let mut arguments = crate::Arguments::read("distinct", body)?;
        let request = DistinctRequest {
            key: arguments.str("key")?,
            filter: arguments.optional_doc("query")?.unwrap_or(RawDoc::EMPTY),
            hint: arguments.take("hint"),
            collation: collation::take(&mut arguments)?,
        };
        if request.key.contains('\0') {
            return Err(CommandError::location(
                31032,
                "Key field cannot contain an embedded null byte",
            ));
        }
        arguments.ignore("queryOptions");
        arguments.flag("mirrored")?;
        arguments.finish()?;
        Ok(request)
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let request = DistinctRequest::read(context.body())?;
    let resolved = views::resolve(context, namespace)?;
    let order = resolved.order(request.collation.clone())?;
    let constants = context.constants(None, order)?;
    let mut prepared = prepare(&resolved, &request, &constants)?;
    *context.operation.figures.plan.lock() = Some(prepared.summary);
    let path: Vec<&str> = request.key.split('.').collect();
    let mut values = Values { order: constants.order.clone(), ..Values::default() };
    let collect = |doc: RawDoc<'_>| walk(RawValue::Document(doc), &path, &mut values);
    each(context, &mut prepared.query, collect).await?;
    let list = values.list.map_or_else(DocBuf::new, ArrayBuilder::finish);
    Ok(Reply::with(|reply| {
        reply.append_raw(b"values", 0x04, list.as_bytes());
        append_moment(reply, context);
    }))
}

/// Plans the search for the documents whose values are collected.
pub fn prepare(
    resolved: &Resolved,
    request: &DistinctRequest<'_>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    let hint = hint(request.hint)?;
    prepare_query(resolved, request.filter, RawDoc::EMPTY, hint.as_ref(), constants)
}

/// The values so far, in the order they were first seen in.
#[derive(Default)]
struct Values {
    order: ValueOrder,
    seen: HashSet<Vec<u8>>,
    /// The key of the value at hand.
    key: Vec<u8>,
    list: Option<ArrayBuilder>,
}

impl Values {
    fn add(&mut self, value: RawValue<'_>) -> Result<()> {
        // Equal values, such as 1 and 1.0, have the same key.
        self.key.clear();
        quire_keys::encode_value(&mut self.key, self.order.key(value).value());
        if self.seen.contains(&self.key) {
            return Ok(());
        }
        self.seen.insert(self.key.clone());
        let list = self.list.get_or_insert_with(ArrayBuilder::detached);
        list.push(value);
        if list.len() > VALUES_BYTES_MAX {
            return Err(CommandError::location(17217, "distinct too big, 16mb cap"));
        }
        Ok(())
    }
}

/// Follows a path through documents and the items of arrays; an array at its end gives its items.
fn walk(value: RawValue<'_>, path: &[&str], values: &mut Values) -> Result<()> {
    match (value, path.split_first()) {
        (RawValue::Array(items), None) => {
            items.iter().try_for_each(|item| values.add(item.value()))
        }
        (value, None) => values.add(value),
        (RawValue::Document(doc), Some((name, rest))) => match doc.get(name) {
            Some(inner) => walk(inner, rest, values),
            None => Ok(()),
        },
        (RawValue::Array(items), Some((name, rest))) => {
            if let Some(item) = array_position(name).and_then(|position| items.nth(position)) {
                return walk(item.value(), rest, values);
            }
            let inside = items.iter().map(|item| item.value());
            let mut documents = inside.filter(|item| item.as_document().is_some());
            documents.try_for_each(|item| walk(item, path, values))
        }
        _ => Ok(()),
    }
}
