//! `hint`, `min` and `max`: what the client says about the index to use.

use super::description::{FieldOrder, IndexDescription};
use super::ranges::with_value;
use crate::filter::Filter;
use crate::render;
use quire_bson::{DocBuf, Number, RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};
use quire_keys::Range;
use std::cmp::Ordering;
use std::ops::Bound;

/// A parsed hint.
#[derive(Clone, Debug)]
pub enum Hint {
    Name(String),
    KeyPattern(DocBuf),
    /// `{$natural: 1}` or, backwards, `{$natural: -1}`.
    Natural {
        backwards: bool,
    },
}

impl Hint {
    /// Reads a command's `hint` field; an empty document is no hint.
    pub fn parse(value: RawValue<'_>) -> Result<Option<Hint>> {
        match value {
            RawValue::String(name) => Ok(Some(Hint::Name(name.to_owned()))),
            RawValue::Document(pattern) => match pattern.iter().next() {
                None => Ok(None),
                Some(first) if first.key() == "$natural" => {
                    if pattern.count() > 1 {
                        return Err(CommandError::bad_value(
                            "$natural may not be specified with other fields in a hint",
                        ));
                    }
                    natural(first.value()).map(Some)
                }
                Some(_) => Ok(Some(Hint::KeyPattern(pattern.into()))),
            },
            _ => Err(CommandError::failed_to_parse("Hint must be a string or an object")),
        }
    }

    pub(crate) fn means(&self, index: &IndexDescription) -> bool {
        match self {
            Hint::Name(name) => *name == index.name,
            Hint::KeyPattern(pattern) => index.has_pattern(pattern.as_raw()),
            Hint::Natural { .. } => false,
        }
    }

    /// Whether the hint means the index on `_id` that a clustered collection is.
    pub(crate) fn means_rows(&self) -> bool {
        match self {
            Hint::Name(name) => name == "_id_",
            Hint::KeyPattern(pattern) => {
                let mut elements = pattern.as_raw().iter();
                let first = elements.next();
                elements.next().is_none()
                    && first.is_some_and(|e| e.key() == "_id" && sign(e.value()) == Some(1))
            }
            Hint::Natural { .. } => false,
        }
    }
}

fn natural(value: RawValue<'_>) -> Result<Hint> {
    match sign(value) {
        Some(sign) => Ok(Hint::Natural { backwards: sign < 0 }),
        None => Err(CommandError::bad_value(
            "$natural sort cannot be set to a value other than -1 or 1.",
        )),
    }
}

/// 1 or -1, in any numeric type.
fn sign(value: RawValue<'_>) -> Option<i32> {
    let number = Number::from_raw(value)?;
    [1, -1].into_iter().find(|n| number.compare(Number::Int32(*n)) == Ordering::Equal)
}

/// The error of a hint that names no index.
pub(crate) fn unknown(namespace: &str, filter: &Filter) -> CommandError {
    planner_error(namespace, filter, "hint provided does not correspond to an existing index")
}

fn planner_error(namespace: &str, filter: &Filter, why: &str) -> CommandError {
    let shown = filter.to_bson();
    CommandError::bad_value(why).context(&format!(
        "error processing query: ns={namespace}: {}\nSort: {{}}\nProj: {{}}\n planner returned error",
        render::document(shown.as_raw())
    ))
}

pub(crate) fn hint_required() -> CommandError {
    CommandError::location(
        51173,
        "When using min()/max() a hint of which index to use must be provided",
    )
}

/// The keys from `min`, included, to `max`, excluded.
pub(crate) fn min_max_range(
    fields: &[(&str, FieldOrder)],
    values: &ValueOrder,
    min: Option<RawDoc<'_>>,
    max: Option<RawDoc<'_>>,
) -> Result<Range> {
    let lower = min.map(|min| encoded(fields, values, min)).transpose()?;
    let upper = max.map(|max| encoded(fields, values, max)).transpose()?;
    if let (Some(lower), Some(upper)) = (&lower, &upper)
        && lower >= upper
    {
        return Err(CommandError::location(
            51175,
            "The value provided for min() does not come before the value provided for max() in the \
             hinted index",
        ));
    }
    Ok(Range {
        lower: lower.map_or(Bound::Unbounded, Bound::Included),
        upper: upper.map_or(Bound::Unbounded, Bound::Excluded),
    })
}

fn encoded(
    fields: &[(&str, FieldOrder)],
    values: &ValueOrder,
    bound: RawDoc<'_>,
) -> Result<Vec<u8>> {
    let incompatible =
        || CommandError::location(51174, "The index chosen is not compatible with min/max");
    if bound.count() != fields.len() {
        return Err(incompatible());
    }
    let mut bytes = Vec::new();
    for (element, (path, order)) in bound.iter().zip(fields) {
        if element.key() != *path {
            return Err(incompatible());
        }
        bytes = with_value(&bytes, *order, values.key(element.value()).value());
    }
    Ok(bytes)
}
