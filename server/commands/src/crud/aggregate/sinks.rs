//! Pipelines that write what comes out of them: `$out` and `$merge`.
//!
//! Owns the table of sinks, and how the documents get there: some at a time, all read from one state,
//! so that a pipeline never meets what it wrote itself. Each sink has a file of its own.

mod merge;
mod on;
mod out;
mod spec;
#[cfg(test)]
mod tests;

use crate::crud::reading::Prepared;
use crate::persona::Behaviour;
use crate::server::Context;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_documents::{Namespace, ReadView};
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Waiting, give_way};
use quire_execution::{Query, Slice, Watch};
use quire_query::Constants;
use quire_query::pipeline::{Endpoint, Flow, Stopped};
use std::sync::Arc;

/// Documents and bytes that are read before they are written.
const BATCH_DOCUMENTS_MAX: usize = 1000;
const BATCH_BYTES_MAX: usize = 4 << 20;

/// What a sink is read with.
pub(super) struct Asked<'a> {
    pub(super) context: &'a Context<'a>,
    pub(super) constants: &'a Arc<Constants>,
    pub(super) bypass_validation: bool,
}

/// Where documents go.
pub(super) trait Sink: Send + Sync {
    /// Writes all documents.
    fn fill<'a>(
        &'a self,
        asked: &'a Asked<'a>,
        documents: Documents<'a>,
    ) -> Waiting<'a, Result<()>>;
}

/// Reads the options of a sink.
type Parse = fn(&Asked<'_>, RawValue<'_>) -> Result<Box<dyn Sink>>;

const SINKS: &[(&str, Parse)] = &[("$merge", merge::parse), ("$out", out::parse)];

/// Reads a pipeline's last stage.
pub(super) fn parse(asked: &Asked<'_>, endpoint: &Endpoint) -> Result<Box<dyn Sink>> {
    let name = endpoint.name();
    let persona = asked.context.server.facts.persona;
    if name == spec::STAGE && !persona.has(Behaviour::MergeStage) {
        let message = format!("Unrecognized pipeline stage name: '{name}'");
        return Err(CommandError::location(40324, message));
    }
    let Some((_, parse)) = SINKS.iter().find(|(known, _)| *known == name) else {
        return Err(CommandError::internal(format!("{name} leads nowhere")));
    };
    parse(asked, endpoint.options())
}

/// Runs a pipeline to its end and writes what comes out of it.
pub(super) async fn fill(asked: &Asked<'_>, sink: &dyn Sink, prepared: Prepared) -> Result<()> {
    let context = asked.context;
    *context.operation.figures.plan.lock() = Some(prepared.summary);
    let documents = Documents::of(context, prepared.query)?;
    let filled = sink.fill(asked, documents).await;
    filled.map_err(|error| error.context("PlanExecutor error during aggregation"))
}

/// What comes out of a pipeline.
pub(super) struct Documents<'a> {
    context: &'a Context<'a>,
    query: Query,
    view: ReadView,
}

impl<'a> Documents<'a> {
    fn of(context: &'a Context<'a>, mut query: Query) -> Result<Documents<'a>> {
        let view = context.view()?;
        query.resume(&view)?;
        Ok(Documents { context, query, view })
    }

    /// The documents that follow; when there are none, it is the end.
    async fn next_batch(&mut self) -> Result<Vec<DocBuf>> {
        let watch: &dyn Watch = self.context.operation.as_ref();
        let mut batch = Vec::new();
        let mut bytes = 0usize;
        loop {
            let mut keep = |doc: RawDoc<'_>| {
                bytes = bytes.saturating_add(doc.as_bytes().len());
                batch.push(DocBuf::from(doc));
                let is_full = batch.len() >= BATCH_DOCUMENTS_MAX || bytes >= BATCH_BYTES_MAX;
                Ok(if is_full { Flow::Full } else { Flow::More })
            };
            let (slice, wanted) = (&mut Slice::begin(), BATCH_DOCUMENTS_MAX as u64);
            match self.query.run(&self.view, watch, slice, wanted, &mut keep)? {
                Stopped::Full | Stopped::End => break,
                Stopped::Yield => give_way().await,
            }
        }
        Ok(batch)
    }
}

/// The collection that a sink's options name. Without a database it is that of the command.
fn target(
    stage: &str,
    context: &Context<'_>,
    (database, collection): (Option<&str>, &str),
) -> Result<Namespace> {
    let database = database.unwrap_or(context.database());
    Namespace::new(database, collection).map_err(|_| {
        CommandError::new(
            Code::InvalidNamespace,
            format!("Invalid {stage} target namespace: '{database}.{collection}'"),
        )
    })
}

/// Refuses what the server keeps for itself, by the codes that the stage has for it.
fn refuse_special(
    stage: &str,
    namespace: &Namespace,
    (collection_code, database_code): (i32, i32),
) -> Result<()> {
    let verb = if stage == "$out" { "Can't $out" } else { "Cannot $merge" };
    if namespace.is_system() {
        return Err(CommandError::location(
            collection_code,
            format!("{verb} to special collection: {}", namespace.collection()),
        ));
    }
    if ["admin", "config", "local"].contains(&namespace.database()) {
        return Err(CommandError::location(
            database_code,
            format!("{verb} to internal database: {}", namespace.database()),
        ));
    }
    Ok(())
}

fn refuse_view(collection: &quire_documents::Collection) -> Result<()> {
    if !collection.is_view() {
        return Ok(());
    }
    Err(CommandError::new(
        Code::CommandNotSupportedOnView,
        format!("Namespace {} is a view, not a collection", collection.namespace),
    ))
}
