//! Converting between types: `$convert`, its short forms `$toInt` and the like, `$type`, `$isNumber`.

mod binary;
mod number;
mod operator;
mod other;
mod target;

pub(super) use operator::TABLE;

use super::value::{Value, type_name};
use quire_bson::Bson;
use quire_errors::{Code, CommandError, Result};
use target::Target;

/// A conversion that the value does not allow; `onError` catches exactly these.
fn failure(message: impl AsRef<str>) -> CommandError {
    CommandError::new(Code::ConversionFailure, message.as_ref())
}

const NO_ON_ERROR: &str = "in $convert with no onError value";

fn unsupported(value: &Bson, target: &str) -> CommandError {
    failure(format!(
        "Unsupported conversion from {} to {target} {NO_ON_ERROR}",
        type_name(Some(value))
    ))
}

/// Converts a value that is not null.
fn convert(value: Bson, target: Target, format: Option<&str>) -> Result<Value> {
    Ok(Some(match target {
        Target::Double => number::to_double(&value)?,
        Target::Int => number::to_int(&value)?,
        Target::Long => number::to_long(&value)?,
        Target::Decimal => number::to_decimal(&value)?,
        Target::Bool => Bson::Boolean(super::is_true(Some(&value))),
        Target::Text => other::to_text(value, format)?,
        Target::ObjectId => other::to_object_id(value)?,
        Target::Date => other::to_date(&value)?,
        Target::Binary(subtype) => binary::to_binary(value, subtype, format)?,
        Target::Unsupported(name) => return Err(unsupported(&value, name)),
    }))
}
