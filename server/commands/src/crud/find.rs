//! `find`: the documents that match a filter.

mod by_id;
mod on_log;
mod on_view;
#[cfg(test)]
mod property;
mod request;
#[cfg(test)]
mod tests;

pub use request::FindRequest;

use super::batch::{CursorOptions, open_cursor};
use super::reading::{Prepared, hint};
use crate::counters::{LatencyClass, OperationClass};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use crate::views::{self, Resolved};
use quire_bson::ArrayBuilder;
use quire_documents::Collection;
use quire_errors::{CommandError, Result};
use quire_execution::wait::Waiting;
use quire_execution::{FindOutput, Hint, PlanNode, Wish, choose_as_wished};
use quire_query::Constants;
use quire_query::filter::Filter;
use quire_query::path::FieldPath;
use quire_query::pipeline::Pipeline;
use quire_query::projection::{Mode, Projection};
use quire_query::sort::SortPattern;
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    class: OperationClass::Query,
    latency: LatencyClass::Reads,
    on_collection: true,
    place: Where::SecondaryIfAllowed,
    reads_moments: true,
    api: Api::V1.without(UNSTABLE),
    ..Command::new("find", "returns the documents that match a filter", Run::Later(start))
};

/// What a strict client of the Stable API may not use.
const UNSTABLE: &[&str] = &[
    "$_requestResumeToken",
    "$_resumeAfter",
    "allowSpeculativeMajorityRead",
    "awaitData",
    "max",
    "min",
    "noCursorTimeout",
    "oplogReplay",
    "readOnce",
    "returnKey",
    "showRecordId",
    "tailable",
    "term",
];

fn start<'a>(context: &'a Context<'a>) -> Waiting<'a, Result<Reply>> {
    match by_id::answer(context) {
        Some(reply) => Box::pin(std::future::ready(reply)),
        None => Box::pin(run(context)),
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let request = FindRequest::read(context.body())?;
    let resolved = views::resolve(context, namespace.clone())?;
    let order = resolved.order(request.collation.clone())?;
    let constants = context.constants(request.variables, order)?;
    let prepared = prepare(&resolved, &request, &constants)?;
    let is_empty = || super::count::is_empty(context, resolved.collection.as_deref());
    // There is no place to wait at in a collection that has no documents yet.
    let tailable = request.tailable && (resolved.log().is_some() || !is_empty()?);
    let options = CursorOptions {
        batch_size: request.batch_size,
        limit: request.limit,
        single_batch: request.single_batch,
        no_timeout: request.no_cursor_timeout,
        tailable,
        await_data: tailable && request.await_data,
    };
    open_cursor(context, namespace.to_string(), prepared.query, prepared.summary, options).await
}

/// Plans a find, on a collection or on a view.
pub fn prepare(
    resolved: &Resolved,
    request: &FindRequest<'_>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    if let Some(log) = resolved.log() {
        return on_log::prepare(log, request, constants);
    }
    if resolved.is_view {
        return on_view::prepare(resolved, request, constants);
    }
    let filter = Arc::new(Filter::parse_query(request.filter, constants)?);
    let sort = SortPattern::parse(request.sort, &constants.order)?;
    let projection = projection(request, constants)?;
    let hint = hint(request.hint)?;
    check_natural(&sort, hint.as_ref())?;
    let Some(collection) = resolved.collection.as_deref() else {
        return Ok(Prepared::of(Vec::new(), &Pipeline::default()));
    };
    if request.tailable && collection.capped().is_none() {
        return Err(not_capped(collection, request));
    }
    let wish = Wish {
        hint: hint.as_ref(),
        min: request.min,
        max: request.max,
        limited: request.limit.is_some() || request.single_batch,
    };
    let choice = choose_as_wished(collection, &filter, &sort, wish)?;
    let pipeline = pipeline(request, choice.sorted, constants)?;
    let return_key = request.return_key.then(|| {
        let index = choice.only_index();
        let fields = index.map_or(&[][..], |index| index.spec.fields.as_slice());
        // The rows are their own index on `_id`, also where only their order is wanted.
        let by_order = choice.sorted && !sort.is_empty() && index.is_none();
        match by_order || choice.is_on_rows_by_id() {
            true => vec![FieldPath::new("_id")],
            false => fields.iter().map(|field| FieldPath::new(&field.path)).collect(),
        }
    });
    let tree = stages_above(choice.tree(&filter), request, choice.sorted);
    let mut prepared = Prepared::over(collection, choice, &filter, &pipeline);
    prepared.plan.tree = tree;
    let record_id = request.show_record_id;
    if projection.is_some() || return_key.is_some() || record_id {
        prepared.query.show(FindOutput { filter, projection, return_key, record_id });
    }
    Ok(prepared)
}

fn projection(request: &FindRequest<'_>, constants: &Arc<Constants>) -> Result<Option<Projection>> {
    if request.projection.is_empty() {
        return Ok(None);
    }
    let filter = Some(request.filter);
    let projection = Projection::parse(request.projection, filter, constants, Mode::Find)?;
    Ok(Some(projection).filter(|projection| !projection.is_identity()))
}

/// What is done with the documents before they are shown, as the pipeline that does the same.
fn pipeline(
    request: &FindRequest<'_>,
    sorted: bool,
    constants: &Arc<Constants>,
) -> Result<Pipeline> {
    let mut stages = ArrayBuilder::detached();
    if !sorted {
        stages.push_with(|stage| {
            stage.append_doc("$sort", request.sort);
        });
    }
    append_window(&mut stages, request);
    if stages.is_empty() {
        return Ok(Pipeline::default());
    }
    Pipeline::parse(stages.finish().as_raw(), constants)
}

/// Appends skipping and limiting.
fn append_window(stages: &mut ArrayBuilder, request: &FindRequest<'_>) {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
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
}

/// The stages of a find over those that find the documents, as explain shows them.
fn stages_above(tree: PlanNode, request: &FindRequest<'_>, sorted: bool) -> PlanNode {
    let mut tree = tree;
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    if !sorted {
        tree = PlanNode::above("SORT", tree, |details| {
            details.append_doc("sortPattern", request.sort);
            details.append_i64("memLimit", 104_857_600);
            if let Some(limit) = request.limit {
                details.append_i64("limitAmount", number(limit.saturating_add(request.skip)));
            }
            details.append_str("type", "simple");
        });
    }
    if request.skip > 0 {
        tree = PlanNode::above("SKIP", tree, |details| {
            details.append_i64("skipAmount", number(request.skip));
        });
    }
    if let (Some(limit), true) = (request.limit, sorted || request.skip > 0) {
        tree = PlanNode::above("LIMIT", tree, |details| {
            details.append_i64("limitAmount", number(limit));
        });
    }
    if request.return_key {
        return PlanNode::above("RETURN_KEY", tree, |_| {});
    }
    if request.projection.is_empty() {
        return tree;
    }
    PlanNode::above(projection_stage(request), tree, |details| {
        details.append_doc("transformBy", request.projection);
    })
}

/// Projections of whole top-level fields have a name of their own.
fn projection_stage(request: &FindRequest<'_>) -> &'static str {
    let plain = |value: quire_bson::RawValue<'_>| value.is_number() || value.as_bool().is_some();
    let simple = |element: quire_bson::RawElement<'_>| {
        !element.key().contains('.') && plain(element.value())
    };
    if request.projection.iter().all(simple) { "PROJECTION_SIMPLE" } else { "PROJECTION_DEFAULT" }
}

/// Refuses to walk the rows in their own order and along an index at once.
fn check_natural(sort: &SortPattern, hint: Option<&Hint>) -> Result<()> {
    let (Some(direction), Some(hint)) = (sort.natural(), hint) else { return Ok(()) };
    match hint {
        Hint::Natural { backwards } if *backwards == (direction < 0) => Ok(()),
        Hint::Natural { .. } => Err(CommandError::bad_value(
            "$natural hint must be in the same direction as $natural sort order",
        )),
        Hint::Name(_) | Hint::KeyPattern(_) => {
            Err(CommandError::bad_value("index hint not allowed with $natural sort order"))
        }
    }
}

fn not_capped(collection: &Collection, request: &FindRequest<'_>) -> CommandError {
    CommandError::bad_value(format!(
        "error processing query: ns={}Tree: {}\nSort: {}\nProj: {}\n planner returned error :: \
         caused by :: tailable cursor requested on non capped collection",
        collection.namespace,
        quire_bson::shell_text(request.filter),
        quire_bson::shell_text(request.sort),
        quire_bson::shell_text(request.projection),
    ))
}
