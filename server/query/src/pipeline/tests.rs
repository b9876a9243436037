//! Stages by table: a pipeline, the documents it sees, and what comes out of it.

mod front;
mod group;
mod stages;

use super::{Input, Pipeline, Step};
use crate::Constants;
use quire_bson::{Bson, DocBuf, Document, doc};
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
    fn next(&mut self) -> Result<Step> {
        self.yielded = !self.yielded;
        if self.yielded {
            return Ok(Step::Yield);
        }
        Ok(self.docs.next().map_or(Step::Done, |doc| Step::Doc(DocBuf::from(&doc))))
    }
}

pub(super) fn run_parsed(pipeline: &Pipeline, docs: Vec<Document>) -> Result<Vec<Document>> {
    let mut source = Yielding { docs: docs.into_iter(), yielded: false };
    let mut chain = pipeline.start();
    let mut out = Vec::new();
    loop {
        match chain.next(&mut source)? {
            Step::Doc(doc) => out.push(doc.as_raw().to_document()),
            Step::Yield => {}
            Step::Done => return Ok(out),
        }
    }
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
