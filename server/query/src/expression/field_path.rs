//! Field paths of expressions: `$a.b.c`.
//!
//! Reads raw bytes as far as the path goes and decodes only what it ends at. Unlike a filter's path,
//! a number is a field name here, never an array position, and an array in the middle gives the array
//! of what its documents hold.

use quire_bson::{Bson, Document, RawDoc, RawValue};
use quire_errors::{CommandError, Result};

use super::Value;
use crate::field_path;

/// The components of a path; none means the whole value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FieldPath {
    parts: Box<[Box<str>]>,
}

impl FieldPath {
    /// Parses `a.b.c` without its dollar.
    pub(crate) fn parse(path: &str) -> Result<FieldPath> {
        Ok(FieldPath { parts: field_path::components(path)?.map(Box::from).collect() })
    }

    pub(crate) fn dotted(&self) -> String {
        self.parts.join(".")
    }

    /// What the path leads to in a document.
    pub(crate) fn in_document(&self, doc: RawDoc<'_>) -> Value {
        match self.parts.split_first() {
            None => Some(Bson::Document(doc.to_document())),
            Some((first, rest)) => in_raw(doc.get(first)?, rest),
        }
    }

    /// The same where it stands in the document; `None` where nothing is, and where there is an array
    /// on the way, of which a new one is to be made.
    pub(crate) fn stored_in<'d>(&self, doc: RawDoc<'d>) -> Option<RawValue<'d>> {
        let mut value = RawValue::Document(doc);
        for part in &self.parts {
            value = value.as_document()?.get(part)?;
        }
        Some(value)
    }

    /// What the path leads to in a computed value.
    pub(crate) fn in_value(&self, value: &Bson) -> Value {
        in_bson(value, &self.parts)
    }
}

fn in_raw(value: RawValue<'_>, path: &[Box<str>]) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return Some(value.to_bson());
    };
    match value {
        RawValue::Document(doc) => in_raw(doc.get(first)?, rest),
        RawValue::Array(items) => {
            let documents = items.iter().filter_map(|e| e.value().as_document());
            let found = documents.filter_map(|doc| in_raw(doc.get(first)?, rest));
            Some(Bson::Array(found.collect()))
        }
        _ => None,
    }
}

fn in_bson(value: &Bson, path: &[Box<str>]) -> Value {
    let Some((first, rest)) = path.split_first() else {
        return Some(value.clone());
    };
    let inside = |doc: &Document| in_bson(doc.get(&**first)?, rest);
    match value {
        Bson::Document(doc) => inside(doc),
        Bson::Array(items) => {
            let documents = items.iter().filter_map(Bson::as_document);
            Some(Bson::Array(documents.filter_map(inside).collect()))
        }
        _ => None,
    }
}

/// Refuses what cannot be the one name of a field of an object literal.
pub(crate) fn validate_field_name(name: &str) -> Result<()> {
    if name.is_empty() {
        // An empty name is no path, but a fine field of an object literal.
        return Ok(());
    }
    if name.contains('.') {
        return Err(CommandError::location(
            16412,
            "FieldPath field names may not contain '.'. Consider using $getField or $setField.",
        ));
    }
    field_path::components(name).map(|_| ())
}
