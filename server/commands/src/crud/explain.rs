//! `explain`: how a command would find its documents, or did.

mod shape;
#[cfg(test)]
mod tests;
mod writes;

use super::aggregate::{self, AggregateRequest, Planned};
use super::batch::each;
use super::count::{self, CountRequest};
use super::distinct::{self, DistinctRequest};
use super::find::{self, FindRequest};
use super::reading::Prepared;
use crate::registry::{self, Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use crate::views::{self, Resolved};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_execution::PlanNode;
use quire_replset::read_preference::Where;
use shape::Ran;
use std::sync::atomic::Ordering;
use std::time::Instant;

pub const COMMAND: Command = Command {
    place: Where::SecondaryIfAllowed,
    api: Api::V1.looking_within(stable_command),
    ..Command::new(
        "explain",
        "tells how a command finds its documents",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// Looks at the explained command for what a strict client of the Stable API may not use.
fn stable_command(body: RawDoc<'_>) -> Result<()> {
    let Some(command) = body.nth(0).and_then(|element| element.value().as_document()) else {
        return Ok(());
    };
    let known = command.nth(0).and_then(|element| registry::find(element.key()));
    known.map_or(Ok(()), |known| known.api.check_fields(known.name, command))
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verbosity {
    QueryPlanner,
    ExecutionStats,
    AllPlansExecution,
}

impl Verbosity {
    fn read(name: Option<&str>) -> Result<Verbosity> {
        match name {
            Some("queryPlanner") => Ok(Verbosity::QueryPlanner),
            Some("executionStats") => Ok(Verbosity::ExecutionStats),
            None | Some("allPlansExecution") => Ok(Verbosity::AllPlansExecution),
            Some(other) => Err(CommandError::bad_value(format!(
                "Enumeration value '{other}' for field 'explain.verbosity' is not a valid value."
            ))),
        }
    }
}

/// A query with the name and the command it is explained under.
struct Question<'a> {
    namespace: String,
    prepared: Prepared,
    command: RawDoc<'a>,
    /// A pipeline shows its stages one after the other.
    is_pipeline: bool,
    /// What comes out of it would be written.
    writes: bool,
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let mut arguments = context.arguments()?;
    let RawValue::Document(command) = context.target() else {
        return Err(arguments.wrong_type("explain", context.target(), "object"));
    };
    let verbosity = Verbosity::read(arguments.optional_str("verbosity")?)?;
    arguments.finish()?;
    let question = ask(context, command)?;
    if question.writes && verbosity != Verbosity::QueryPlanner {
        return Err(CommandError::location(
            51029,
            "a pipeline that writes can be explained with the verbosity 'queryPlanner' only",
        ));
    }
    answer(context, question, verbosity).await
}

/// The `explain: true` of an aggregation.
pub async fn aggregate_by_option(
    context: &Context<'_>,
    request: &AggregateRequest<'_>,
) -> Result<Reply> {
    let question = of_aggregate(context, context.body(), request)?;
    answer(context, question, Verbosity::QueryPlanner).await
}

/// Plans the command that is asked about.
fn ask<'a>(context: &Context<'_>, command: RawDoc<'a>) -> Result<Question<'a>> {
    let name = command.nth(0).map_or("", |element| element.key());
    match registry::find(name).map(|known| known.name) {
        Some("find") => of_find(context, command),
        Some("aggregate") => {
            of_aggregate(context, command, &AggregateRequest::read(command, true)?)
        }
        Some("count") => of_count(context, command),
        Some("distinct") => of_distinct(context, command),
        Some(name @ ("update" | "delete" | "findAndModify")) => writes::ask(context, command, name),
        Some(other) => Err(CommandError::new(
            Code::CommandNotSupported,
            format!("Cannot explain cmd: {other}"),
        )),
        None => Err(CommandError::new(
            Code::CommandNotFound,
            format!("Explain failed due to unknown command: {name}"),
        )),
    }
}

/// What the explained command's first field names.
fn target(context: &Context<'_>, command: RawDoc<'_>) -> Result<Resolved> {
    let value = command.nth(0).map_or(RawValue::Null, |element| element.value());
    let RawValue::String(collection) = value else {
        return Err(CommandError::new(
            Code::InvalidNamespace,
            format!("collection name has invalid type {}", value.type_name()),
        ));
    };
    let namespace = crate::server::namespace(context.database(), collection)?;
    views::resolve(context, namespace)
}

fn of_find<'a>(context: &Context<'_>, command: RawDoc<'a>) -> Result<Question<'a>> {
    let request = FindRequest::read(command)?;
    let resolved = target(context, command)?;
    let order = resolved.order(request.collation.clone())?;
    let constants = context.constants(request.variables, order)?;
    let prepared = find::prepare(&resolved, &request, &constants)?;
    let namespace = resolved.namespace.to_string();
    Ok(Question { namespace, prepared, command, is_pipeline: resolved.is_view, writes: false })
}

fn of_aggregate<'a>(
    context: &Context<'_>,
    command: RawDoc<'a>,
    request: &AggregateRequest<'_>,
) -> Result<Question<'a>> {
    let target = command.nth(0).map_or(RawValue::Null, |element| element.value());
    let planned = aggregate::prepare(context, target, request)?;
    let writes = planned.writes();
    let Planned { namespace, prepared, .. } = planned;
    Ok(Question { namespace, prepared, command, is_pipeline: true, writes })
}

fn of_count<'a>(context: &Context<'_>, command: RawDoc<'a>) -> Result<Question<'a>> {
    let request = CountRequest::read(command)?;
    let resolved = target(context, command)?;
    let constants = context.constants(None, resolved.order(request.collation.clone())?)?;
    let mut prepared = count::prepare(&resolved, &request, &constants)?;
    if !resolved.is_view {
        let tree = std::mem::replace(&mut prepared.plan.tree, PlanNode::nothing());
        prepared.plan.tree = PlanNode::above("COUNT", tree, |_| {});
        prepared.plan.stages.clear();
    }
    let namespace = resolved.namespace.to_string();
    Ok(Question { namespace, prepared, command, is_pipeline: resolved.is_view, writes: false })
}

fn of_distinct<'a>(context: &Context<'_>, command: RawDoc<'a>) -> Result<Question<'a>> {
    let request = DistinctRequest::read(command)?;
    let resolved = target(context, command)?;
    let constants = context.constants(None, resolved.order(request.collation.clone())?)?;
    let prepared = distinct::prepare(&resolved, &request, &constants)?;
    let namespace = resolved.namespace.to_string();
    Ok(Question { namespace, prepared, command, is_pipeline: resolved.is_view, writes: false })
}

async fn answer(
    context: &Context<'_>,
    mut question: Question<'_>,
    verbosity: Verbosity,
) -> Result<Reply> {
    let ran = match verbosity {
        Verbosity::QueryPlanner => None,
        _ => Some(execute(context, &mut question.prepared).await?),
    };
    let all_plans = verbosity == Verbosity::AllPlansExecution;
    Ok(Reply::with(|reply| {
        shape::append(reply, context, &question, ran.as_ref(), all_plans);
    }))
}

/// Runs the query and drops what it finds.
async fn execute(context: &Context<'_>, prepared: &mut Prepared) -> Result<Ran> {
    let began = Instant::now();
    let mut returned = 0u64;
    each(context, &mut prepared.query, |_| {
        returned = returned.saturating_add(1);
        Ok(())
    })
    .await?;
    let figures = &context.operation.figures;
    Ok(Ran {
        returned,
        found: prepared.query.found(),
        keys: figures.keys_examined.load(Ordering::Relaxed),
        docs: figures.docs_examined.load(Ordering::Relaxed),
        millis: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
    })
}
