//! Reading numbers out of values, whatever their numeric type.

use quire_bson::{Bson, Decimal, Number};

/// The value as an integer, when it is a number without fraction that fits.
pub(crate) fn exact_i64(value: &Bson) -> Option<i64> {
    Number::from_bson(value)?.to_exact_i64()
}

pub(crate) fn exact_i32(value: &Bson) -> Option<i32> {
    Number::from_bson(value)?.to_exact_i32()
}

/// The nearest double of a number.
pub(crate) fn as_f64(value: &Bson) -> Option<f64> {
    Number::from_bson(value).map(Number::to_f64)
}

/// The double as a decimal value.
pub(crate) fn decimal_from_f64(x: f64) -> Bson {
    decimal(Decimal::from_f64(x))
}

pub(crate) fn decimal(decimal: Decimal) -> Bson {
    Number::Decimal(decimal).to_bson()
}

/// The integer in the smallest type that holds it, at least `long` when asked for.
pub(crate) fn int_or_long(n: i64, long: bool) -> Bson {
    match i32::try_from(n) {
        Ok(n) if !long => Bson::Int32(n),
        _ => Bson::Int64(n),
    }
}
