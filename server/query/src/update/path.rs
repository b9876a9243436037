//! The paths that update operators name: dotted, with `$`, `$[]` and `$[identifier]`.

use super::array_filters::ArrayFilters;
use quire_errors::{Code, CommandError, Result};
use std::cmp::Ordering;

/// No document can be nested deeper, so no longer path can be of use.
const COMPONENTS_MAX: usize = 200;

/// One component of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part<'p> {
    Name(&'p str),
    /// `$`: the array element that the filter matched.
    Matched,
    /// `$[identifier]`, or every element when the identifier is empty.
    Elements(&'p str),
}

/// Splits a path and refuses what no update may name. Array filters that it names become used.
pub(super) fn parse<'p>(path: &'p str, filters: &mut ArrayFilters) -> Result<Vec<Part<'p>>> {
    if path.is_empty() {
        return Err(CommandError::new(Code::EmptyFieldName, "An empty update path is not valid."));
    }
    let mut parts = Vec::new();
    for name in path.split('.') {
        if name.is_empty() {
            return Err(CommandError::new(
                Code::EmptyFieldName,
                format!(
                    "The update path '{path}' contains an empty field name, which is not allowed."
                ),
            ));
        }
        if parts.len() >= COMPONENTS_MAX {
            return Err(CommandError::new(
                Code::Overflow,
                format!("The update path has more than {COMPONENTS_MAX} components"),
            ));
        }
        parts.push(part(name, path, filters)?);
    }
    refuse_misplaced(&parts, path)?;
    Ok(parts)
}

fn part<'p>(name: &'p str, path: &str, filters: &mut ArrayFilters) -> Result<Part<'p>> {
    if name == "$" {
        return Ok(Part::Matched);
    }
    let Some(identifier) = name.strip_prefix("$[").and_then(|rest| rest.strip_suffix(']')) else {
        return Ok(Part::Name(name));
    };
    if !identifier.is_empty() && !filters.mark_used(identifier) {
        return Err(CommandError::bad_value(format!(
            "No array filter found for identifier '{identifier}' in path '{path}'"
        )));
    }
    Ok(Part::Elements(identifier))
}

fn refuse_misplaced(parts: &[Part<'_>], path: &str) -> Result<()> {
    match parts.first() {
        Some(Part::Matched) => {
            return Err(CommandError::bad_value(format!(
                "Cannot have positional (i.e. '$') element in the first position in path '{path}'"
            )));
        }
        Some(Part::Elements(_)) => {
            return Err(CommandError::bad_value(format!(
                "Cannot have array filter identifier (i.e. '$[<id>]') element in the first position \
                 in path '{path}'"
            )));
        }
        _ => {}
    }
    if parts.iter().filter(|part| **part == Part::Matched).count() > 1 {
        return Err(CommandError::bad_value(format!(
            "Too many positional (i.e. '$') elements found in path '{path}'"
        )));
    }
    Ok(())
}

/// The order in which the fields of one level are worked on: array positions by number, all else by
/// name.
pub(super) fn compare_names(a: &str, b: &str) -> Ordering {
    use crate::field_path::array_index;
    match (array_index(a), array_index(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.cmp(b),
    }
}
