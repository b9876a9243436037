//! Whole strings: `$concat`, `$split`, `$strLenBytes`, `$strLenCP`, `$strcasecmp`, `$toLower`,
//! `$toUpper`.

use super::{check_length, coerce};
use crate::expression::memory::check_elements;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, int, is_nullish, text, type_name};
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$concat", Syntax::Variadic(concatenate)),
    ("$split", Syntax::Binary(split)),
    ("$strLenBytes", Syntax::Unary(|value| length(value, "$strLenBytes", 34473, |s| s.len()))),
    ("$strLenCP", Syntax::Unary(|value| length(value, "$strLenCP", 34471, |s| s.chars().count()))),
    ("$strcasecmp", Syntax::Binary(compare_ignoring_case)),
    ("$toLower", Syntax::Unary(|value| Ok(text(coerce(value)?.to_ascii_lowercase())))),
    ("$toUpper", Syntax::Unary(|value| Ok(text(coerce(value)?.to_ascii_uppercase())))),
];

fn concatenate(operands: Vec<Value>) -> Result<Value> {
    let mut all = String::new();
    for operand in operands {
        match operand {
            operand if is_nullish(&operand) => return Ok(NULL),
            Some(Bson::String(part)) => {
                check_length(all.len().saturating_add(part.len()))?;
                all.push_str(&part);
            }
            other => {
                return Err(CommandError::location(
                    16702,
                    format!("$concat only supports strings, not {}", type_name(other.as_ref())),
                ));
            }
        }
    }
    Ok(text(all))
}

fn length(value: Value, name: &str, number: i32, count: fn(&str) -> usize) -> Result<Value> {
    match value {
        Some(Bson::String(text)) => Ok(int(count(&text))),
        other => Err(CommandError::location(
            number,
            format!("{name} requires a string argument, found: {}", type_name(other.as_ref())),
        )),
    }
}

fn compare_ignoring_case(a: Value, b: Value) -> Result<Value> {
    // Only ASCII has case here, as in $toLower and $toUpper.
    let (a, b) = (coerce(a)?.to_ascii_uppercase(), coerce(b)?.to_ascii_uppercase());
    Ok(Some(Bson::Int32(a.cmp(&b) as i32)))
}

fn split(value: Value, separator: Value) -> Result<Value> {
    if is_nullish(&value) || is_nullish(&separator) {
        return Ok(NULL);
    }
    let operand = |value: Value, number, which: &str| match value {
        Some(Bson::String(text)) => Ok(text),
        other => Err(CommandError::location(
            number,
            format!(
                "$split requires an expression that evaluates to a string as a {which} argument, \
                 found: {}",
                type_name(other.as_ref())
            ),
        )),
    };
    let value = operand(value, 40085, "first")?;
    let separator = operand(separator, 40086, "second")?;
    if separator.is_empty() {
        return Err(CommandError::location(40087, "$split requires a non-empty separator"));
    }
    check_elements(value.len() / separator.len(), "$split")?;
    let parts = value.split(separator.as_str()).map(|part| Bson::String(part.to_owned()));
    Ok(Some(Bson::Array(parts.collect())))
}
