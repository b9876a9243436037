//! Index specifications as clients give them.
//!
//! Owns which of them are legal, in MongoDB's words, the form in which they are kept, and when two of
//! them mean the same index.

mod compare;
mod key;
mod options;
mod partial;

pub use compare::{Conflict, compare, same_pattern};
pub use options::expire_after;

use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, shell_text};
use quire_documents::{Collection, IndexSpec};
use quire_errors::{Code, CommandError, Result};
use quire_query::{Constants, ValueOrder};
use std::sync::Arc;

/// Reads one element of `indexes`, of a collection whose order is `inherited`.
pub fn parse(
    given: RawDoc<'_>,
    inherited: &ValueOrder,
    constants: &Arc<Constants>,
) -> Result<IndexSpec> {
    let key = match given.get("key") {
        Some(RawValue::Document(key)) => key,
        Some(other) => return Err(wrong_type("key", other, "object")),
        None => return Err(required("key")),
    };
    key::check(key)
        .map_err(|error| error.context(&format!("Error in specification {}", shell_text(given))))?;
    let on_id = key::is_on_id(key);
    let name = name(given, key, on_id)?;
    options::check(given, key, on_id, constants)?;
    let mut b = DocBuilder::new();
    b.append_i32("v", options::version(given)?);
    b.append_doc("key", key);
    b.append_str("name", &name);
    options::append(given, &mut b);
    let order = options::order(given, inherited)?;
    if on_id && order != *inherited {
        return Err(CommandError::bad_value(format!(
            "The _id index must have the same collation as the collection. Index spec: {}",
            shell_text(given)
        )));
    }
    let collation = order.collation().map(|collation| collation.to_document());
    if on_id && collation.is_none() {
        return Ok(IndexSpec::on_id());
    }
    if let Some(collation) = collation {
        b.append_doc("collation", collation.as_raw());
    }
    let document: DocBuf = b.finish();
    IndexSpec::parse(document)
        .map_err(|error| CommandError::new(Code::CannotCreateIndex, error.to_string()))
}

/// What depends on the collection: the key pattern and options of one index alone do not tell.
pub fn check_for(collection: &Collection, spec: &IndexSpec) -> Result<()> {
    if collection.capped().is_some() && spec.expire_after_seconds.is_some() {
        return Err(cannot_create("Cannot create TTL index on a capped collection"));
    }
    Ok(())
}

fn name(given: RawDoc<'_>, key: RawDoc<'_>, on_id: bool) -> Result<String> {
    let name = match given.get("name") {
        None => key::default_name(key),
        Some(RawValue::String(name)) => name.to_owned(),
        Some(other) => return Err(wrong_type("name", other, "string")),
    };
    if on_id {
        return Ok("_id_".to_owned());
    }
    if name.is_empty() {
        return Err(cannot_create("index name cannot be empty"));
    }
    if name == "*" {
        return Err(CommandError::bad_value("The index name '*' is not valid."));
    }
    if name.contains('\0') {
        return Err(cannot_create("index name cannot contain NUL bytes"));
    }
    if name == "_id_" {
        return Err(CommandError::bad_value(format!(
            "The index name '_id_' is reserved for the _id index, which must have key pattern \
             {{_id: 1}}, found {}",
            shell_text(key)
        )));
    }
    Ok(name)
}

fn cannot_create(message: impl Into<String>) -> CommandError {
    CommandError::new(Code::CannotCreateIndex, message)
}

fn required(field: &str) -> CommandError {
    CommandError::failed_to_parse(format!(
        "The '{field}' field is a required property of an index specification"
    ))
}

fn wrong_type(field: &str, value: RawValue<'_>, expected: &str) -> CommandError {
    let article = if expected == "object" { "an" } else { "a" };
    CommandError::type_mismatch(format!(
        "The field '{field}' must be {article} {expected}, but got {}",
        value.type_name()
    ))
}

#[cfg(test)]
mod tests;
