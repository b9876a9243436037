//! The four numeric types as one.
//!
//! Owns exact comparison across them, conversions that say what they lose, and arithmetic with the
//! query language's rules for the type of a result ([`arithmetic`](self)). Knows no operator: what an
//! overflow or a division by zero means, and how it is worded, is the caller's.

mod arithmetic;

use crate::decimal::Decimal;
use crate::raw::RawValue;
use bson::{Bson, Decimal128};
use std::cmp::Ordering;

/// 2^63, the first double beyond every int64.
const I64_END: f64 = 9_223_372_036_854_775_808.0;

/// A BSON number.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    Int32(i32),
    Int64(i64),
    Double(f64),
    Decimal(Decimal),
}

impl Number {
    /// The number a value holds; `None` for every other type.
    #[inline]
    pub fn from_raw(value: RawValue<'_>) -> Option<Number> {
        Some(match value {
            RawValue::Int32(n) => Number::Int32(n),
            RawValue::Int64(n) => Number::Int64(n),
            RawValue::Double(x) => Number::Double(x),
            RawValue::Decimal128(bytes) => Number::Decimal(Decimal::from_bytes(bytes)),
            _ => return None,
        })
    }

    /// The number a decoded value holds; `None` for every other type.
    pub fn from_bson(value: &Bson) -> Option<Number> {
        Some(match value {
            Bson::Int32(n) => Number::Int32(*n),
            Bson::Int64(n) => Number::Int64(*n),
            Bson::Double(x) => Number::Double(*x),
            Bson::Decimal128(decimal) => Number::Decimal(Decimal::from_bytes(decimal.bytes())),
            _ => return None,
        })
    }

    /// The number as a borrowed value.
    pub fn to_raw(self) -> RawValue<'static> {
        match self {
            Number::Int32(n) => RawValue::Int32(n),
            Number::Int64(n) => RawValue::Int64(n),
            Number::Double(x) => RawValue::Double(x),
            Number::Decimal(decimal) => RawValue::Decimal128(decimal.to_bytes()),
        }
    }

    /// The number as a decoded value.
    pub fn to_bson(self) -> Bson {
        match self {
            Number::Int32(n) => Bson::Int32(n),
            Number::Int64(n) => Bson::Int64(n),
            Number::Double(x) => Bson::Double(x),
            Number::Decimal(decimal) => {
                Bson::Decimal128(Decimal128::from_bytes(decimal.to_bytes()))
            }
        }
    }

    pub fn is_nan(self) -> bool {
        match self {
            Number::Int32(_) | Number::Int64(_) => false,
            Number::Double(x) => x.is_nan(),
            Number::Decimal(decimal) => decimal.is_nan(),
        }
    }

    pub fn is_zero(self) -> bool {
        match self {
            Number::Int32(n) => n == 0,
            Number::Int64(n) => n == 0,
            Number::Double(x) => x == 0.0,
            Number::Decimal(decimal) => decimal.is_zero(),
        }
    }

    /// The nearest double.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Int32(n) => f64::from(n),
            Number::Int64(n) => n as f64,
            Number::Double(x) => x,
            Number::Decimal(decimal) => decimal.to_f64(),
        }
    }

    /// The decimal that arithmetic with decimals takes it for; doubles lend 15 digits.
    pub fn to_decimal(self) -> Decimal {
        match self {
            Number::Int32(n) => Decimal::from(n),
            Number::Int64(n) => Decimal::from(n),
            Number::Double(x) => Decimal::from_f64(x),
            Number::Decimal(decimal) => decimal,
        }
    }

    /// The integer part; `None` when it is not an int64, and for NaN.
    pub fn to_i64_truncating(self) -> Option<i64> {
        match self {
            Number::Int32(n) => Some(i64::from(n)),
            Number::Int64(n) => Some(n),
            Number::Double(x) if (-I64_END..I64_END).contains(&x) => Some(x as i64),
            Number::Double(_) => None,
            Number::Decimal(decimal) => decimal.to_i64_truncating(),
        }
    }

    /// The value when it is an integer and an int64.
    pub fn to_exact_i64(self) -> Option<i64> {
        match self {
            Number::Double(x) if x.trunc() != x => None,
            Number::Decimal(decimal) => decimal.to_exact_i64(),
            whole => whole.to_i64_truncating(),
        }
    }

    /// The value when it is an integer and an int32.
    pub fn to_exact_i32(self) -> Option<i32> {
        self.to_exact_i64().and_then(|n| i32::try_from(n).ok())
    }

    /// Compares by exact value: NaN below everything and equal to itself, -0 equal to 0.
    pub fn compare(self, other: Number) -> Ordering {
        use Number::*;
        match (self, other) {
            (Int32(a), Int32(b)) => a.cmp(&b),
            (Double(a), Double(b)) => compare_doubles(a, b),
            (Decimal(a), Decimal(b)) => a.compare(b),
            (Double(a), Decimal(b)) => b.compare_f64(a).reverse(),
            (Decimal(a), Double(b)) => a.compare_f64(b),
            (Double(a), Int32(b)) => compare_i64_to_double(i64::from(b), a).reverse(),
            (Double(a), Int64(b)) => compare_i64_to_double(b, a).reverse(),
            (Int32(a), Double(b)) => compare_i64_to_double(i64::from(a), b),
            (Int64(a), Double(b)) => compare_i64_to_double(a, b),
            (Int64(a), Int64(b)) => a.cmp(&b),
            (Int32(a), Int64(b)) => i64::from(a).cmp(&b),
            (Int64(a), Int32(b)) => a.cmp(&i64::from(b)),
            (Int32(a), Decimal(b)) => crate::decimal::Decimal::from(a).compare(b),
            (Int64(a), Decimal(b)) => crate::decimal::Decimal::from(a).compare(b),
            (Decimal(a), Int32(b)) => a.compare(b.into()),
            (Decimal(a), Int64(b)) => a.compare(b.into()),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Number) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

/// Compares two values when both are numbers.
#[inline]
pub fn compare_numbers(a: RawValue<'_>, b: RawValue<'_>) -> Option<Ordering> {
    Some(Number::from_raw(a)?.compare(Number::from_raw(b)?))
}

/// The value of a number of any type that is an integer and an int64: `5`, `5.0`, decimal `5.00`.
pub fn as_exact_i64(value: RawValue<'_>) -> Option<i64> {
    Number::from_raw(value)?.to_exact_i64()
}

fn compare_doubles(a: f64, b: f64) -> Ordering {
    // Only NaN has no order with the rest.
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_i64_to_double(a: i64, b: f64) -> Ordering {
    if b.is_nan() || b < -I64_END {
        return Ordering::Greater;
    }
    if b >= I64_END {
        return Ordering::Less;
    }
    // In range the integer part converts exactly, and the fraction decides a tie.
    a.cmp(&(b.trunc() as i64)).then_with(|| compare_doubles(0.0, b.fract()))
}

#[cfg(test)]
mod tests;
