//! Stages by table: a pipeline, the documents it sees, and what comes out of it.

mod front;
mod group;
mod stages;

use super::{Flow, Input, Output, Pipeline, Stopped};
use crate::Constants;
use quire_bson::{Bson, DocBuf, Document, RawDoc, doc};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(super) fn constants() -> Arc<Constants> {
    Arc::new(Constants { random_seed: 7, ..Constants::default() })
}

pub(super) fn parse(stages: impl IntoIterator<Item = Document>) -> Result<Pipeline> {
    let stages: Vec<Bson> = stages.into_iter().map(Bson::Document).collect();
    let holder = DocBuf::from(&doc! { "p": stages });
    let stages = holder.as_raw().get("p").unwrap().as_array().unwrap();
    Pipeline::parse(stages, &constants())
}

/// A source that yields before each document, as one that runs out of its time slice.
struct Yielding {
    docs: std::vec::IntoIter<Document>,
    yielded: bool,
}

impl Input for Yielding {
    fn give(&mut self, output: &mut dyn Output) -> Result<Stopped> {
        self.yielded = !self.yielded;
        if self.yielded {
            return Ok(Stopped::Yield);
        }
        let Some(doc) = self.docs.next() else { return Ok(Stopped::End) };
        Ok(match output.take(DocBuf::from(&doc).as_raw())? {
            Flow::More => Stopped::Yield,
            Flow::Full => Stopped::Full,
            Flow::End => Stopped::End,
        })
    }
}

pub(super) fn run_parsed(pipeline: &Pipeline, docs: Vec<Document>) -> Result<Vec<Document>> {
    let at_once = run_for(pipeline, docs.clone(), Flow::More)?;
    let one_by_one = run_for(pipeline, docs, Flow::Full)?;
    assert_eq!(at_once, one_by_one, "a batch that is full loses and adds nothing");
    Ok(at_once)
}

/// Runs a pipeline for someone who says `flow` to each document.
fn run_for(pipeline: &Pipeline, docs: Vec<Document>, flow: Flow) -> Result<Vec<Document>> {
    let mut source = Yielding { docs: docs.into_iter(), yielded: false };
    let mut chain = pipeline.start();
    let mut out = Vec::new();
    let mut keep = |doc: RawDoc<'_>| {
        out.push(doc.to_document());
        Ok(flow)
    };
    while chain.run(&mut source, &mut keep)? != Stopped::End {}
    Ok(out)
}

pub(super) fn run(
    stages: impl IntoIterator<Item = Document>,
    docs: impl IntoIterator<Item = Document>,
) -> Result<Vec<Document>> {
    run_parsed(&parse(stages)?, docs.into_iter().collect())
}

#[track_caller]
pub(super) fn gives<const N: usize, const D: usize, const R: usize>(
    stages: [Document; N],
    docs: [Document; D],
    expected: [Document; R],
) {
    match run(stages.clone(), docs) {
        Ok(found) => assert_eq!(found, expected, "{stages:?}"),
        Err(error) => panic!("{stages:?} failed: {error:?}"),
    }
}

#[track_caller]
pub(super) fn refused(stages: impl IntoIterator<Item = Document>) -> CommandError {
    match parse(stages) {
        Ok(pipeline) => panic!("{pipeline:?} was accepted"),
        Err(error) => error,
    }
}

/// Each single stage is refused when it is parsed.
#[track_caller]
pub(super) fn all_refused(cases: impl IntoIterator<Item = (Document, i32, &'static str)>) {
    for (stage, code, message) in cases {
        let error = refused([stage.clone()]);
        assert_eq!(error.code().number(), code, "{stage}: {error:?}");
        assert_eq!(error.message(), message, "{stage}");
    }
}
