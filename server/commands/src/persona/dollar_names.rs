//! Names with a dollar at their beginning, which documents may have since 5.0.
//!
//! Owns what older versions refuse of documents that are inserted, that replace others, and that
//! updates set.

use super::{Behaviour, Persona};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// Operators of updates whose fields' values are stored as they are.
const SETTERS: &[&str] = &["$set", "$setOnInsert"];

/// The names of a reference to another document.
const OF_REFERENCES: &[&str] = &["$ref", "$id", "$db"];

/// The check of a document that is to be inserted, where there is one.
pub fn refused_by(persona: Persona) -> Option<fn(RawDoc<'_>) -> Result<()>> {
    (!persona.has(Behaviour::DollarNames)).then_some(refuse_new)
}

/// Names further down were never looked at.
fn refuse_new(document: RawDoc<'_>) -> Result<()> {
    match document.iter().find(|element| element.key().starts_with('$')) {
        None => Ok(()),
        Some(element) => Err(CommandError::bad_value(format!(
            "Document can't have $ prefixed field names: {}",
            element.key()
        ))),
    }
}

/// Refuses an update, as a client wrote it, that would store such names.
pub fn check_update(persona: Persona, update: RawValue<'_>) -> Result<()> {
    let RawValue::Document(update) = update else { return Ok(()) };
    if persona.has(Behaviour::DollarNames) {
        return Ok(());
    }
    let is_replacement = update.nth(0).is_none_or(|first| !first.key().starts_with('$'));
    if is_replacement {
        return refuse_within(update, "");
    }
    let setters = update.iter().filter(|operator| SETTERS.contains(&operator.key()));
    for fields in setters.filter_map(|operator| operator.value().as_document()) {
        for field in fields {
            refuse_value(field.value(), field.key())?;
        }
    }
    Ok(())
}

/// As deep as documents come in, which is bounded.
fn refuse_within(document: RawDoc<'_>, above: &str) -> Result<()> {
    for element in document {
        let name = element.key();
        let path = if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
        if name.starts_with('$') && !OF_REFERENCES.contains(&name) {
            return Err(CommandError::new(
                Code::DollarPrefixedFieldName,
                format!(
                    "The dollar ($) prefixed field '{name}' in '{path}' is not valid for storage."
                ),
            ));
        }
        refuse_value(element.value(), &path)?;
    }
    Ok(())
}

fn refuse_value(value: RawValue<'_>, path: &str) -> Result<()> {
    match value {
        RawValue::Document(inner) | RawValue::Array(inner) => refuse_within(inner, path),
        _ => Ok(()),
    }
}
