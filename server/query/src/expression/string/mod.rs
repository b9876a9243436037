//! Operators on strings. Positions are counted in bytes or in code points, as the name says; lengths
//! of results are bounded, because operands may double a string at every level.

mod regex;
mod search;
mod substring;
mod trim;
mod whole;

pub(super) use regex::TABLE as REGEX;
pub(super) use search::TABLE as SEARCH;
pub(super) use substring::TABLE as SUBSTRING;
pub(super) use trim::TABLE as TRIM;
pub(super) use whole::TABLE as WHOLE;

use super::value::{Value, double_text, is_nullish, type_name};
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

/// What one computed string may take in memory.
const STRING_BYTES_MAX: usize = 64 * 1024 * 1024;

fn check_length(len: usize) -> Result<()> {
    if len <= STRING_BYTES_MAX {
        return Ok(());
    }
    Err(CommandError::location(
        13548,
        format!("a computed string would take {len} bytes, past the 64MB limit."),
    ))
}

/// The text of an operand for those operators that take numbers and dates for text too. Null and
/// missing are the empty string.
fn coerce(value: Value) -> Result<String> {
    Ok(match value {
        value if is_nullish(&value) => String::new(),
        Some(Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text)) => text,
        Some(Bson::Int32(n)) => n.to_string(),
        Some(Bson::Int64(n)) => n.to_string(),
        Some(Bson::Double(x)) => double_text(x),
        Some(Bson::Decimal128(decimal)) => decimal.to_string(),
        Some(Bson::DateTime(when)) => super::date::iso_string(when),
        Some(Bson::Timestamp(at)) => format!("Timestamp({}, {})", at.time, at.increment),
        other => {
            return Err(CommandError::location(
                16007,
                format!("can't convert from BSON type {} to String", type_name(other.as_ref())),
            ));
        }
    })
}
