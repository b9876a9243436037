//! `createIndexes`: new indexes, built before the reply while writers go on.

use super::commit_quorum::CommitQuorum;
use super::{index_spec, target};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::{Api, not_stable};
use index_spec::Conflict;
use quire_bson::{RawDoc, RawValue};
use quire_documents::{
    Catalog, Collection, CollectionId, Effect, IndexId, IndexSpec, IndexState, Layout, Namespace,
};
use quire_errors::{Code, CommandError, Result};
use quire_execution::index_build::{self, Build};
use quire_execution::{NewCollection, create_collection};
use quire_replset::read_preference::Where;
use std::sync::Arc;

pub const COMMAND: Command = Command {
    on_collection: true,
    takes_write_concern: true,
    place: Where::Primary,
    api: Api::V1.looking_within(stable_indexes),
    ..Command::new("createIndexes", "creates indexes", Run::Later(|context| Box::pin(run(context))))
};

/// Looks through the indexes for what a strict client of the Stable API may not use.
fn stable_indexes(body: RawDoc<'_>) -> Result<()> {
    let indexes = body.get("indexes").and_then(RawValue::as_array).unwrap_or(RawDoc::EMPTY);
    for index in indexes.iter().filter_map(|index| index.value().as_document()) {
        for option in index.iter().map(|option| option.key()) {
            if ["background", "bucketSize", "sparse", "storageEngine"].contains(&option) {
                return Err(not_stable(&format!("createIndexes.indexes.{option}")));
            }
        }
        let key = index.get("key").and_then(RawValue::as_document).unwrap_or(RawDoc::EMPTY);
        if key.iter().any(|field| field.value().as_str() == Some("text")) {
            return Err(CommandError::new(
                Code::APIStrictError,
                "text indexes cannot be created with apiStrict: true",
            ));
        }
    }
    Ok(())
}

/// The most indexes a collection may have.
const INDEXES_MAX: usize = 64;

/// What the newest catalogue says to a request.
enum Plan<'a> {
    /// There is no such collection yet.
    NoCollection,
    /// All indexes are there.
    Nothing {
        count: usize,
    },
    /// Somebody else is building some of them.
    Wait {
        collection: CollectionId,
        indexes: Vec<IndexId>,
    },
    Build {
        before: usize,
        after: usize,
        build: Build<'a>,
    },
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let namespace = context.namespace()?;
    let (specs, quorum) = read(context, &namespace)?;
    quire_execution::check_writable(&namespace)?;
    let server = context.server;
    let mut created = false;
    loop {
        // The generation is read first: a builder that stops in between ends the wait at once.
        let generation = server.index_builds.changed().generation();
        match plan(context, &namespace, &specs).await? {
            Plan::NoCollection => created |= create(context, &namespace).await?,
            Plan::Nothing { count } => return Ok(nothing_to_do(count, created)),
            Plan::Wait { collection, indexes } => {
                let watch = context.operation.as_ref();
                match server.index_builds.claim(collection, indexes, watch) {
                    Some(build) => {
                        index_build::adopt(&server.sequencer, &server.index_builds, build).await?;
                    }
                    None => server.index_builds.changed().changed_since(generation).await,
                }
            }
            Plan::Build { before, after, build } => {
                index_build::build(&server.sequencer, build).await?;
                if let Some(quorum) = &quorum {
                    quorum.wait(context).await?;
                }
                return Ok(built(before, after, created));
            }
        }
    }
}

fn read(
    context: &Context<'_>,
    namespace: &Namespace,
) -> Result<(Vec<IndexSpec>, Option<CommitQuorum>)> {
    let mut arguments = context.arguments()?;
    let given = arguments.array("indexes")?;
    let quorum = arguments.take("commitQuorum");
    arguments.ignore("ignoreUnknownIndexOptions");
    arguments.finish()?;
    let quorum = CommitQuorum::read(context.server, quorum)?;
    if given.is_empty() {
        return Err(CommandError::bad_value("Must specify at least one index to create"));
    }
    let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
    let inherited = crate::crud::order_of_collection(context, namespace);
    let mut specs: Vec<IndexSpec> = Vec::new();
    for (n, element) in given.iter().enumerate() {
        let spec = index_spec::parse(document(n, element.value())?, &inherited, &constants)?;
        check_among(&specs, &spec)?;
        specs.push(spec);
    }
    Ok((specs, quorum))
}

fn document(n: usize, value: RawValue<'_>) -> Result<RawDoc<'_>> {
    value.as_document().ok_or_else(|| {
        CommandError::type_mismatch(format!(
            "BSON field 'createIndexes.indexes.{n}' is the wrong type '{}', expected type 'object'",
            value.type_name()
        ))
    })
}

/// Two indexes of one request may not be in each other's way.
fn check_among(specs: &[IndexSpec], spec: &IndexSpec) -> Result<()> {
    let same_name = specs.iter().find(|other| other.name == spec.name);
    match same_name {
        Some(other) if other.document != spec.document => Err(CommandError::new(
            Code::IndexKeySpecsConflict,
            format!("The index name '{}' is given to two different indexes", spec.name),
        )),
        Some(_) => Err(CommandError::new(
            Code::IndexAlreadyExists,
            format!("Identical index already exists: {}", spec.name),
        )),
        None => Ok(()),
    }
}

async fn plan<'a>(
    context: &'a Context<'_>,
    namespace: &Namespace,
    specs: &[IndexSpec],
) -> Result<Plan<'a>> {
    context
        .server
        .sequencer
        .change_catalog(|catalog| {
            if catalog.find(namespace).is_none() {
                return Ok((Vec::new(), Plan::NoCollection));
            }
            let collection = target::existing(catalog, namespace, String::new)?;
            plan_for(context, catalog, collection, specs)
        })
        .await
}

fn plan_for<'a>(
    context: &'a Context<'_>,
    catalog: &Catalog,
    collection: &Arc<Collection>,
    specs: &[IndexSpec],
) -> Result<(Vec<Effect>, Plan<'a>)> {
    let mut wanted = Vec::new();
    let mut unfinished = Vec::new();
    for spec in specs {
        index_spec::check_for(collection, spec)?;
        match index_spec::compare(&collection.indexes, spec) {
            Some(Conflict::Same(index)) if index.state == IndexState::Ready => {}
            Some(Conflict::Same(index)) => unfinished.push(index.id),
            Some(Conflict::Refused(error)) => return Err(error),
            None => wanted.push(spec),
        }
    }
    let before = collection.indexes.len();
    if !unfinished.is_empty() {
        return Ok((Vec::new(), Plan::Wait { collection: collection.id, indexes: unfinished }));
    }
    if wanted.is_empty() {
        return Ok((Vec::new(), Plan::Nothing { count: before }));
    }
    let after = before.saturating_add(wanted.len());
    if after > INDEXES_MAX
        && let Some(spec) = wanted.first()
    {
        return Err(CommandError::new(
            Code::CannotCreateIndex,
            format!(
                "add index fails, too many indexes for {} key:{}",
                collection.namespace,
                quire_bson::shell_text(spec.key())
            ),
        ));
    }
    let effects = create_effects(catalog, collection.id, &wanted)?;
    let ids = effects.iter().map(|(id, _)| *id).collect();
    // Claimed before the index is there, so that nobody else begins to build it.
    let watch = context.operation.as_ref();
    let Some(build) = context.server.index_builds.claim(collection.id, ids, watch) else {
        return Err(CommandError::internal("an index that is not there yet is being built"));
    };
    let effects = effects.into_iter().map(|(_, effect)| effect).collect();
    Ok((effects, Plan::Build { before, after, build }))
}

fn create_effects(
    catalog: &Catalog,
    collection: CollectionId,
    specs: &[&IndexSpec],
) -> Result<Vec<(IndexId, Effect)>> {
    let mut next = catalog.next_ids().index.0;
    let mut effects = Vec::with_capacity(specs.len());
    for spec in specs {
        let id = IndexId(next);
        next = next
            .checked_add(1)
            .ok_or_else(|| CommandError::internal("all ids of indexes have been given out"))?;
        effects.push((id, Effect::CreateIndex { collection, id, spec: spec.document.clone() }));
    }
    Ok(effects)
}

/// Creates the collection; true unless somebody else was quicker.
async fn create(context: &Context<'_>, namespace: &Namespace) -> Result<bool> {
    let server = context.server;
    let new = NewCollection {
        namespace: namespace.clone(),
        options: quire_bson::DocBuf::new(),
        layout: Layout::ById,
    };
    let creation = create_collection(&server.sequencer, server.as_ref(), &new).await?;
    Ok(matches!(creation, quire_execution::Creation::Created))
}

fn nothing_to_do(count: usize, created: bool) -> Reply {
    let mut reply = built(count, count, created);
    reply.builder().append_str("note", "all indexes already exist");
    reply
}

fn built(before: usize, after: usize, created: bool) -> Reply {
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    Reply::with(|reply| {
        reply.append_i32("numIndexesBefore", count(before));
        reply.append_i32("numIndexesAfter", count(after));
        reply.append_bool("createdCollectionAutomatically", created);
    })
}
