//! From the client's array to stages.
//!
//! Owns the rules about the whole: how many stages, which may only come first or last, and how
//! neighbours act together.

use super::stage::{Kind, StageSpec};
use super::table::{self, Position};
use super::{Endpoint, Pipeline};
use crate::Constants;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// How many stages a pipeline may have.
const STAGES_MAX: usize = 1000;

pub(super) fn pipeline(stages: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Pipeline> {
    let mut pipeline = Pipeline::default();
    let count = stages.count();
    if count > STAGES_MAX {
        return Err(CommandError::location(
            7_749_501,
            format!("Pipeline length must be no longer than {STAGES_MAX} stages"),
        ));
    }
    for (at, element) in stages.iter().enumerate() {
        let (name, spec) = single_field(element.value())?;
        let entry = table::find(name).ok_or_else(|| unrecognized(name))?;
        match entry.position {
            Position::First if at > 0 => return Err(not_first(entry.name)),
            Position::Last if at + 1 < count => return Err(not_last(entry.name)),
            Position::First | Position::Last | Position::Any => {}
        }
        match entry.parse {
            table::Parse::Stages(parse) => {
                pipeline.stages.extend(parse(entry.name, spec, constants)?);
            }
            table::Parse::Source => pipeline.source = Some(Endpoint::new(entry.name, spec)),
            table::Parse::Sink => pipeline.sink = Some(Endpoint::new(entry.name, spec)),
        }
    }
    bound_sorts(&mut pipeline.stages);
    Ok(pipeline)
}

/// Refuses stages that there are not; what is in the others is not looked at.
pub fn check_stage_names(stages: RawDoc<'_>) -> Result<()> {
    for element in stages {
        let (name, _) = single_field(element.value())?;
        table::find(name).ok_or_else(|| unrecognized(name))?;
    }
    Ok(())
}

fn unrecognized(name: &str) -> CommandError {
    CommandError::location(40324, format!("Unrecognized pipeline stage name: '{name}'"))
}

/// The stages that an update's pipeline may have.
const UPDATE_STAGES: [&str; 6] =
    ["$addFields", "$set", "$project", "$unset", "$replaceRoot", "$replaceWith"];

pub(super) fn update(stages: RawDoc<'_>, constants: &Arc<Constants>) -> Result<Pipeline> {
    for element in stages {
        let (name, _) = single_field(element.value())?;
        if table::find(name).is_some() && !UPDATE_STAGES.contains(&name) {
            return Err(CommandError::new(
                Code::InvalidOptions,
                format!("{name} is not allowed to be used within an update"),
            ));
        }
    }
    pipeline(stages, constants)
}

fn single_field(stage: RawValue<'_>) -> Result<(&str, RawValue<'_>)> {
    let RawValue::Document(stage) = stage else {
        return Err(CommandError::type_mismatch(
            "Each element of the 'pipeline' array must be an object",
        ));
    };
    let mut fields = stage.iter();
    match (fields.next(), fields.next()) {
        (Some(field), None) => Ok((field.key(), field.value())),
        _ => Err(CommandError::location(
            40323,
            "A pipeline stage specification object must contain exactly one field.",
        )),
    }
}

fn not_first(name: &str) -> CommandError {
    CommandError::location(40602, format!("{name} is only valid as the first stage in a pipeline"))
}

fn not_last(name: &str) -> CommandError {
    CommandError::location(40601, format!("{name} can only be the final stage in the pipeline"))
}

/// Tells each sort how many documents the `$skip`s and the `$limit` behind it can ask for, so that it
/// keeps no more than those.
fn bound_sorts(stages: &mut [StageSpec]) {
    let mut wanted: Option<u64> = None;
    for stage in stages.iter_mut().rev() {
        match &mut stage.kind {
            Kind::Limit(limit) => wanted = Some(wanted.map_or(*limit, |n| n.min(*limit))),
            Kind::Skip(skip) => wanted = wanted.and_then(|n| n.checked_add(*skip)),
            Kind::Sort(_, limit) => *limit = wanted.take(),
            Kind::Match(_) | Kind::Other(_) => wanted = None,
        }
    }
}
