//! `$project` and `$unset`.

use super::stage::{Definition, Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use crate::expression::invalid_stage;
use crate::projection::{Mode, Projection};
use quire_bson::{DocBuilder, RawDoc, RawValue, Scratch};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Project {
    projection: Arc<Projection>,
    shown: Scratch,
}

impl Definition for Project {
    fn start(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}

impl Stage for Project {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        let projection = &self.projection;
        output.take(self.shown.try_make(|shown| projection.apply_into(doc, None, shown))?)
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted
    }
}

fn stage(
    name: &'static str,
    spec: RawValue<'_>,
    fields: RawDoc<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let projection = Projection::parse(fields, None, constants, Mode::Aggregate)
        .map_err(|error| invalid_stage(name, error))?;
    let project = Project { projection: Arc::new(projection), shown: Scratch::default() };
    Ok(vec![StageSpec::new(name, spec, Kind::other(project))])
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    match spec {
        RawValue::Document(fields) => stage(name, spec, fields, constants),
        _ => Err(CommandError::location(15969, "$project specification must be an object")),
    }
}

pub(super) fn parse_unset(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let refuse = |number, message: &str| Err(CommandError::location(number, message));
    let mut exclusion = DocBuilder::new();
    match spec {
        RawValue::String(field) => {
            exclusion.append_bool(field, false);
        }
        RawValue::Array(fields) => {
            for field in fields {
                let RawValue::String(field) = field.value() else {
                    return refuse(
                        31120,
                        "$unset specification must be a string or an array containing only string \
                         values",
                    );
                };
                exclusion.append_bool(field, false);
            }
        }
        _ => return refuse(31002, "$unset specification must be a string or an array"),
    }
    if exclusion.is_empty() {
        return refuse(
            31119,
            "$unset specification must be a string or an array with at least one field",
        );
    }
    stage(name, spec, exclusion.finish().as_raw(), constants)
}
