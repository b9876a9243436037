//! `$match`.

use super::stage::{Kind, StageSpec};
use super::{Input, Stage, Step};
use crate::Constants;
use crate::filter::Filter;
use quire_bson::RawValue;
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
    fn next(&mut self, input: &mut dyn Input) -> Result<Step> {
        loop {
            match input.next()? {
                Step::Doc(doc) if self.filter.matches(doc.as_raw())? => return Ok(Step::Doc(doc)),
                Step::Doc(_) => {}
                other => return Ok(other),
            }
        }
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
