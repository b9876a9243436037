//! Sort patterns and sort keys.
//!
//! Owns the reading of `{a: 1, "b.c": -1}` and the making of sort keys: bytes whose plain order is
//! the order of the documents, so that every sorter (in memory, top-k, spilled, merged) compares
//! with one `memcmp`. A field that is an array sorts by its smallest element when ascending and by
//! its largest when descending; all fields below the same array take the same element of it, as the
//! entry of a compound index over them would.
//!
//! Never looks at an index and never decodes a document.

use quire_bson::{RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{Code, CommandError, Result};

mod key;

/// How many fields a pattern may have, as for a compound index.
const FIELDS_MAX: usize = 32;

/// A parsed sort pattern. An empty one keeps the order in which documents come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SortPattern {
    fields: Vec<(String, i32)>,
    components: Vec<Vec<String>>,
    natural: Option<i32>,
    order: ValueOrder,
}

impl SortPattern {
    /// Reads a pattern and refuses what MongoDB refuses.
    pub fn parse(pattern: RawDoc<'_>, order: &ValueOrder) -> Result<SortPattern> {
        let mut sort = SortPattern { order: order.clone(), ..SortPattern::default() };
        for element in pattern {
            let path = element.key();
            if let RawValue::Document(spec) = element.value() {
                return Err(meta_error(spec));
            }
            let direction = direction(path, element.value())?;
            if path == "$natural" {
                sort.natural = Some(direction);
                continue;
            }
            let components = split_path(path)?;
            if sort.fields.iter().any(|(known, _)| known == path) {
                return Err(CommandError::location(
                    7472500,
                    format!("$sort key must not contain duplicate keys (duplicate: '{path}')"),
                ));
            }
            sort.fields.push((path.to_owned(), direction));
            sort.components.push(components);
        }
        if sort.natural.is_some() && !sort.fields.is_empty() {
            return Err(CommandError::bad_value(format!(
                "Cannot include '$natural' in compound sort: {}",
                crate::render::document(pattern)
            )));
        }
        if sort.fields.len() > FIELDS_MAX {
            return Err(CommandError::location(13103, "too many compound keys"));
        }
        Ok(sort)
    }

    /// True when nothing is to be sorted by.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// The fields in order, each with 1 or -1.
    pub fn fields(&self) -> &[(String, i32)] {
        &self.fields
    }

    /// The order in which the values of each field are.
    pub fn order(&self) -> &ValueOrder {
        &self.order
    }

    /// The direction of a `{$natural: ±1}` pattern, which asks for the order of the rows.
    pub fn natural(&self) -> Option<i32> {
        self.natural
    }

    /// The key of a document: of two documents the one with the smaller bytes comes first.
    pub fn key(&self, doc: RawDoc<'_>) -> Result<Vec<u8>> {
        let mut key = Vec::with_capacity(16 * self.fields.len());
        self.write_key(doc, &mut key)?;
        Ok(key)
    }

    /// Appends the key of a document to `out`.
    pub fn write_key(&self, doc: RawDoc<'_>, out: &mut Vec<u8>) -> Result<()> {
        key::write(self, doc, out)
    }
}

/// The direction of one field: numbers are cut to integers, and only 1 and -1 are directions.
fn direction(path: &str, value: RawValue<'_>) -> Result<i32> {
    let whole = match value {
        RawValue::Int32(n) => i64::from(n),
        RawValue::Int64(n) => n,
        // `as` saturates and turns NaN into zero, neither of which is a direction.
        RawValue::Double(x) => x as i64,
        RawValue::Decimal128(_) => match quire_bson::compare(value, RawValue::Int32(0)) {
            _ if quire_bson::compare(value, RawValue::Int32(1)).is_eq() => 1,
            _ if quire_bson::compare(value, RawValue::Int32(-1)).is_eq() => -1,
            _ => 0,
        },
        _ => {
            return Err(CommandError::location(
                15974,
                format!(
                    "Illegal key in $sort specification: {}",
                    crate::render::element(path, value)
                ),
            ));
        }
    };
    match whole {
        1 => Ok(1),
        -1 => Ok(-1),
        _ => Err(CommandError::location(
            15975,
            "$sort key ordering must be 1 (for ascending) or -1 (for descending)",
        )),
    }
}

/// Why a document as a direction is refused: only `$meta` is known, and nothing here scores text.
fn meta_error(spec: RawDoc<'_>) -> CommandError {
    let Some(first) = spec.nth(0) else {
        return only_meta();
    };
    if first.key() != "$meta" {
        return only_meta();
    }
    if spec.count() != 1 {
        return CommandError::failed_to_parse(
            "Cannot have additional keys in a $meta sort specification",
        );
    }
    match first.value().as_str() {
        Some("textScore") => CommandError::location(
            40218,
            "query requires text score metadata, but it is not available",
        ),
        Some(name @ ("randVal" | "geoNearDistance")) => CommandError::new(
            Code::NotImplemented,
            format!("sorting by {{$meta: \"{name}\"}} is not supported by this server"),
        ),
        _ => CommandError::location(
            31138,
            format!("Illegal $meta sort: {}", crate::render::element("$meta", first.value())),
        ),
    }
}

fn only_meta() -> CommandError {
    CommandError::location(17312, "$meta is the only expression supported by $sort right now")
}

/// The components of a field path, with the refusals that every field path shares.
fn split_path(path: &str) -> Result<Vec<String>> {
    crate::field_path::components(path).map(|parts| parts.map(str::to_owned).collect())
}

#[cfg(test)]
mod tests;
