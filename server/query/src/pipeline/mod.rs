//! Pipelines: stages that documents flow through.
//!
//! Owns parsing a pipeline into stages, the rules of which stage may stand where, what of its front a
//! scan may take over, and running it. A running stage is plain data between calls: it keeps no
//! reference to its input, which is handed in with each call. So a cursor can rest for minutes with a
//! half-run pipeline and no snapshot open.
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

/// What a stage or source gives when asked for its next document.
#[derive(Debug)]
pub enum Step {
    Doc(DocBuf),
    /// The time slice is used up; ask again later. Nothing is lost.
    Yield,
    Done,
}

/// Where documents come from.
pub trait Input {
    fn next(&mut self) -> Result<Step>;
}

/// One running stage.
pub trait Stage: Send {
    fn next(&mut self, input: &mut dyn Input) -> Result<Step>;
}

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
