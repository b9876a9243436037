//! Pipelines: stages that documents flow through.
//!
//! Owns parsing a pipeline into stages, the rules of which stage may stand where, what of its front a
//! scan may take over, and running it. Documents are pushed through the stages where they lie: whoever
//! keeps one longer than a call makes a copy, and nobody else does. A running stage is plain data between
//! calls, with no reference to where documents come from or go to. So a cursor can rest for minutes with
//! a half-run pipeline and no snapshot open.
//!
//! A stage never does I/O: what a special source (`$collStats`, ...) means is the commands' affair, and
//! so is what becomes of the documents that a pipeline gives to a sink (`$out`, `$merge`).

mod add_fields;
mod count;
mod documents;
mod endpoint;
mod front;
mod group;
mod limit;
mod match_filter;
mod memory;
mod parse;
mod project;
mod redact;
mod replace_root;
mod run;
mod sample;
mod sort;
mod stage;
mod table;
mod unavailable;
mod unwind;

#[cfg(test)]
mod tests;

pub use documents::documents;
pub use endpoint::Endpoint;
pub use front::{Front, Provided};
pub use parse::check_stage_names;
pub use run::Chain;
pub use stage::StageSpec;
pub use table::{fills_sink, is_in_stable_api};

use crate::Constants;
use crate::filter::Filter;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_errors::Result;
use std::sync::Arc;

/// What whoever takes documents says after each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// The next one, please.
    More,
    /// Enough for now. This document was taken, and the next one follows when the pipeline goes on.
    Full,
    /// No further document would be looked at.
    End,
}

/// Why documents stopped coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Whoever takes them has enough for now.
    Full,
    /// The time slice is used up; go on later. Nothing is lost.
    Yield,
    /// There are no more, or no more are wanted.
    End,
}

/// Takes documents, each of which is there only for the call.
pub trait Output {
    fn take(&mut self, doc: RawDoc<'_>) -> Result<Flow>;
}

impl<F: FnMut(RawDoc<'_>) -> Result<Flow>> Output for F {
    fn take(&mut self, doc: RawDoc<'_>) -> Result<Flow> {
        self(doc)
    }
}

/// Where documents come from.
pub trait Input {
    /// Gives the documents that follow.
    fn give(&mut self, output: &mut dyn Output) -> Result<Stopped>;
}

/// One running stage.
pub trait Stage: Send {
    /// Takes in a document and gives what becomes of it.
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow>;

    /// Called before further documents come: gives what it could not give when the output was full.
    fn go_on(&mut self, _output: &mut dyn Output) -> Result<Flow> {
        Ok(Flow::More)
    }

    /// No documents follow: gives what it kept until now, until the output is full. Then it is called
    /// again.
    fn finish(&mut self, _output: &mut dyn Output) -> Result<Flow> {
        Ok(Flow::More)
    }

    /// How many documents it will take in, at the least, to give so many.
    fn needs(&self, wanted: u64) -> u64;
}

/// What a stage needs that gives nothing before it has seen everything.
const EVERYTHING: u64 = u64::MAX;

/// A parsed pipeline. Cheap to clone; running it does not change it.
#[derive(Clone, Debug, Default)]
pub struct Pipeline {
    source: Option<Endpoint>,
    stages: Vec<StageSpec>,
    sink: Option<Endpoint>,
}

impl Pipeline {
    /// Parses the stages, given as a BSON array.
    pub fn parse(stages: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Pipeline> {
        parse::pipeline(stages, constants)
    }

    /// Parses stages that follow a client's question to a collection, which unlike a `$match` may
    /// have `$where`.
    pub fn behind_query(
        filter: RawDoc<'_>,
        stages: RawDoc<'_>,
        constants: &Arc<Constants>,
    ) -> Result<Pipeline> {
        let kind = stage::Kind::Match(Arc::new(Filter::parse_query(filter, constants)?));
        let first = StageSpec::new("$match", RawValue::Document(filter), kind);
        let rest = parse::pipeline(stages, constants)?;
        Ok(Pipeline { stages: vec![first], ..Pipeline::default() }.then(rest))
    }

    /// Parses the pipeline of an update, which may hold only stages that keep documents one to one.
    pub fn parse_for_update(stages: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Pipeline> {
        parse::update(stages, constants)
    }

    /// The special source that the first stage asked for, instead of a collection's documents.
    pub fn source(&self) -> Option<&Endpoint> {
        self.source.as_ref()
    }

    /// Where the documents go that come out of the last stage, instead of to the client.
    pub fn sink(&self) -> Option<&Endpoint> {
        self.sink.as_ref()
    }

    pub fn stages(&self) -> &[StageSpec] {
        &self.stages
    }

    /// True when documents pass unchanged.
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Starts the stages; documents are then pulled through the chain.
    pub fn start(&self) -> Chain {
        Chain::new(self.stages.iter().map(StageSpec::start).collect())
    }

    /// Runs the pipeline over one document, as an update does. `None` when it gave no document.
    pub fn apply(&self, doc: RawDoc<'_>) -> Result<Option<DocBuf>> {
        run::one(self, doc)
    }

    /// This pipeline with the stages of `rest` behind it.
    #[must_use]
    pub fn then(mut self, rest: Pipeline) -> Pipeline {
        self.stages.extend(rest.stages);
        self.sink = rest.sink;
        self
    }
}
