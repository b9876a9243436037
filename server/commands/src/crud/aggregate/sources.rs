//! Pipelines that begin with a source of their own instead of a collection's documents.
//!
//! Owns the table of sources: where each may be read, and where its documents come from.

use crate::crud::reading::{Prepared, prepare_resolved};
use crate::running;
use crate::server::Context;
use crate::sessions::{Listing, SessionEntry};
use crate::views::Resolved;
use quire_bson::{DateTime, DocBuf, doc};
use quire_documents::Collection;
use quire_errors::{Code, CommandError, Result};
use quire_query::Constants;
use quire_query::pipeline::{self, Endpoint, Pipeline};
use std::sync::Arc;

/// What a source is read with.
struct Reading<'a> {
    context: &'a Context<'a>,
    source: &'a Endpoint,
    constants: &'a Arc<Constants>,
    collection: Option<&'a Collection>,
}

/// What a source is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    /// A collection.
    Collection,
    /// A database: `{aggregate: 1}`.
    Database,
    /// A collection or a database.
    Either,
}

/// Gives the documents of a source.
type Documents = fn(&Reading<'_>) -> Result<Vec<DocBuf>>;

const SOURCES: &[(&str, About, Documents)] = &[
    ("$changeStream", About::Either, changes),
    ("$collStats", About::Collection, collection_stats),
    ("$currentOp", About::Database, current_operations),
    ("$documents", About::Database, documents),
    ("$indexStats", About::Collection, index_stats),
    ("$listLocalSessions", About::Database, sessions),
    ("$planCacheStats", About::Collection, |_| Ok(Vec::new())),
];

/// Plans a pipeline over a database, or one that begins with a source.
pub fn prepare(
    context: &Context<'_>,
    resolved: Option<&Resolved>,
    pipeline: Pipeline,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    let Some(source) = pipeline.source() else {
        return match resolved {
            Some(resolved) => prepare_resolved(resolved, pipeline, None, constants),
            None => Err(needs_collection(&pipeline)),
        };
    };
    let name = source.name();
    let Some((_, about, read)) = SOURCES.iter().find(|(known, ..)| *known == name) else {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            format!("The aggregation stage {name} is not supported by this server yet"),
        ));
    };
    check_target(name, *about, resolved.is_some())?;
    check_moment(context, name)?;
    let collection = resolved.and_then(|resolved| resolved.collection.as_deref());
    let reading = Reading { context, source, constants, collection };
    Ok(Prepared::of(read(&reading)?, &pipeline))
}

fn needs_collection(pipeline: &Pipeline) -> CommandError {
    let first = pipeline.stages().first().map(|stage| stage.name());
    let first = first.or(pipeline.sink().map(Endpoint::name)).unwrap_or("an empty pipeline");
    CommandError::new(
        Code::InvalidNamespace,
        format!("{{aggregate: 1}} is not valid for '{first}'; a collection is required."),
    )
}

fn check_target(name: &str, about: About, on_collection: bool) -> Result<()> {
    let message = match about {
        About::Collection if !on_collection => {
            format!("{{aggregate: 1}} is not valid for '{name}'; a collection is required.")
        }
        About::Database if on_collection => {
            format!("'{name}' can only be run with {{aggregate: 1}}")
        }
        About::Collection | About::Database | About::Either => return Ok(()),
    };
    Err(CommandError::new(Code::InvalidNamespace, message))
}

/// What a member knows of itself was not kept, however long ago it was.
fn check_moment(context: &Context<'_>, name: &str) -> Result<()> {
    if context.concerns.moment().is_none() || name == "$documents" {
        return Ok(());
    }
    Err(CommandError::new(
        Code::InvalidOptions,
        format!("Aggregation stage {name} cannot run with a readConcern other than 'local'"),
    ))
}

/// Changes are told by the members of a replica set; drivers know the words of one that is none.
fn changes(reading: &Reading<'_>) -> Result<Vec<DocBuf>> {
    if reading.context.server.replica_set.is_some() {
        return Err(CommandError::new(
            Code::CommandNotSupported,
            "Change streams are not supported by this server yet",
        ));
    }
    Err(CommandError::location(40573, "The $changeStream stage is only supported on replica sets"))
}

fn documents(reading: &Reading<'_>) -> Result<Vec<DocBuf>> {
    pipeline::documents(reading.source.options(), reading.constants)
}

fn current_operations(reading: &Reading<'_>) -> Result<Vec<DocBuf>> {
    if reading.context.database() != "admin" {
        return Err(CommandError::new(
            Code::InvalidNamespace,
            "$currentOp must be run against the 'admin' database with {aggregate: 1}",
        ));
    }
    let shown = running::Shown::parse(reading.source.options())?;
    Ok(running::documents(reading.context, shown))
}

fn sessions(reading: &Reading<'_>) -> Result<Vec<DocBuf>> {
    let listing = Listing::parse(reading.source.name(), reading.source.options())?;
    let all = reading.context.server.sessions.list();
    let shown = all.iter().filter(|session| listing.shows(&session.key));
    Ok(shown.map(SessionEntry::document).collect())
}

fn collection_stats(reading: &Reading<'_>) -> Result<Vec<DocBuf>> {
    let options = reading.source.options();
    crate::catalog::coll_stats_stage(reading.context, reading.collection, options)
}

/// Uses of indexes are not counted: each shows none since the server began.
fn index_stats(reading: &Reading<'_>) -> Result<Vec<DocBuf>> {
    let facts = &reading.context.server.facts;
    let since = DateTime::from_system_time(facts.started_at);
    let host = format!("{}:{}", facts.host, facts.port);
    let indexes = reading.collection.map_or(&[][..], |collection| &collection.indexes);
    let shown = |index: &Arc<quire_documents::Index>| {
        DocBuf::from(&doc! {
            "name": index.spec.name.as_str(),
            "key": index.spec.key().to_document(),
            "host": host.as_str(),
            "accesses": { "ops": 0_i64, "since": since },
            "spec": index.spec.document.as_raw().to_document(),
        })
    };
    Ok(indexes.iter().map(shown).collect())
}
