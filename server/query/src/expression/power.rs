//! `$exp`, `$ln`, `$log`, `$log10`, `$pow`, `$sqrt`.
//!
//! Of decimals, integer powers are computed as decimals; roots, logarithms and other powers as
//! doubles and given back as decimals.

use super::numeric::{as_f64, decimal, decimal_from_f64, int_or_long};
use super::table::{Family, Syntax};
use super::value::{NULL, Value, is_nullish, is_number, show, type_name};
use quire_bson::{Bson, Decimal, Number};
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$exp", Syntax::Unary(|value| real(value, "$exp", |x| Ok(x.exp())))),
    ("$ln", Syntax::Unary(|value| logarithm(value, "$ln", 28766, f64::ln))),
    ("$log", Syntax::Binary(log)),
    ("$log10", Syntax::Unary(|value| logarithm(value, "$log10", 28761, f64::log10))),
    ("$pow", Syntax::Binary(power)),
    ("$sqrt", Syntax::Unary(square_root)),
];

fn is_decimal(value: &Value) -> bool {
    matches!(value, Some(Bson::Decimal128(_)))
}

fn real(value: Value, name: &str, function: impl FnOnce(f64) -> Result<f64>) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let x = value.as_ref().and_then(as_f64).ok_or_else(|| {
        CommandError::location(
            28765,
            format!("{name} only supports numeric types, not {}", type_name(value.as_ref())),
        )
    })?;
    let result = function(x)?;
    Ok(Some(if is_decimal(&value) { decimal_from_f64(result) } else { Bson::Double(result) }))
}

fn logarithm(value: Value, name: &str, number: i32, function: fn(f64) -> f64) -> Result<Value> {
    let shown = show(value.as_ref());
    real(value, name, |x| {
        if x.is_nan() || x > 0.0 {
            return Ok(function(x));
        }
        Err(CommandError::location(
            number,
            format!("{name}'s argument must be a positive number, but is {shown}"),
        ))
    })
}

fn log(value: Value, base: Value) -> Result<Value> {
    if is_nullish(&value) || is_nullish(&base) {
        return Ok(NULL);
    }
    let operand = |value: &Value, number, what: &str| {
        value.as_ref().and_then(as_f64).ok_or_else(|| {
            CommandError::location(
                number,
                format!("$log's {what} must be numeric, not {}", type_name(value.as_ref())),
            )
        })
    };
    let x = operand(&value, 28756, "argument")?;
    let b = operand(&base, 28757, "base")?;
    if x <= 0.0 {
        return Err(CommandError::location(
            28758,
            format!("$log's argument must be a positive number, but is {}", show(value.as_ref())),
        ));
    }
    if b <= 0.0 || b == 1.0 {
        return Err(CommandError::location(
            28759,
            format!(
                "$log's base must be a positive number not equal to 1, but is {}",
                show(base.as_ref())
            ),
        ));
    }
    let result = x.ln() / b.ln();
    let as_decimal = is_decimal(&value) || is_decimal(&base);
    Ok(Some(if as_decimal { decimal_from_f64(result) } else { Bson::Double(result) }))
}

fn square_root(value: Value) -> Result<Value> {
    real(value, "$sqrt", |x| {
        if x < 0.0 {
            return Err(CommandError::location(
                28714,
                "$sqrt's argument must be greater than or equal to 0",
            ));
        }
        Ok(x.sqrt())
    })
}

fn power(base: Value, exponent: Value) -> Result<Value> {
    if is_nullish(&base) || is_nullish(&exponent) {
        return Ok(NULL);
    }
    for (value, code, what) in [(&base, 28762, "base"), (&exponent, 28763, "exponent")] {
        if !value.as_ref().is_some_and(is_number) {
            return Err(CommandError::location(
                code,
                format!("$pow's {what} must be numeric, not {}", type_name(value.as_ref())),
            ));
        }
    }
    let (Some(base), Some(exponent)) = (base, exponent) else { return Ok(NULL) };
    let (b, e) = (as_f64(&base).unwrap_or(f64::NAN), as_f64(&exponent).unwrap_or(f64::NAN));
    if b == 0.0 && e < 0.0 {
        return Err(CommandError::location(
            28764,
            "$pow cannot take a base of 0 and a negative exponent",
        ));
    }
    Ok(Some(match (Number::from_bson(&base), Number::from_bson(&exponent)) {
        (Some(Number::Decimal(base)), Some(exponent)) => match whole_exponent(exponent) {
            Some(n) => decimal(decimal_power(base, n)),
            None => decimal_from_f64(b.powf(e)),
        },
        (_, Some(Number::Decimal(_))) => decimal_from_f64(b.powf(e)),
        (Some(Number::Int32(base)), Some(Number::Int32(exponent))) => {
            integer_power(base.into(), exponent.into(), false).unwrap_or(Bson::Double(b.powf(e)))
        }
        (Some(Number::Int32(base)), Some(Number::Int64(exponent))) => {
            integer_power(base.into(), exponent, true).unwrap_or(Bson::Double(b.powf(e)))
        }
        (Some(Number::Int64(base)), Some(Number::Int32(exponent))) => {
            integer_power(base, exponent.into(), true).unwrap_or(Bson::Double(b.powf(e)))
        }
        (Some(Number::Int64(base)), Some(Number::Int64(exponent))) => {
            integer_power(base, exponent, true).unwrap_or(Bson::Double(b.powf(e)))
        }
        _ => Bson::Double(b.powf(e)),
    }))
}

/// The power of two integers, when it is one that fits.
fn integer_power(base: i64, exponent: i64, long: bool) -> Option<Bson> {
    let power = match (base, exponent) {
        (1, _) => 1,
        (-1, n) => {
            if n % 2 == 0 {
                1
            } else {
                -1
            }
        }
        (0, 1..) => 0,
        (base, exponent) => base.checked_pow(u32::try_from(exponent).ok()?)?,
    };
    Some(int_or_long(power, long))
}

/// The largest exponent for which a decimal power is multiplied out.
const WHOLE_EXPONENT_MAX: i64 = 100_000;

fn whole_exponent(exponent: Number) -> Option<i64> {
    let n = exponent.to_exact_i64()?;
    (-WHOLE_EXPONENT_MAX..=WHOLE_EXPONENT_MAX).contains(&n).then_some(n)
}

fn decimal_power(base: Decimal, exponent: i64) -> Decimal {
    let mut power = Decimal::ONE;
    let mut square = base;
    let mut rest = exponent.unsigned_abs();
    while rest > 0 {
        if rest & 1 == 1 {
            power = power * square;
        }
        rest >>= 1;
        if rest > 0 {
            square = square * square;
        }
    }
    if exponent < 0 { Decimal::ONE / power } else { power }
}
