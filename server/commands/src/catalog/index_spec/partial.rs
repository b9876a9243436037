//! Which filters a partial index may have.
//!
//! Owns MongoDB's list: filters whose membership a planner can reason about. Anything else would make
//! an index that no query may use.

use super::cannot_create;
use quire_bson::{DocBuilder, RawDoc, RawValue, shell_text};
use quire_errors::{CommandError, Result};
use quire_query::Constants;
use quire_query::filter::{Filter, is_operator_document};
use std::sync::Arc;

/// How deep `$and` and `$or` may be nested.
const DEPTH_MAX: usize = 5;

pub fn check(filter: RawDoc<'_>, constants: &Arc<Constants>) -> Result<()> {
    Filter::parse(filter, constants).map_err(|error| {
        cannot_create(error.message()).context("Error in partialFilterExpression")
    })?;
    check_document(filter, 0)
}

fn check_document(filter: RawDoc<'_>, depth: usize) -> Result<()> {
    for element in filter {
        match (element.key(), element.value()) {
            ("$and" | "$or", RawValue::Array(branches)) => {
                if depth >= DEPTH_MAX {
                    return Err(cannot_create("partialFilterExpression depth may not exceed 5"));
                }
                for branch in branches {
                    let branch = branch.value().as_document().unwrap_or(RawDoc::EMPTY);
                    check_document(branch, depth + 1)?;
                }
            }
            ("$comment", _) => {}
            (key, value) if key.starts_with('$') => return Err(not_supported(key, value)),
            (key, value) => check_field(key, value)?,
        }
    }
    Ok(())
}

fn check_field(path: &str, value: RawValue<'_>) -> Result<()> {
    match value {
        RawValue::Regex { .. } => Err(not_supported(path, value)),
        RawValue::Document(operators) if is_operator_document(operators) => {
            for operator in operators {
                let value = operator.value();
                let supported = match operator.key() {
                    "$exists" => super::options::is_true(value),
                    "$in" => value.as_array().is_some_and(|values| {
                        !values.iter().any(|v| matches!(v.value(), RawValue::Regex { .. }))
                    }),
                    "$eq" | "$gt" | "$gte" | "$lt" | "$lte" | "$type" => true,
                    _ => false,
                };
                if !supported {
                    return Err(not_supported(path, RawValue::Document(operators)));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn not_supported(path: &str, value: RawValue<'_>) -> CommandError {
    let mut b = DocBuilder::new();
    b.append(path, value);
    cannot_create(format!(
        "Expression not supported in partial index: {}",
        shell_text(b.finish().as_raw())
    ))
}
