//! `aggregate`: documents through a pipeline.

mod elsewhere;
mod list_sessions;
mod sinks;
mod sources;
#[cfg(test)]
mod tests;

use super::batch::{Batch, CursorOptions, open_cursor, reply};
use super::reading::{Prepared, hint, prepare_resolved};
use super::{collation, explain};
use crate::arguments::Arguments;
use crate::concerns::Level;
use crate::counters::LatencyClass;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::{Api, check_pipeline};
use crate::views::{self, Resolved};
use quire_bson::{ArrayBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_query::pipeline::{Pipeline, fills_sink};
use quire_query::{Constants, ValueOrder};
use quire_replset::read_preference::Where;
use sinks::{Asked, Sink};
use std::sync::Arc;

pub const COMMAND: Command = Command {
    latency: LatencyClass::Reads,
    on_collection: true,
    takes_write_concern: true,
    place: Where::SecondaryIfAllowed,
    reads_moments: true,
    writes_by: Some(writes),
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

/// Whether a request writes what comes out of its pipeline.
fn writes(body: RawDoc<'_>) -> bool {
    let stages = body.get("pipeline").and_then(RawValue::as_array);
    stages.is_some_and(fills_sink) && !body.get("explain").is_some_and(is_set)
}

fn is_set(flag: RawValue<'_>) -> bool {
    flag.as_bool().unwrap_or_else(|| crate::arguments::number(flag).is_some_and(|n| n != 0.0))
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
    pub bypass_validation: bool,
}

/// A pipeline that is ready to run.
pub struct Planned {
    /// The name that its cursor has.
    pub namespace: String,
    pub prepared: Prepared,
    /// Where its documents go, if not to the client.
    sink: Option<Box<dyn Sink>>,
    constants: Arc<Constants>,
}

impl Planned {
    /// Whether what comes out of it is written.
    pub fn writes(&self) -> bool {
        self.sink.is_some()
    }
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
            bypass_validation: arguments.flag("bypassDocumentValidation")?,
        };
        arguments.flag("allowDiskUse")?;
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
    if context.operation.is_write && !context.server.takes_writes() {
        return elsewhere::ask_primary(context).await;
    }
    let planned = prepare(context, context.target(), &request)?;
    if planned.writes() {
        return write(context, planned, &request).await;
    }
    let Planned { namespace, prepared, .. } = planned;
    let options = CursorOptions { batch_size: request.batch_size, ..CursorOptions::default() };
    open_cursor(context, namespace, prepared.query, prepared.summary, options).await
}

/// Writes what comes out of a pipeline, and answers with a cursor that is at its end.
async fn write(
    context: &Context<'_>,
    planned: Planned,
    request: &AggregateRequest<'_>,
) -> Result<Reply> {
    let Planned { namespace, prepared, sink, constants } = planned;
    if context.concerns.level() == Some(Level::Linearizable) {
        let name = request.pipeline.iter().last().and_then(|last| last.value().as_document());
        let name = name.and_then(|stage| stage.nth(0)).map_or("$out", |field| field.key());
        return Err(CommandError::new(
            Code::InvalidOptions,
            format!("{name} cannot be used with a 'linearizable' read concern"),
        ));
    }
    if let Some(sink) = sink {
        let bypass_validation = request.bypass_validation;
        let asked = Asked { context, constants: &constants, bypass_validation };
        sinks::fill(&asked, sink.as_ref(), prepared).await?;
    }
    Ok(reply(context, Batch::begin("firstBatch"), 0, &namespace))
}

/// Plans a pipeline over what the command names.
pub fn prepare(
    context: &Context<'_>,
    target: RawValue<'_>,
    request: &AggregateRequest<'_>,
) -> Result<Planned> {
    let hint = hint(request.hint)?;
    let asked = request.collation.clone();
    let RawValue::String(name) = target else {
        check_database_target(target)?;
        let constants = context.constants(request.variables, asked.unwrap_or_default())?;
        let pipeline = Pipeline::parse(request.pipeline, &constants)?;
        let sink = sink(context, &pipeline, &constants)?;
        let prepared = sources::prepare(context, None, pipeline, &constants)?;
        let namespace = format!("{}.{DATABASE_TARGET}", context.database());
        return Ok(Planned { namespace, prepared, sink, constants });
    };
    let namespace = crate::server::namespace(context.database(), name)?;
    let shown = namespace.to_string();
    let of_sessions = list_sessions::as_filter(&namespace, request.pipeline)?;
    let stages = of_sessions.as_ref().map_or(request.pipeline, |stages| stages.as_raw());
    let resolved = views::resolve(context, namespace)?;
    let constants = context.constants(request.variables, resolved.order(asked)?)?;
    let pipeline = whole(&resolved, stages, &constants)?;
    let sink = sink(context, &pipeline, &constants)?;
    let prepared = match pipeline.source() {
        Some(_) => sources::prepare(context, Some(&resolved), pipeline, &constants)?,
        None => prepare_resolved(&resolved, pipeline, hint.as_ref(), &constants)?,
    };
    Ok(Planned { namespace: shown, prepared, sink, constants })
}

fn sink(
    context: &Context<'_>,
    pipeline: &Pipeline,
    constants: &Arc<Constants>,
) -> Result<Option<Box<dyn Sink>>> {
    // What a sink is read for does not depend on how its documents are checked later.
    let asked = Asked { context, constants, bypass_validation: false };
    pipeline.sink().map(|endpoint| sinks::parse(&asked, endpoint)).transpose()
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
