//! Trigonometry. Decimals are computed as doubles and given back as decimals.

use super::numeric::{as_f64, decimal_from_f64};
use super::table::{Family, Syntax};
use super::value::{NULL, Value, double_text, is_nullish, type_name};
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$acos", Syntax::Unary(|x| bounded(x, "$acos", -1.0, 1.0, f64::acos))),
    ("$acosh", Syntax::Unary(|x| bounded(x, "$acosh", 1.0, f64::INFINITY, f64::acosh))),
    ("$asin", Syntax::Unary(|x| bounded(x, "$asin", -1.0, 1.0, f64::asin))),
    ("$asinh", Syntax::Unary(|x| any(x, "$asinh", f64::asinh))),
    ("$atan", Syntax::Unary(|x| any(x, "$atan", f64::atan))),
    ("$atan2", Syntax::Binary(atan2)),
    ("$atanh", Syntax::Unary(|x| bounded(x, "$atanh", -1.0, 1.0, f64::atanh))),
    ("$cos", Syntax::Unary(|x| finite(x, "$cos", f64::cos))),
    ("$cosh", Syntax::Unary(|x| any(x, "$cosh", f64::cosh))),
    ("$degreesToRadians", Syntax::Unary(|x| any(x, "$degreesToRadians", f64::to_radians))),
    ("$radiansToDegrees", Syntax::Unary(|x| any(x, "$radiansToDegrees", f64::to_degrees))),
    ("$sin", Syntax::Unary(|x| finite(x, "$sin", f64::sin))),
    ("$sinh", Syntax::Unary(|x| any(x, "$sinh", f64::sinh))),
    ("$tan", Syntax::Unary(|x| finite(x, "$tan", f64::tan))),
    ("$tanh", Syntax::Unary(|x| any(x, "$tanh", f64::tanh))),
];

fn operand(value: &Value, name: &str) -> Result<f64> {
    value.as_ref().and_then(as_f64).ok_or_else(|| {
        CommandError::location(
            28765,
            format!("{name} only supports numeric types, not {}", type_name(value.as_ref())),
        )
    })
}

/// The result in the type that the operand asks for.
fn result(operand: &Value, x: f64) -> Value {
    Some(match operand {
        Some(Bson::Decimal128(_)) => decimal_from_f64(x),
        _ => Bson::Double(x),
    })
}

fn any(value: Value, name: &str, function: fn(f64) -> f64) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let x = operand(&value, name)?;
    Ok(result(&value, function(x)))
}

fn bounded(
    value: Value,
    name: &str,
    least: f64,
    most: f64,
    function: fn(f64) -> f64,
) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let x = operand(&value, name)?;
    if x.is_nan() || (least..=most).contains(&x) {
        return Ok(result(&value, function(x)));
    }
    Err(out_of_bounds(name, x, &format!("[{},{}]", double_text(least), double_text(most))))
}

fn finite(value: Value, name: &str, function: fn(f64) -> f64) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let x = operand(&value, name)?;
    if x.is_infinite() {
        return Err(out_of_bounds(name, x, "(-inf,inf)"));
    }
    Ok(result(&value, function(x)))
}

fn out_of_bounds(name: &str, x: f64, bounds: &str) -> CommandError {
    CommandError::location(
        50989,
        format!("cannot apply {name} to {}, value must be in {bounds}", double_text(x)),
    )
}

fn atan2(y: Value, x: Value) -> Result<Value> {
    if is_nullish(&y) || is_nullish(&x) {
        return Ok(NULL);
    }
    for side in [&y, &x] {
        if side.as_ref().and_then(as_f64).is_none() {
            return Err(CommandError::location(
                51044,
                format!("$atan2 only supports numeric types, not {}", type_name(side.as_ref())),
            ));
        }
    }
    let angle = operand(&y, "$atan2")?.atan2(operand(&x, "$atan2")?);
    let decimal = [&y, &x].into_iter().find(|side| matches!(side, Some(Bson::Decimal128(_))));
    Ok(result(decimal.unwrap_or(&y), angle))
}
