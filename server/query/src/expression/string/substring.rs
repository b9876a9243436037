//! Parts of strings: `$substr`, `$substrBytes`, `$substrCP`.

use super::coerce;
use crate::expression::numeric::exact_i32;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{Value, is_number, show, text, type_name};
use quire_bson::{Bson, Number};
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$substr", Syntax::Ternary(by_bytes)),
    ("$substrBytes", Syntax::Ternary(by_bytes)),
    ("$substrCP", Syntax::Ternary(by_code_points)),
];

fn by_bytes(value: Value, start: Value, length: Value) -> Result<Value> {
    let value = coerce(value)?;
    let start = byte_operand(start.as_ref(), 16034, "starting index")?;
    let length = byte_operand(length.as_ref(), 16035, "length")?;
    let start = usize::try_from(start).map_err(|_| {
        CommandError::location(
            50752,
            format!("$substrBytes:  starting index must be non-negative (got: {start})"),
        )
    })?;
    if start >= value.len() {
        return Ok(text(""));
    }
    // A negative length means the rest of the string.
    let end = match usize::try_from(length) {
        Ok(length) => start.saturating_add(length).min(value.len()),
        Err(_) => value.len(),
    };
    if !value.is_char_boundary(start) {
        return Err(CommandError::location(
            28656,
            "$substrBytes:  Invalid range, starting index is a UTF-8 continuation byte.",
        ));
    }
    match value.get(start..end) {
        Some(part) => Ok(text(part)),
        None => Err(CommandError::location(
            28657,
            "$substrBytes:  Invalid range, ending index is in the middle of a UTF-8 character.",
        )),
    }
}

fn byte_operand(value: Option<&Bson>, not_numeric: i32, what: &str) -> Result<i64> {
    match value.and_then(Number::from_bson) {
        Some(Number::Int32(n)) => Ok(i64::from(n)),
        Some(Number::Int64(n)) => Ok(n),
        // Fractions are cut off; what is too large saturates, and means the end of the string.
        Some(Number::Double(x)) => Ok(x as i64),
        Some(Number::Decimal(decimal)) => Ok(decimal.to_f64() as i64),
        None => Err(CommandError::location(
            not_numeric,
            format!(
                "$substrBytes:  {what} must be a numeric type (is BSON type {})",
                type_name(value)
            ),
        )),
    }
}

fn by_code_points(value: Value, start: Value, length: Value) -> Result<Value> {
    let value = coerce(value)?;
    let start = code_point_operand(start.as_ref(), 34450, "starting index")?;
    let length = code_point_operand(length.as_ref(), 34452, "length")?;
    let Ok(length) = usize::try_from(length) else {
        return Err(CommandError::location(
            34454,
            "$substrCP: length must be a nonnegative integer.",
        ));
    };
    let Ok(start) = usize::try_from(start) else {
        return Err(CommandError::location(
            34455,
            "$substrCP: the starting index must be nonnegative integer.",
        ));
    };
    Ok(text(value.chars().skip(start).take(length).collect::<String>()))
}

fn code_point_operand(value: Option<&Bson>, not_numeric: i32, what: &str) -> Result<i32> {
    if !value.is_some_and(is_number) {
        return Err(CommandError::location(
            not_numeric,
            format!("$substrCP: {what} must be a numeric type (is BSON type {})", type_name(value)),
        ));
    }
    value.and_then(exact_i32).ok_or_else(|| {
        CommandError::location(
            not_numeric + 1,
            format!(
                "$substrCP: {what} cannot be represented as a 32-bit integral value: {}",
                show(value)
            ),
        )
    })
}
