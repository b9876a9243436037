//! From what a reading command asks to a query that runs.
//!
//! Owns planning for `find`, `aggregate`, `count`, `distinct` and their explanations, on
//! collections and views alike.

use crate::computed::{Computed, Walk};
use crate::views::Resolved;
use quire_bson::{ArrayBuilder, DocBuf, RawDoc, RawValue};
use quire_documents::Collection;
use quire_errors::Result;
use quire_execution::{Choice, Hint, PlanNode, Query, Scan, Source, Wish, choose_as_wished};
use quire_query::Constants;
use quire_query::filter::Filter;
use quire_query::pipeline::{Pipeline, Provided};
use quire_query::sort::SortPattern;
use std::sync::Arc;

/// A query ready to run, and what is told about it.
pub struct Prepared {
    pub query: Query,
    pub summary: String,
    pub plan: Explained,
}

/// What `explain` shows of a query.
pub struct Explained {
    /// The stages that find the documents, and those of a find.
    pub tree: PlanNode,
    /// The filter spelled out.
    pub filter: DocBuf,
    /// The stages of a pipeline that run over the documents.
    pub stages: Vec<DocBuf>,
}

impl Prepared {
    /// A query over documents that are already there.
    pub fn of(documents: Vec<DocBuf>, pipeline: &Pipeline) -> Prepared {
        Prepared::from(Source::Given(documents.into()), pipeline)
    }

    /// A query over documents that are not found by a plan.
    fn from(source: Source, pipeline: &Pipeline) -> Prepared {
        Prepared {
            query: Query::new(source, pipeline.start(), None),
            summary: "EOF".to_owned(),
            plan: Explained {
                tree: PlanNode::nothing(),
                filter: DocBuf::new(),
                stages: shown(pipeline),
            },
        }
    }

    /// A query over a collection that is computed.
    pub fn made(computed: &Computed, walk: &Walk<'_>, pipeline: &Pipeline) -> Prepared {
        Prepared::from(computed.source(walk), pipeline)
    }

    /// A query over what `choice` finds.
    pub fn over(
        collection: &Collection,
        choice: Choice,
        filter: &Arc<Filter>,
        pipeline: &Pipeline,
    ) -> Prepared {
        let tree = choice.tree(filter);
        let scan = Scan::new(collection, choice.access, filter.clone());
        Prepared {
            query: Query::new(Source::Scan(Box::new(scan)), pipeline.start(), None),
            summary: choice.summary,
            plan: Explained { tree, filter: filter.to_bson(), stages: shown(pipeline) },
        }
    }
}

fn shown(pipeline: &Pipeline) -> Vec<DocBuf> {
    let stages = pipeline.stages().iter().map(|stage| stage.to_bson().clone());
    stages.chain(pipeline.sink().map(|sink| sink.to_bson().clone())).collect()
}

/// Plans a pipeline over a collection or view. `stages` is the client's array.
pub fn prepare_pipeline(
    resolved: &Resolved,
    stages: RawDoc<'_>,
    hint: Option<&Hint>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    let mut all = ArrayBuilder::detached();
    resolved.append_stages(&mut all);
    for stage in stages {
        all.push(stage.value());
    }
    let pipeline = Pipeline::parse(all.finish().as_raw(), constants)?;
    prepare_resolved(resolved, pipeline, hint, constants)
}

/// Plans a question and the stages behind it, over a collection or view. Over a view the question is
/// a stage like any other.
pub fn prepare_query(
    resolved: &Resolved,
    filter: RawDoc<'_>,
    stages: RawDoc<'_>,
    hint: Option<&Hint>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    if !resolved.is_view {
        let pipeline = Pipeline::behind_query(filter, stages, constants)?;
        return prepare_parsed(resolved.collection.as_deref(), pipeline, hint, constants);
    }
    let mut all = ArrayBuilder::detached();
    all.push_with(|stage| {
        stage.append_doc("$match", filter);
    });
    for stage in stages {
        all.push(stage.value());
    }
    prepare_pipeline(resolved, all.finish().as_raw(), hint, constants)
}

/// Plans the whole of a pipeline, that of the views included, over what a name stands for.
pub fn prepare_resolved(
    resolved: &Resolved,
    pipeline: Pipeline,
    hint: Option<&Hint>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    match &resolved.computed {
        Some(computed) => {
            let filter = first_match(&pipeline).unwrap_or(RawDoc::EMPTY);
            Ok(Prepared::made(computed, &Walk { filter, backwards: false }, &pipeline))
        }
        None => prepare_parsed(resolved.collection.as_deref(), pipeline, hint, constants),
    }
}

/// The filter with which a pipeline begins.
fn first_match(pipeline: &Pipeline) -> Option<RawDoc<'_>> {
    let first = pipeline.stages().first().filter(|stage| stage.name() == "$match")?;
    first.to_bson().as_raw().get("$match").and_then(RawValue::as_document)
}

/// Plans a pipeline that is parsed already and has no source of its own.
fn prepare_parsed(
    collection: Option<&Collection>,
    pipeline: Pipeline,
    hint: Option<&Hint>,
    constants: &Arc<Constants>,
) -> Result<Prepared> {
    let Some(collection) = collection else { return Ok(Prepared::of(Vec::new(), &pipeline)) };
    let (front, rest) = pipeline.split_front(constants)?;
    let filter = match front.filter() {
        Some((_, filter)) => filter.clone(),
        None => Arc::new(Filter::everything()),
    };
    let unsorted = SortPattern::default();
    let sort = front.sort().unwrap_or(&unsorted);
    let wish = Wish { hint, limited: front.limit().is_some(), ..Wish::default() };
    let choice = choose_as_wished(collection, &filter, sort, wish)?;
    let provided = if choice.sorted { Provided::Sort } else { Provided::Filter };
    let pipeline = front.remaining(provided).then(rest);
    Ok(Prepared::over(collection, choice, &filter, &pipeline))
}

/// The `hint` of a command.
pub fn hint(value: Option<RawValue<'_>>) -> Result<Option<Hint>> {
    Ok(value.map(Hint::parse).transpose()?.flatten())
}
