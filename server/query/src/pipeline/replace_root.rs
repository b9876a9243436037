//! `$replaceRoot` and `$replaceWith`.

use super::stage::{Definition, Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use crate::expression::{Expression, show, type_name};
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Replace {
    /// What the value is called in the refusal of one that is no object.
    called: &'static str,
    root: Arc<Expression>,
}

impl Definition for Replace {
    fn start(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}

impl Stage for Replace {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        match self.root.evaluate(doc)? {
            Some(Bson::Document(root)) => output.take(DocBuf::from(&root).as_raw()),
            other => Err(self.refuse(other.as_ref(), doc)),
        }
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted
    }
}

impl Replace {
    fn refuse(&self, value: Option<&Bson>, input: RawDoc<'_>) -> CommandError {
        CommandError::location(
            40228,
            format!(
                "{} must evaluate to an object, but resulting value was: {}. Type of resulting \
                 value: '{}'. Input document: {}",
                self.called,
                show(value),
                type_name(value),
                show(Some(&Bson::Document(input.to_document())))
            ),
        )
    }
}

pub(super) fn parse_root(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let RawValue::Document(fields) = spec else {
        return Err(CommandError::location(
            40229,
            format!(
                "expected an object as specification for $replaceRoot stage, got {}",
                spec.type_name()
            ),
        ));
    };
    if let Some(unknown) = fields.iter().find(|field| field.key() != "newRoot") {
        return Err(CommandError::location(
            40230,
            format!(
                "unrecognized option to $replaceRoot stage: {}, only valid option is 'newRoot'.",
                unknown.key()
            ),
        ));
    }
    let root = fields.get("newRoot").ok_or_else(|| {
        CommandError::location(40231, "no newRoot specified for the $replaceRoot stage")
    })?;
    let root = Arc::new(Expression::parse_in_pipeline(root, constants)?);
    let replace = Replace { called: "'newRoot' expression ", root };
    Ok(vec![StageSpec::new(name, spec, Kind::other(replace))])
}

pub(super) fn parse_with(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let root = Arc::new(Expression::parse_in_pipeline(spec, constants)?);
    let replace = Replace { called: "'replacement document' ", root };
    Ok(vec![StageSpec::new(name, spec, Kind::other(replace))])
}
