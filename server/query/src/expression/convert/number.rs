//! Conversions to numbers.

use super::{NO_ON_ERROR, failure, unsupported};
use quire_bson::{Bson, Decimal, Number};
use quire_errors::{CommandError, Result};

fn overflow(value: &Bson) -> CommandError {
    failure(format!(
        "Conversion would overflow target type {NO_ON_ERROR}: {}",
        crate::expression::show(Some(value))
    ))
}

fn not_a_number(text: &str, why: &str) -> CommandError {
    failure(format!("Failed to parse number '{text}' {NO_ON_ERROR}: {why}"))
}

/// The integer part of a number that an integer of 64 bits holds.
fn integer(value: &Bson, number: Number) -> Result<i64> {
    if number.is_nan() {
        return Err(failure(format!("Attempt to convert NaN value to integer type {NO_ON_ERROR}")));
    }
    let infinite = match number {
        Number::Double(x) => x.is_infinite(),
        Number::Decimal(decimal) => decimal.is_infinite(),
        Number::Int32(_) | Number::Int64(_) => false,
    };
    if infinite {
        return Err(failure(format!(
            "Attempt to convert infinity value to integer type {NO_ON_ERROR}"
        )));
    }
    number.to_i64_truncating().ok_or_else(|| overflow(value))
}

/// Reads a decimal integer that must be the whole text.
fn parse_integer(text: &str) -> Result<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if text.is_empty() {
        return Err(not_a_number(text, "No digits"));
    }
    if digits.starts_with("0x") {
        return Err(not_a_number(
            text,
            "Illegal hexadecimal input in $convert with no onError value",
        ));
    }
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(not_a_number(text, "Did not consume whole string."));
    }
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(not_a_number(text, "Did not consume whole string."));
    }
    text.parse().map_err(|_| not_a_number(text, "Overflow"))
}

pub(super) fn to_int(value: &Bson) -> Result<Bson> {
    let whole = match value {
        Bson::String(text) => {
            let n = parse_integer(text)?;
            return i32::try_from(n).map(Bson::Int32).map_err(|_| not_a_number(text, "Overflow"));
        }
        Bson::Boolean(flag) => return Ok(Bson::Int32(i32::from(*flag))),
        value => match Number::from_bson(value) {
            Some(number) => integer(value, number)?,
            None => return Err(unsupported(value, "int")),
        },
    };
    i32::try_from(whole).map(Bson::Int32).map_err(|_| overflow(value))
}

pub(super) fn to_long(value: &Bson) -> Result<Bson> {
    Ok(Bson::Int64(match value {
        Bson::String(text) => {
            i64::try_from(parse_integer(text)?).map_err(|_| not_a_number(text, "Overflow"))?
        }
        Bson::Boolean(flag) => i64::from(*flag),
        Bson::DateTime(when) => when.timestamp_millis(),
        value => match Number::from_bson(value) {
            Some(number) => integer(value, number)?,
            None => return Err(unsupported(value, "long")),
        },
    }))
}

pub(super) fn to_double(value: &Bson) -> Result<Bson> {
    Ok(Bson::Double(match value {
        Bson::String(text) => parse_double(text)?,
        Bson::Boolean(flag) => f64::from(u8::from(*flag)),
        Bson::DateTime(when) => when.timestamp_millis() as f64,
        Bson::Decimal128(_) => match Number::from_bson(value) {
            Some(Number::Decimal(decimal)) => {
                let x = decimal.to_f64();
                if x.is_infinite() && !decimal.is_infinite() {
                    return Err(overflow(value));
                }
                x
            }
            _ => return Err(unsupported(value, "double")),
        },
        value => match Number::from_bson(value) {
            Some(number) => number.to_f64(),
            None => return Err(unsupported(value, "double")),
        },
    }))
}

fn parse_double(text: &str) -> Result<f64> {
    if text.is_empty() {
        return Err(not_a_number(text, "Empty string"));
    }
    if text.starts_with(char::is_whitespace) {
        return Err(not_a_number(text, "Leading whitespace"));
    }
    let x: f64 = text.parse().map_err(|_| not_a_number(text, "Did not consume whole string."))?;
    let names_infinity = text.to_ascii_lowercase().contains("inf");
    if x.is_infinite() && !names_infinity {
        return Err(not_a_number(text, "Out of range"));
    }
    Ok(x)
}

pub(super) fn to_decimal(value: &Bson) -> Result<Bson> {
    let decimal = match value {
        Bson::String(text) => {
            text.parse::<Decimal>().map_err(|error| not_a_number(text, &error.to_string()))?
        }
        Bson::Boolean(flag) => Decimal::from(i32::from(*flag)),
        Bson::DateTime(when) => Decimal::from(when.timestamp_millis()),
        value => match Number::from_bson(value) {
            Some(number) => number.to_decimal(),
            None => return Err(unsupported(value, "decimal")),
        },
    };
    Ok(Number::Decimal(decimal).to_bson())
}
