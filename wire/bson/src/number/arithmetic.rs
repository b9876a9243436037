//! Arithmetic across the numeric types.
//!
//! Owns the type of a result: a decimal if either side is one, else a double if either side is one,
//! else an integer. Two int32 give an int32, or an int64 where that is too narrow; anything with an
//! int64 gives an int64. Where an int64 is too narrow the caller chooses: the `checked` forms refuse,
//! as updates do, and the others widen to a double, as expressions do.

use super::Number;
use crate::decimal::Decimal;
use std::ops::{Add, Mul, Sub};

/// Two operands brought to the type of their result.
enum Pair {
    Integers { a: i64, b: i64, narrow: bool },
    Doubles(f64, f64),
    Decimals(Decimal, Decimal),
}

impl Pair {
    fn of(a: Number, b: Number) -> Pair {
        use Number::*;
        match (a, b) {
            (Int32(a), Int32(b)) => Pair::Integers { a: a.into(), b: b.into(), narrow: true },
            (Int32(a), Int64(b)) => Pair::Integers { a: a.into(), b, narrow: false },
            (Int64(a), Int32(b)) => Pair::Integers { a, b: b.into(), narrow: false },
            (Int64(a), Int64(b)) => Pair::Integers { a, b, narrow: false },
            (Decimal(_), _) | (_, Decimal(_)) => Pair::Decimals(a.to_decimal(), b.to_decimal()),
            (Double(_), _) | (_, Double(_)) => Pair::Doubles(a.to_f64(), b.to_f64()),
        }
    }
}

/// One operation in each of the three arithmetics.
struct Operation {
    /// Exact: two int64 never overflow it.
    integers: fn(i128, i128) -> i128,
    doubles: fn(f64, f64) -> f64,
    decimals: fn(Decimal, Decimal) -> Decimal,
}

const SUM: Operation =
    Operation { integers: |a, b| a + b, doubles: |a, b| a + b, decimals: |a, b| a + b };
const DIFFERENCE: Operation =
    Operation { integers: |a, b| a - b, doubles: |a, b| a - b, decimals: |a, b| a - b };
const PRODUCT: Operation =
    Operation { integers: |a, b| a * b, doubles: |a, b| a * b, decimals: |a, b| a * b };

impl Operation {
    /// The result, or the exact integer that no int64 holds.
    fn apply(&self, a: Number, b: Number) -> Result<Number, i128> {
        match Pair::of(a, b) {
            Pair::Integers { a, b, narrow } => {
                let exact = (self.integers)(a.into(), b.into());
                match (i32::try_from(exact), i64::try_from(exact)) {
                    (Ok(n), _) if narrow => Ok(Number::Int32(n)),
                    (_, Ok(n)) => Ok(Number::Int64(n)),
                    (_, Err(_)) => Err(exact),
                }
            }
            Pair::Doubles(a, b) => Ok(Number::Double((self.doubles)(a, b))),
            Pair::Decimals(a, b) => Ok(Number::Decimal((self.decimals)(a, b))),
        }
    }

    fn widening(&self, a: Number, b: Number) -> Number {
        self.apply(a, b).unwrap_or_else(|exact| Number::Double(exact as f64))
    }
}

impl Add for Number {
    type Output = Number;
    /// The sum; an int64 overflow becomes a double.
    fn add(self, other: Number) -> Number {
        SUM.widening(self, other)
    }
}

impl Sub for Number {
    type Output = Number;
    /// The difference; an int64 overflow becomes a double.
    fn sub(self, other: Number) -> Number {
        DIFFERENCE.widening(self, other)
    }
}

impl Mul for Number {
    type Output = Number;
    /// The product; an int64 overflow becomes a double.
    fn mul(self, other: Number) -> Number {
        PRODUCT.widening(self, other)
    }
}

impl Number {
    /// The sum; `None` when an int64 overflows.
    pub fn checked_add(self, other: Number) -> Option<Number> {
        SUM.apply(self, other).ok()
    }

    /// The difference; `None` when an int64 overflows.
    pub fn checked_sub(self, other: Number) -> Option<Number> {
        DIFFERENCE.apply(self, other).ok()
    }

    /// The product; `None` when an int64 overflows.
    pub fn checked_mul(self, other: Number) -> Option<Number> {
        PRODUCT.apply(self, other).ok()
    }

    /// The quotient, a double unless a decimal takes part; `None` when the divisor is zero.
    pub fn divided_by(self, divisor: Number) -> Option<Number> {
        if divisor.is_zero() {
            return None;
        }
        Some(match Pair::of(self, divisor) {
            Pair::Decimals(a, b) => Number::Decimal(a / b),
            Pair::Doubles(a, b) => Number::Double(a / b),
            Pair::Integers { a, b, .. } => Number::Double(a as f64 / b as f64),
        })
    }

    /// What is left after dividing toward zero, with the dividend's sign; `None` when the divisor is
    /// zero.
    pub fn modulo(self, divisor: Number) -> Option<Number> {
        if divisor.is_zero() {
            return None;
        }
        Some(match Pair::of(self, divisor) {
            Pair::Decimals(a, b) => Number::Decimal(a % b),
            Pair::Doubles(a, b) => Number::Double(a % b),
            Pair::Integers { a, b, narrow } => {
                // The smallest int64 by -1 is the one remainder the machine refuses: it is zero.
                let rest = a.checked_rem(b).unwrap_or(0);
                match i32::try_from(rest) {
                    Ok(rest) if narrow => Number::Int32(rest),
                    _ => Number::Int64(rest),
                }
            }
        })
    }

    /// The value without its sign; `None` for the smallest int64, whose magnitude no int64 holds.
    pub fn checked_abs(self) -> Option<Number> {
        Some(match self {
            Number::Int32(n) => match n.checked_abs() {
                Some(n) => Number::Int32(n),
                None => Number::Int64(i64::from(n.unsigned_abs())),
            },
            Number::Int64(n) => Number::Int64(n.checked_abs()?),
            Number::Double(x) => Number::Double(x.abs()),
            Number::Decimal(decimal) => Number::Decimal(decimal.abs()),
        })
    }
}

impl std::ops::Neg for Number {
    type Output = Number;
    /// The value with the other sign; the smallest int64 becomes a double.
    fn neg(self) -> Number {
        match self {
            Number::Double(x) => Number::Double(-x),
            Number::Decimal(decimal) => Number::Decimal(-decimal),
            integer => Number::Int32(0) - integer,
        }
    }
}
