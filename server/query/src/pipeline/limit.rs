//! `$limit` and `$skip`.

use super::stage::{Kind, StageSpec};
use super::{Input, Stage, Step};
use crate::Constants;
use quire_bson::{Number, RawValue};
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
    fn next(&mut self, input: &mut dyn Input) -> Result<Step> {
        if self.left == 0 {
            return Ok(Step::Done);
        }
        let step = input.next()?;
        if matches!(step, Step::Doc(_)) {
            self.left = self.left.saturating_sub(1);
        }
        Ok(step)
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
    fn next(&mut self, input: &mut dyn Input) -> Result<Step> {
        while self.left > 0 {
            match input.next()? {
                Step::Doc(_) => self.left = self.left.saturating_sub(1),
                other => return Ok(other),
            }
        }
        input.next()
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
