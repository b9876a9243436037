//! `$match`.

use super::stage::{Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use crate::filter::Filter;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(super) struct Match {
    filter: Arc<Filter>,
}

impl Match {
    pub(super) fn new(filter: Arc<Filter>) -> Match {
        Match { filter }
    }
}

impl Stage for Match {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        if self.filter.matches(doc)? { output.take(doc) } else { Ok(Flow::More) }
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted
    }
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let RawValue::Document(filter) = spec else {
        return Err(CommandError::location(
            15959,
            "the match filter must be an expression in an object",
        ));
    };
    let filter = Filter::parse(filter, constants)?;
    Ok(vec![StageSpec::new(name, spec, Kind::Match(Arc::new(filter)))])
}
