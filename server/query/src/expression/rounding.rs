//! `$ceil`, `$floor`, `$round`, `$trunc`.

use super::numeric::{decimal, exact_i64, int_or_long};
use super::table::{Family, Syntax};
use super::value::{NULL, Value, is_nullish, type_name};
use quire_bson::decimal::Rounding;
use quire_bson::{Bson, Decimal, Number};
use quire_errors::{Code, CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$ceil", Syntax::Unary(|value| to_whole(value, "$ceil", f64::ceil, Decimal::ceil))),
    ("$floor", Syntax::Unary(|value| to_whole(value, "$floor", f64::floor, Decimal::floor))),
    ("$round", Syntax::Between(1, 2, |operands| to_places(operands, "$round", Mode::HalfToEven))),
    ("$trunc", Syntax::Between(1, 2, |operands| to_places(operands, "$trunc", Mode::TowardZero))),
];

fn not_numeric(name: &str, value: &Value) -> CommandError {
    CommandError::location(
        28765,
        format!("{name} only supports numeric types, not {}", type_name(value.as_ref())),
    )
}

fn to_whole(
    value: Value,
    name: &str,
    of_double: fn(f64) -> f64,
    of_decimal: fn(Decimal) -> Decimal,
) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    match value.as_ref().and_then(Number::from_bson) {
        Some(Number::Int32(_) | Number::Int64(_)) => Ok(value),
        Some(Number::Double(x)) => Ok(Some(Bson::Double(of_double(x)))),
        Some(Number::Decimal(d)) => Ok(Some(decimal(of_decimal(d)))),
        None => Err(not_numeric(name, &value)),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    HalfToEven,
    TowardZero,
}

const PLACES: std::ops::RangeInclusive<i64> = -20..=100;

fn to_places(operands: Vec<Value>, name: &str, mode: Mode) -> Result<Value> {
    let mut operands = operands.into_iter();
    let value = operands.next().flatten();
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let Some(n) = value.as_ref().and_then(Number::from_bson) else {
        return Err(not_numeric(name, &value));
    };
    let places = match operands.next() {
        None => 0,
        Some(places) if is_nullish(&places) => return Ok(NULL),
        Some(places) => read_places(&places, name)?,
    };
    Ok(Some(match n {
        Number::Int32(n) => int_or_long(of_integer(n.into(), places, mode)?, false),
        Number::Int64(n) => Bson::Int64(of_integer(n, places, mode)?),
        Number::Double(x) => Bson::Double(of_double(x, places, mode)),
        Number::Decimal(d) => decimal(match mode {
            Mode::HalfToEven => d.round(places, Rounding::HalfEven),
            Mode::TowardZero => d.round(places, Rounding::TowardZero),
        }),
    }))
}

fn read_places(places: &Value, name: &str) -> Result<i32> {
    let Some(n) = places.as_ref().and_then(exact_i64) else {
        return Err(CommandError::location(
            51082,
            format!("precision argument to  {name} must be a integral value"),
        ));
    };
    match i32::try_from(n) {
        Ok(places) if PLACES.contains(&n) => Ok(places),
        _ => Err(CommandError::location(
            51083,
            format!("cannot apply {name} with precision value {n} value must be in [-20, 100]"),
        )),
    }
}

fn of_integer(n: i64, places: i32, mode: Mode) -> Result<i64> {
    if places >= 0 {
        return Ok(n);
    }
    let unit = 10_i128.pow(places.unsigned_abs());
    let n = i128::from(n);
    let whole = n / unit;
    let rest = (n % unit).abs();
    let away = match mode {
        Mode::TowardZero => false,
        Mode::HalfToEven => rest * 2 > unit || (rest * 2 == unit && whole % 2 != 0),
    };
    let whole = if away { whole + n.signum() } else { whole };
    i64::try_from(whole * unit).map_err(|_| {
        CommandError::new(Code::Overflow, "invalid conversion from Decimal128 result in $round")
    })
}

/// Digits after the point that suffice to write any double exactly.
const EXACT_DIGITS: usize = 1074;

fn of_double(x: f64, places: i32, mode: Mode) -> f64 {
    if !x.is_finite() {
        return x;
    }
    match (usize::try_from(places), mode) {
        (Ok(0), Mode::HalfToEven) => x.round_ties_even(),
        (Ok(0), Mode::TowardZero) => x.trunc(),
        // Written exactly and cut, because scaling a double would round it before.
        (Ok(places), Mode::HalfToEven) => format!("{x:.places$}").parse().unwrap_or(x),
        (Ok(places), Mode::TowardZero) => {
            let exact = format!("{x:.EXACT_DIGITS$}");
            let end = exact.find('.').map_or(exact.len(), |point| point + 1 + places);
            exact.get(..end).and_then(|cut| cut.parse().ok()).unwrap_or(x)
        }
        (Err(_), mode) => {
            let unit = 10_f64.powi(places.saturating_abs());
            let scaled = x / unit;
            unit * match mode {
                Mode::HalfToEven => scaled.round_ties_even(),
                Mode::TowardZero => scaled.trunc(),
            }
        }
    }
}
