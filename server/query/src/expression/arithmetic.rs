//! `$add`, `$subtract`, `$multiply`, `$divide`, `$mod`, `$abs`; dates where they make sense.
//!
//! Integers stay integers while the result fits: an int grows to a long, a long to a double.

use super::table::{Family, Syntax};
use super::value::{NULL, Value, date, is_nullish, long, type_name};
use quire_bson::decimal::Rounding;
use quire_bson::{Bson, Number};
use quire_errors::{Code, CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$abs", Syntax::Unary(absolute)),
    ("$add", Syntax::Variadic(add)),
    ("$divide", Syntax::Binary(divide)),
    ("$mod", Syntax::Binary(modulo)),
    ("$multiply", Syntax::Variadic(multiply)),
    ("$subtract", Syntax::Binary(subtract)),
];

fn add(operands: Vec<Value>) -> Result<Value> {
    let mut sum = super::accumulator::Sum::default();
    let mut at = None;
    for operand in operands {
        match operand {
            operand if is_nullish(&operand) => return Ok(NULL),
            Some(Bson::DateTime(when)) => {
                if at.replace(when.timestamp_millis()).is_some() {
                    return Err(CommandError::location(
                        16612,
                        "only one date allowed in an $add expression",
                    ));
                }
            }
            operand => match operand.as_ref().and_then(Number::from_bson) {
                Some(number) => sum.add_number(number),
                None => {
                    return Err(CommandError::type_mismatch(format!(
                        "$add only supports numeric or date types, not {}",
                        type_name(operand.as_ref())
                    )));
                }
            },
        }
    }
    let sum = sum.total();
    match at {
        None => Ok(Some(sum)),
        Some(at) => {
            let sum = Number::from_bson(&sum).unwrap_or(Number::Int32(0));
            shift_date(at, sum, i64::checked_add, "$add")
        }
    }
}

/// Moves a date by a number of milliseconds, rounded when it has a fraction.
fn shift_date(
    at: i64,
    by: Number,
    shift: fn(i64, i64) -> Option<i64>,
    name: &str,
) -> Result<Value> {
    let whole = match by {
        Number::Double(x) => Number::Double(x.round()),
        Number::Decimal(decimal) => Number::Decimal(decimal.round(0, Rounding::HalfEven)),
        whole => whole,
    };
    match whole.to_exact_i64().and_then(|millis| shift(at, millis)) {
        Some(millis) => Ok(date(millis)),
        None => Err(CommandError::new(Code::Overflow, format!("date overflow in {name}"))),
    }
}

/// Both operands as numbers.
fn numbers(left: &Value, right: &Value) -> Option<(Number, Number)> {
    Some((Number::from_bson(left.as_ref()?)?, Number::from_bson(right.as_ref()?)?))
}

fn subtract(left: Value, right: Value) -> Result<Value> {
    if is_nullish(&left) || is_nullish(&right) {
        return Ok(NULL);
    }
    if let Some((a, b)) = numbers(&left, &right) {
        return Ok(Some((a - b).to_bson()));
    }
    if let Some(Bson::DateTime(at)) = &left {
        let at = at.timestamp_millis();
        if let Some(Bson::DateTime(other)) = &right {
            let difference = at.checked_sub(other.timestamp_millis());
            let overflow = || CommandError::new(Code::Overflow, "date overflow in $subtract");
            return difference.map(long).ok_or_else(overflow);
        }
        if let Some(by) = right.as_ref().and_then(Number::from_bson) {
            return shift_date(at, by, i64::checked_sub, "$subtract");
        }
    }
    Err(CommandError::type_mismatch(format!(
        "can't $subtract {} from {}",
        type_name(right.as_ref()),
        type_name(left.as_ref())
    )))
}

fn multiply(operands: Vec<Value>) -> Result<Value> {
    let mut product = Number::Int32(1);
    for operand in operands {
        if is_nullish(&operand) {
            return Ok(NULL);
        }
        let factor = operand.as_ref().and_then(Number::from_bson).ok_or_else(|| {
            CommandError::type_mismatch(format!(
                "$multiply only supports numeric types, not {}",
                type_name(operand.as_ref())
            ))
        })?;
        product = product * factor;
    }
    Ok(Some(product.to_bson()))
}

fn divide(left: Value, right: Value) -> Result<Value> {
    if is_nullish(&left) || is_nullish(&right) {
        return Ok(NULL);
    }
    let (dividend, divisor) = numbers(&left, &right).ok_or_else(|| {
        CommandError::type_mismatch(format!(
            "$divide only supports numeric types, not {} and {}",
            type_name(left.as_ref()),
            type_name(right.as_ref())
        ))
    })?;
    match dividend.divided_by(divisor) {
        Some(quotient) => Ok(Some(quotient.to_bson())),
        None => Err(CommandError::bad_value("can't $divide by zero")),
    }
}

fn modulo(left: Value, right: Value) -> Result<Value> {
    if is_nullish(&left) || is_nullish(&right) {
        return Ok(NULL);
    }
    let (dividend, divisor) = numbers(&left, &right).ok_or_else(|| {
        CommandError::location(
            16611,
            format!(
                "$mod only supports numeric types, not {} and {}",
                type_name(left.as_ref()),
                type_name(right.as_ref())
            ),
        )
    })?;
    match dividend.modulo(divisor) {
        Some(rest) => Ok(Some(rest.to_bson())),
        None => Err(CommandError::location(16610, "can't $mod by zero")),
    }
}

fn absolute(value: Value) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let number = value.as_ref().and_then(Number::from_bson).ok_or_else(|| {
        CommandError::location(
            28765,
            format!("$abs only supports numeric types, not {}", type_name(value.as_ref())),
        )
    })?;
    match number.checked_abs() {
        Some(magnitude) => Ok(Some(magnitude.to_bson())),
        None => Err(CommandError::location(28680, "can't take $abs of long long min")),
    }
}
