//! `count`: how many documents match.

#[cfg(test)]
mod tests;

use super::batch::each;
use super::collation;
use super::reading::{Prepared, hint, prepare_query};
use crate::counters::LatencyClass;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use crate::views::{self, Resolved};
use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_documents::Collection;
use quire_errors::{CommandError, Result};
use quire_execution::local_failure;
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    latency: LatencyClass::Reads,
    on_collection: true,
    place: Where::SecondaryIfAllowed,
    api: Api::V1,
    ..Command::new("count", "counts documents", Run::Later(|context| Box::pin(run(context))))
};

/// The command as the client wrote it.
pub struct CountRequest<'a> {
    pub filter: RawDoc<'a>,
    pub limit: Option<u64>,
    pub skip: u64,
    pub hint: Option<RawValue<'a>>,
    /// The order asked for.
    pub collation: Option<ValueOrder>,
}

impl<'a> CountRequest<'a> {
    pub fn read(body: RawDoc<'a>) -> Result<CountRequest<'a>> {
        let mut arguments = crate::Arguments::read("count", body)?;
        let limit = arguments.optional_i64("limit")?.unwrap_or(0);
        if limit == i64::MIN {
            return Err(CommandError::bad_value("Limit value for count cannot be min long"));
        }
        let request = CountRequest {
            filter: arguments.optional_doc("query")?.unwrap_or(RawDoc::EMPTY),
            // A negative limit once meant a single batch and still counts the same.
            limit: Some(limit.unsigned_abs()).filter(|limit| *limit > 0),
            skip: arguments.optional_count("skip")?.unwrap_or(0),
            hint: arguments.take("hint"),
            collation: collation::take(&mut arguments)?,
        };
        arguments.ignore("fields");
        arguments.ignore("queryOptions");
        arguments.flag("mirrored")?;
        arguments.finish()?;
        Ok(request)
    }

    /// The number that a count of all documents comes down to.
    fn window(&self, all: u64) -> u64 {
        let rest = all.saturating_sub(self.skip);
        self.limit.map_or(rest, |limit| rest.min(limit))
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let request = CountRequest::read(context.body())?;
    let resolved = views::resolve(context, namespace)?;
    let order = resolved.order(request.collation.clone())?;
    let constants = context.constants(None, order)?;
    if !resolved.is_view && request.filter.is_empty() && request.hint.is_none() {
        let all = documents_of(context, resolved.collection.as_deref())?;
        *context.operation.figures.plan.lock() = Some("RECORD_STORE_FAST_COUNT".to_owned());
        return Ok(answer(request.window(all)));
    }
    let mut prepared = prepare(&resolved, &request, &constants)?;
    *context.operation.figures.plan.lock() = Some(prepared.summary);
    let mut count = 0u64;
    each(context, &mut prepared.query, |_| {
        count = count.saturating_add(1);
        Ok(())
    })
    .await?;
    Ok(answer(count))
}

/// Plans a count as the pipeline whose documents are counted.
pub fn prepare(
    resolved: &Resolved,
    request: &CountRequest<'_>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let mut stages = ArrayBuilder::detached();
    if request.skip > 0 {
        stages.push_with(|stage| {
            stage.append_i64("$skip", number(request.skip));
        });
    }
    if let Some(limit) = request.limit {
        stages.push_with(|stage| {
            stage.append_i64("$limit", number(limit));
        });
    }
    let hint = hint(request.hint)?;
    prepare_query(resolved, request.filter, stages.finish().as_raw(), hint.as_ref(), constants)
}

fn answer(count: u64) -> Reply {
    Reply::with(|reply| {
        match i32::try_from(count) {
            Ok(n) => reply.append_i32("n", n),
            Err(_) => reply.append_i64("n", i64::try_from(count).unwrap_or(i64::MAX)),
        };
    })
}

/// The number of all documents, which is kept.
fn documents_of(context: &Context<'_>, collection: Option<&Collection>) -> Result<u64> {
    let Some(collection) = collection else { return Ok(0) };
    let counts = match context.concerns.moment() {
        Some(_) => context.view()?.counts(collection.id),
        None => context.server.documents.live().counts(collection.id),
    };
    let counts = counts.map_err(local_failure)?;
    Ok(counts.documents)
}

/// True when there is no document, or no collection.
pub fn is_empty(context: &Context<'_>, collection: Option<&Collection>) -> Result<bool> {
    Ok(documents_of(context, collection)? == 0)
}
