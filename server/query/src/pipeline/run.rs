//! Running a pipeline: each stage pulls from the one before it.

use super::{Input, Pipeline, Stage, Step};
use quire_bson::{DocBuf, RawDoc};
use quire_errors::Result;

/// A running pipeline. It owns all its state, so it can rest between batches.
pub struct Chain {
    stages: Vec<Box<dyn Stage>>,
}

impl Chain {
    pub fn new(stages: Vec<Box<dyn Stage>>) -> Chain {
        Chain { stages }
    }

    /// The next document that comes out of the last stage.
    pub fn next(&mut self, source: &mut dyn Input) -> Result<Step> {
        pull(&mut self.stages, source)
    }
}

/// The stages above one stage, as its input.
struct Upstream<'a> {
    stages: &'a mut [Box<dyn Stage>],
    source: &'a mut dyn Input,
}

impl Input for Upstream<'_> {
    fn next(&mut self) -> Result<Step> {
        pull(self.stages, self.source)
    }
}

fn pull(stages: &mut [Box<dyn Stage>], source: &mut dyn Input) -> Result<Step> {
    match stages.split_last_mut() {
        None => source.next(),
        Some((last, before)) => last.next(&mut Upstream { stages: before, source }),
    }
}

/// A source of one document.
struct Single(Option<DocBuf>);

impl Input for Single {
    fn next(&mut self) -> Result<Step> {
        Ok(self.0.take().map_or(Step::Done, Step::Doc))
    }
}

pub(super) fn one(pipeline: &Pipeline, doc: RawDoc<'_>) -> Result<Option<DocBuf>> {
    let mut source = Single(Some(DocBuf::from(doc)));
    match pipeline.start().next(&mut source)? {
        Step::Doc(doc) => Ok(Some(doc)),
        Step::Yield | Step::Done => Ok(None),
    }
}
