//! `$limit` and `$skip`.

use super::stage::{Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use quire_bson::{Number, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(super) struct Limit {
    left: u64,
}

impl Limit {
    pub(super) fn new(limit: u64) -> Limit {
        Limit { left: limit }
    }
}

impl Stage for Limit {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        if self.left == 0 {
            return Ok(Flow::End);
        }
        self.left = self.left.saturating_sub(1);
        match output.take(doc)? {
            Flow::More => self.go_on(output),
            flow => Ok(flow),
        }
    }

    fn go_on(&mut self, _: &mut dyn Output) -> Result<Flow> {
        Ok(if self.left == 0 { Flow::End } else { Flow::More })
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted.min(self.left)
    }
}

pub(super) struct Skip {
    left: u64,
}

impl Skip {
    pub(super) fn new(skip: u64) -> Skip {
        Skip { left: skip }
    }
}

impl Stage for Skip {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        if self.left == 0 {
            return output.take(doc);
        }
        self.left = self.left.saturating_sub(1);
        Ok(Flow::More)
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted.saturating_add(self.left)
    }
}

pub(super) fn parse_limit(
    name: &'static str,
    spec: RawValue<'_>,
    _: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let limit = non_negative(name, 2_107_201, spec)?;
    if limit == 0 {
        return Err(CommandError::location(15958, "the limit must be positive"));
    }
    Ok(vec![StageSpec::new(name, spec, Kind::Limit(limit))])
}

pub(super) fn parse_skip(
    name: &'static str,
    spec: RawValue<'_>,
    _: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let skip = non_negative(name, 5_107_200, spec)?;
    Ok(vec![StageSpec::new(name, spec, Kind::Skip(skip))])
}

fn non_negative(name: &str, number: i32, spec: RawValue<'_>) -> Result<u64> {
    let refuse = |what: &str| {
        CommandError::location(
            number,
            format!(
                "invalid argument to {name} stage: Expected {what} in: {}",
                crate::render::element(name, spec)
            ),
        )
    };
    if Number::from_raw(spec).is_none() {
        return Err(refuse("a number"));
    }
    let exact = crate::expression::exact_integer(spec).ok_or_else(|| refuse("an integer"))?;
    u64::try_from(exact).map_err(|_| refuse("a non-negative number"))
}
