//! The options of `$merge`.

use super::on::On;
use super::{Asked, refuse_special, target};
use crate::arguments::Arguments;
use quire_bson::{DocBuf, RawDoc, RawValue};
use quire_documents::Namespace;
use quire_errors::{Code, CommandError, Result};
use quire_query::expression::{Expression, check_variable_name};

pub(super) const STAGE: &str = "$merge";

/// The variable that stands for the document which comes out of the pipeline.
const NEW: &str = "new";

/// What becomes of a document that is there.
#[derive(Debug, PartialEq)]
pub(super) enum WhenMatched {
    Replace,
    KeepExisting,
    Merge,
    Fail,
    /// The stages, as a document that holds the array.
    Pipeline(DocBuf),
}

/// What becomes of a document that has no counterpart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenNotMatched {
    Insert,
    Discard,
    Fail,
}

pub(super) struct Spec {
    pub(super) target: Namespace,
    pub(super) on: On,
    pub(super) when_matched: WhenMatched,
    pub(super) when_not_matched: WhenNotMatched,
    /// What the stages of `whenMatched` may refer to by a name, for each document anew.
    pub(super) variables: Vec<(String, Expression)>,
}

impl Spec {
    pub(super) fn parse(asked: &Asked<'_>, options: RawValue<'_>) -> Result<Spec> {
        match options {
            RawValue::String(_) => {
                let target = into(asked, options)?;
                let (when_matched, when_not_matched) = modes(None, None)?;
                let (on, variables) = (On::the_id(), Vec::new());
                Ok(Spec { target, on, when_matched, when_not_matched, variables })
            }
            RawValue::Document(options) => Spec::read(asked, options),
            other => Err(CommandError::location(
                51182,
                format!(
                    "{STAGE} requires a string or object argument, but found {}",
                    other.type_name()
                ),
            )),
        }
    }

    fn read(asked: &Asked<'_>, options: RawDoc<'_>) -> Result<Spec> {
        let mut arguments = Arguments::nested(STAGE, options)?;
        let target = into(asked, arguments.take("into").unwrap_or(RawValue::Undefined))?;
        let on = arguments.take("on").map_or(Ok(On::the_id()), On::parse)?;
        let variables = arguments.optional_doc("let")?;
        let matched = arguments.take("whenMatched");
        let (when_matched, when_not_matched) = modes(matched, arguments.take("whenNotMatched"))?;
        arguments.finish()?;
        let is_pipeline = matches!(when_matched, WhenMatched::Pipeline(_));
        if variables.is_some() && !is_pipeline {
            let mode = matched.and_then(RawValue::as_str).unwrap_or("merge");
            return Err(CommandError::location(
                51199,
                format!("Cannot use 'let' variables with 'whenMatched: {mode}' mode"),
            ));
        }
        let variables = match is_pipeline {
            true => read_variables(asked, variables.unwrap_or(RawDoc::EMPTY))?,
            false => Vec::new(),
        };
        Ok(Spec { target, on, when_matched, when_not_matched, variables })
    }
}

fn into(asked: &Asked<'_>, into: RawValue<'_>) -> Result<Namespace> {
    let names = match into {
        RawValue::String(collection) => (None, collection),
        RawValue::Document(into) => {
            let mut arguments = Arguments::nested("$merge.into", into)?;
            let names = (arguments.optional_str("db")?, arguments.str("coll")?);
            arguments.finish()?;
            names
        }
        RawValue::Undefined => {
            return Err(CommandError::location(
                40414,
                "BSON field '$merge.into' is missing but a required field",
            ));
        }
        other => {
            return Err(CommandError::location(
                51178,
                format!(
                    "{STAGE} 'into' field must be either a string or an object, but found {}",
                    other.type_name()
                ),
            ));
        }
    };
    let target = target(STAGE, asked.context, names)?;
    refuse_special(STAGE, &target, (31319, 31320))?;
    Ok(target)
}

/// What is to be done, or why not both can be.
fn modes(
    matched: Option<RawValue<'_>>,
    not_matched: Option<RawValue<'_>>,
) -> Result<(WhenMatched, WhenNotMatched)> {
    let when_matched = match matched {
        None => WhenMatched::Merge,
        Some(RawValue::String("replace")) => WhenMatched::Replace,
        Some(RawValue::String("keepExisting")) => WhenMatched::KeepExisting,
        Some(RawValue::String("merge")) => WhenMatched::Merge,
        Some(RawValue::String("fail")) => WhenMatched::Fail,
        Some(RawValue::String(other)) => return Err(no_mode("whenMatched", other)),
        Some(stages @ RawValue::Array(_)) => {
            WhenMatched::Pipeline(DocBuf::of_value(&stages.to_bson()))
        }
        Some(other) => {
            return Err(CommandError::location(
                51191,
                format!(
                    "{STAGE} 'whenMatched' field must be either a string or an array, but found {}",
                    other.type_name()
                ),
            ));
        }
    };
    let when_not_matched = match not_matched {
        None | Some(RawValue::String("insert")) => WhenNotMatched::Insert,
        Some(RawValue::String("discard")) => WhenNotMatched::Discard,
        Some(RawValue::String("fail")) => WhenNotMatched::Fail,
        Some(RawValue::String(other)) => return Err(no_mode("whenNotMatched", other)),
        Some(other) => {
            return Err(CommandError::type_mismatch(format!(
                "BSON field '$merge.whenNotMatched' is the wrong type '{}', expected type 'string'",
                other.type_name()
            )));
        }
    };
    let needs_insert = matches!(when_matched, WhenMatched::KeepExisting | WhenMatched::Fail);
    if needs_insert && when_not_matched != WhenNotMatched::Insert {
        return Err(CommandError::location(
            51181,
            format!(
                "Combination of {STAGE} modes 'whenMatched: {}' and 'whenNotMatched: {}' is not \
                 supported",
                matched.and_then(RawValue::as_str).unwrap_or_default(),
                not_matched.and_then(RawValue::as_str).unwrap_or_default()
            ),
        ));
    }
    Ok((when_matched, when_not_matched))
}

fn no_mode(field: &str, value: &str) -> CommandError {
    CommandError::bad_value(format!(
        "Enumeration value '{value}' for field '{field}' is not a valid value."
    ))
}

/// The variables, and the one for the new document.
fn read_variables(asked: &Asked<'_>, given: RawDoc<'_>) -> Result<Vec<(String, Expression)>> {
    let whole = RawValue::String("$$ROOT");
    let mut variables = Vec::new();
    for element in given {
        let (name, value) = (element.key(), element.value());
        check_variable_name(name)?;
        if name == NEW && value.as_str() != Some("$$ROOT") {
            return Err(CommandError::location(
                51273,
                "'let' may not define a value for the reserved 'new' variable other than '$$ROOT'",
            ));
        }
        variables.push((name.to_owned(), Expression::parse(value, asked.constants)?));
    }
    if !variables.iter().any(|(name, _)| name == NEW) {
        variables.push((NEW.to_owned(), Expression::parse(whole, asked.constants)?));
    }
    Ok(variables)
}

impl Spec {
    /// The stages for a document that is there.
    pub(super) fn stages(&self) -> Option<RawValue<'_>> {
        match &self.when_matched {
            WhenMatched::Pipeline(holder) => holder.as_raw().nth(0).map(|element| element.value()),
            _ => None,
        }
    }

    /// The error for a document without a counterpart.
    pub(super) fn no_counterpart() -> CommandError {
        CommandError::new(
            Code::MergeStageNoMatchingDocument,
            "$merge could not find a matching document in the target collection for at least one \
             document in the source collection",
        )
    }
}
