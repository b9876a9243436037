//! The four numeric types as one.
//!
//! Owns exact comparison across them. Nothing here rounds unless its name says so.

use crate::decimal::Decimal;
use crate::raw::RawValue;
use std::cmp::Ordering;

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

fn compare_doubles(a: f64, b: f64) -> Ordering {
    // Only NaN has no order with the rest.
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

fn compare_i64_to_double(a: i64, b: f64) -> Ordering {
    /// 2^63, the first double beyond every int64.
    const END: f64 = 9_223_372_036_854_775_808.0;
    if b.is_nan() || b < -END {
        return Ordering::Greater;
    }
    if b >= END {
        return Ordering::Less;
    }
    // In range the integer part converts exactly, and the fraction decides a tie.
    a.cmp(&(b.trunc() as i64)).then_with(|| compare_doubles(0.0, b.fract()))
}
