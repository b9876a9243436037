//! Operators on arrays, by what they do: reach into them, turn them into something else, run an
//! expression for each element, pick the best elements.

mod access;
mod conversion;
mod iteration;
mod selection;

pub(super) use access::{TABLE as ACCESS, index_operand};
pub(super) use conversion::TABLE as CONVERSION;
pub(super) use iteration::TABLE as ITERATION;
pub(super) use selection::TABLE as SELECTION;
pub(crate) use selection::{count_of, n_and_input};

use super::value::Value;
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

/// The elements of an operand that must be an array, or the operator's refusal.
fn elements(value: Value, refuse: impl FnOnce(Option<&Bson>) -> CommandError) -> Result<Vec<Bson>> {
    match value {
        Some(Bson::Array(items)) => Ok(items),
        other => Err(refuse(other.as_ref())),
    }
}
