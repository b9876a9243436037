//! `aggregate`: documents through a pipeline.

mod list_sessions;
mod sources;
#[cfg(test)]
mod tests;

use super::batch::{CursorOptions, open_cursor};
use super::reading::{Prepared, hint, prepare_resolved};
use super::{collation, explain};
use crate::arguments::Arguments;
use crate::counters::LatencyClass;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::{Api, check_pipeline};
use crate::views::{self, Resolved};
use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_query::pipeline::Pipeline;
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    latency: LatencyClass::Reads,
    on_collection: true,
    takes_write_concern: true,
    place: Where::SecondaryIfAllowed,
    reads_moments: true,
    api: Api::V1.without(UNSTABLE).looking_within(stable_stages),
    ..Command::new(
        "aggregate",
        "runs documents through a pipeline",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// What a strict client of the Stable API may not use.
const UNSTABLE: &[&str] = &[
    "$_requestReshardingResumeToken",
    "collectionUUID",
    "exchange",
    "explain",
    "fromMongos",
    "fromRouter",
    "isMapReduceCommand",
    "needsMerge",
    "runtimeConstants",
];

/// Looks through the stages for those that a strict client may not use.
fn stable_stages(body: RawDoc<'_>) -> Result<()> {
    let stages = body.get("pipeline").and_then(RawValue::as_array);
    stages.map_or(Ok(()), check_pipeline)
}

/// The name that a pipeline over a database goes by.
const DATABASE_TARGET: &str = "$cmd.aggregate";

/// The command as the client wrote it.
pub struct AggregateRequest<'a> {
    pub pipeline: RawDoc<'a>,
    pub batch_size: Option<u64>,
    pub explain: bool,
    pub hint: Option<RawValue<'a>>,
    pub variables: Option<RawDoc<'a>>,
    /// The order asked for.
    pub collation: Option<ValueOrder>,
}

impl<'a> AggregateRequest<'a> {
    /// Reads the command; `explained` when it is inside of an `explain`.
    pub fn read(body: RawDoc<'a>, explained: bool) -> Result<AggregateRequest<'a>> {
        let mut arguments = Arguments::read("aggregate", body)?;
        let pipeline = match arguments.take("pipeline") {
            Some(RawValue::Array(stages)) => stages,
            Some(_) => {
                return Err(CommandError::type_mismatch(
                    "'pipeline' option must be specified as an array",
                ));
            }
            None => return Err(arguments.missing("pipeline")),
        };
        let explain = arguments.flag("explain")?;
        let cursor = arguments.take("cursor");
        let request = AggregateRequest {
            pipeline,
            batch_size: batch_size(cursor, explain || explained)?,
            explain,
            hint: arguments.take("hint"),
            variables: arguments.optional_doc("let")?,
            collation: collation::take(&mut arguments)?,
        };
        arguments.flag("allowDiskUse")?;
        arguments.flag("bypassDocumentValidation")?;
        for ignored in
            ["fromMongos", "needsMerge", "isMapReduceCommand", "querySettings", "fromRouter"]
        {
            arguments.ignore(ignored);
        }
        arguments.finish()?;
        Ok(request)
    }
}

fn batch_size(cursor: Option<RawValue<'_>>, explained: bool) -> Result<Option<u64>> {
    match cursor {
        Some(RawValue::Document(cursor)) => {
            let mut arguments = Arguments::nested("cursor", cursor)?;
            let size = arguments.optional_count("batchSize")?;
            arguments.finish()?;
            Ok(size)
        }
        Some(_) => Err(CommandError::type_mismatch("cursor field must be missing or an object")),
        None if explained => Ok(None),
        None => Err(CommandError::failed_to_parse(
            "The 'cursor' option is required, except for aggregate with the explain argument",
        )),
    }
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let request = AggregateRequest::read(context.body(), false)?;
    if request.explain {
        return explain::aggregate_by_option(context, &request).await;
    }
    let (namespace, prepared) = prepare(context, context.target(), &request)?;
    let options = CursorOptions { batch_size: request.batch_size, ..CursorOptions::default() };
    open_cursor(context, namespace, prepared.query, prepared.summary, options).await
}

/// Plans a pipeline over what the command names, and tells the name that its cursor has.
pub fn prepare(
    context: &Context<'_>,
    target: RawValue<'_>,
    request: &AggregateRequest<'_>,
) -> Result<(String, Prepared)> {
    let hint = hint(request.hint)?;
    let asked = request.collation.clone();
    let RawValue::String(name) = target else {
        check_database_target(target)?;
        let constants = &context.constants(request.variables, asked.unwrap_or_default())?;
        let pipeline = Pipeline::parse(request.pipeline, constants)?;
        let prepared = sources::prepare(context, None, pipeline, constants)?;
        return Ok((format!("{}.{DATABASE_TARGET}", context.database()), prepared));
    };
    let namespace = crate::server::namespace(context.database(), name)?;
    let shown = namespace.to_string();
    let of_sessions = list_sessions::as_filter(&namespace, request.pipeline)?;
    let stages = of_sessions.as_ref().map_or(request.pipeline, |stages| stages.as_raw());
    let resolved = views::resolve(context, namespace)?;
    let constants = &context.constants(request.variables, resolved.order(asked)?)?;
    let pipeline = whole(&resolved, stages, constants)?;
    let prepared = match pipeline.source() {
        Some(_) => sources::prepare(context, Some(&resolved), pipeline, constants)?,
        None => prepare_resolved(&resolved, pipeline, hint.as_ref(), constants)?,
    };
    Ok((shown, prepared))
}

/// The pipelines of the views, and behind them the client's.
fn whole(resolved: &Resolved, stages: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Pipeline> {
    if !resolved.is_view {
        return Pipeline::parse(stages, constants);
    }
    let mut all = ArrayBuilder::detached();
    resolved.append_stages(&mut all);
    for stage in stages {
        all.push(stage.value());
    }
    Pipeline::parse(all.finish().as_raw(), constants)
}

/// A pipeline over the database is asked for by a one in place of the collection's name.
fn check_database_target(target: RawValue<'_>) -> Result<()> {
    if target.is_number() && quire_bson::compare(target, RawValue::Int32(1)).is_eq() {
        return Ok(());
    }
    if target.is_number() {
        return Err(CommandError::failed_to_parse(
            "Invalid command format: the 'aggregate' field must specify a collection name or 1",
        ));
    }
    Err(CommandError::new(
        Code::InvalidNamespace,
        format!("collection name has invalid type {}", target.type_name()),
    ))
}
