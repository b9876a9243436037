//! A parsed stage.

use super::Stage;
use super::limit::{Limit, Skip};
use super::match_filter::Match;
use super::sort::Sort;
use crate::filter::Filter;
use crate::sort::SortPattern;
use quire_bson::{DocBuf, DocBuilder, RawValue};
use std::sync::Arc;

/// How a stage that only runs is started.
pub(super) trait Definition: std::fmt::Debug + Send + Sync {
    fn start(&self) -> Box<dyn Stage>;
}

/// What a stage does. Those that a scan can take over, or that act together with their neighbours,
/// are told apart.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Match(Arc<Filter>),
    /// A sort, and how many of the first documents are wanted of it.
    Sort(SortPattern, Option<u64>),
    Limit(u64),
    Skip(u64),
    Other(Arc<dyn Definition>),
}

impl Kind {
    pub(super) fn other(definition: impl Definition + 'static) -> Kind {
        Kind::Other(Arc::new(definition))
    }
}

/// One stage of a parsed pipeline.
#[derive(Clone, Debug)]
pub struct StageSpec {
    name: &'static str,
    /// What the client gave as the stage's value, as a document with the stage's name as key.
    spec: DocBuf,
    pub(super) kind: Kind,
}

impl StageSpec {
    pub(super) fn new(name: &'static str, spec: RawValue<'_>, kind: Kind) -> StageSpec {
        let mut builder = DocBuilder::new();
        builder.append(name, spec);
        StageSpec { name, spec: builder.finish(), kind }
    }

    /// The name with its dollar.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The stage as explain shows it: `{$match: {…}}`.
    pub fn to_bson(&self) -> &DocBuf {
        &self.spec
    }

    /// What the client gave as the stage's value.
    pub(super) fn operand(&self) -> RawValue<'_> {
        self.spec.as_raw().nth(0).map_or(RawValue::Null, |element| element.value())
    }

    pub(super) fn start(&self) -> Box<dyn Stage> {
        match &self.kind {
            Kind::Match(filter) => Box::new(Match::new(Arc::clone(filter))),
            Kind::Sort(pattern, limit) => Box::new(Sort::new(pattern.clone(), *limit)),
            Kind::Limit(limit) => Box::new(Limit::new(*limit)),
            Kind::Skip(skip) => Box::new(Skip::new(*skip)),
            Kind::Other(definition) => definition.start(),
        }
    }
}
