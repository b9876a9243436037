//! Sum, difference, product, quotient and remainder.
//!
//! Owns the exact intermediate results; [`super::rounding`] fits them. Results carry the exponent
//! IEEE 754-2008 prefers (`1.10 + 1.1 = 2.20`, `1.20 * 2 = 2.40`) where 34 digits allow it.

use super::rounding::fit;
use super::wide::{WIDE_DIGITS_MAX, Wide};
use super::{DIGITS_MAX, Decimal, Kind, digit_count, pow10};
use std::cmp::Ordering;
use std::ops::{Add, Div, Mul, Neg, Rem, Sub};

impl Decimal {
    /// The value without its sign.
    #[must_use]
    pub fn abs(self) -> Decimal {
        Decimal { negative: false, kind: self.kind }
    }
}

impl Neg for Decimal {
    type Output = Decimal;
    fn neg(self) -> Decimal {
        Decimal { negative: !self.negative, kind: self.kind }
    }
}

impl Sub for Decimal {
    type Output = Decimal;
    fn sub(self, other: Decimal) -> Decimal {
        if other.is_nan() { Decimal::NAN } else { self + -other }
    }
}

impl Add for Decimal {
    type Output = Decimal;
    fn add(self, other: Decimal) -> Decimal {
        match (self.kind, other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) => Decimal::NAN,
            (Kind::Infinity, Kind::Infinity) if self.negative != other.negative => Decimal::NAN,
            (Kind::Infinity, _) => self,
            (_, Kind::Infinity) => other,
            (
                Kind::Finite { coefficient: a, exponent: i },
                Kind::Finite { coefficient: b, exponent: j },
            ) => {
                let (left, right) = ((self.negative, a, i), (other.negative, b, j));
                if i >= j { add_finite(left, right) } else { add_finite(right, left) }
            }
        }
    }
}

/// Sign, coefficient, exponent.
type Parts = (bool, u128, i32);

/// Adds two finite numbers, the one with the larger exponent first.
fn add_finite((high_sign, high, exponent): Parts, (low_sign, low, below): Parts) -> Decimal {
    let shift = exponent.saturating_sub(below).unsigned_abs();
    if high == 0 {
        // Minus zero only where both are negative, unless the other one is not zero.
        let negative = low_sign && (low != 0 || high_sign);
        return fit(negative, low.into(), below.into());
    }
    let digits = digit_count(high);
    if digits + shift < WIDE_DIGITS_MAX {
        let sum = signed_sum(high_sign, Wide::from(high).scaled_up(shift), low_sign, low.into());
        return fit(sum.0, sum.1, below.into());
    }
    if low == 0 {
        let room = DIGITS_MAX - digits;
        return fit(
            high_sign,
            Wide::from(high).scaled_up(room),
            i64::from(exponent) - i64::from(room),
        );
    }
    // So far apart that the lower number only decides ties: one unit in a far digit stands for it.
    let room = WIDE_DIGITS_MAX - 1 - digits;
    let scaled = Wide::from(high).scaled_up(room);
    let sum = signed_sum(high_sign, scaled, low_sign, 1.into());
    fit(sum.0, sum.1, i64::from(exponent) - i64::from(room))
}

fn signed_sum(a_sign: bool, a: Wide, b_sign: bool, b: Wide) -> (bool, Wide) {
    if a_sign == b_sign {
        return (a_sign, a.add(b));
    }
    match a.difference(b) {
        (distance, Ordering::Greater) => (a_sign, distance),
        (distance, Ordering::Less) => (b_sign, distance),
        (zero, Ordering::Equal) => (false, zero),
    }
}

impl Mul for Decimal {
    type Output = Decimal;
    fn mul(self, other: Decimal) -> Decimal {
        let negative = self.negative != other.negative;
        match (self.kind, other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) => Decimal::NAN,
            (Kind::Infinity, _) | (_, Kind::Infinity) => {
                if self.is_zero() || other.is_zero() {
                    Decimal::NAN
                } else {
                    Decimal::infinity(negative)
                }
            }
            (
                Kind::Finite { coefficient: a, exponent: i },
                Kind::Finite { coefficient: b, exponent: j },
            ) => fit(negative, Wide::product(a, b), i64::from(i) + i64::from(j)),
        }
    }
}

impl Div for Decimal {
    type Output = Decimal;
    /// Division by zero is infinity, of zero by zero NaN; callers that must refuse it look first.
    fn div(self, other: Decimal) -> Decimal {
        let negative = self.negative != other.negative;
        match (self.kind, other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) | (Kind::Infinity, Kind::Infinity) => Decimal::NAN,
            (Kind::Infinity, _) => Decimal::infinity(negative),
            (_, Kind::Infinity) => fit(negative, 0.into(), i64::MIN),
            (Kind::Finite { coefficient: 0, .. }, Kind::Finite { coefficient: 0, .. }) => {
                Decimal::NAN
            }
            (_, Kind::Finite { coefficient: 0, .. }) => Decimal::infinity(negative),
            (
                Kind::Finite { coefficient: a, exponent: i },
                Kind::Finite { coefficient: b, exponent: j },
            ) => divide(negative, a, b, i64::from(i) - i64::from(j)),
        }
    }
}

fn divide(negative: bool, a: u128, b: u128, preferred: i64) -> Decimal {
    // Scaled so that the quotient has 35 digits or more: one beyond what is kept.
    let scale = (DIGITS_MAX + 1 + digit_count(b)).saturating_sub(digit_count(a));
    let (quotient, remainder) = Wide::from(a).scaled_up(scale).divided(b);
    let mut exponent = preferred - i64::from(scale);
    if remainder != 0 {
        // One unit in a digit below stands for everything that is left.
        return fit(negative, quotient.scaled_up(1).add(1.into()), exponent - 1);
    }
    let mut exact = quotient;
    while exponent < preferred && !exact.is_zero() {
        let (shorter, digit) = exact.divided(10);
        if digit != 0 {
            break;
        }
        exact = shorter;
        exponent += 1;
    }
    if exact.is_zero() { fit(negative, exact, preferred) } else { fit(negative, exact, exponent) }
}

impl Rem for Decimal {
    type Output = Decimal;
    /// What is left after dividing to an integer toward zero; it has the sign of the dividend.
    fn rem(self, other: Decimal) -> Decimal {
        match (self.kind, other.kind) {
            (Kind::Nan, _) | (_, Kind::Nan) | (Kind::Infinity, _) => Decimal::NAN,
            (_, Kind::Finite { coefficient: 0, .. }) => Decimal::NAN,
            (_, Kind::Infinity) => self,
            (
                Kind::Finite { coefficient: a, exponent: i },
                Kind::Finite { coefficient: b, exponent: j },
            ) => {
                let rest = remainder(a, b, i.saturating_sub(j));
                fit(self.negative, rest.into(), i.min(j).into())
            }
        }
    }
}

/// `a * 10^apart mod b`, or `a mod b * 10^-apart`.
fn remainder(a: u128, b: u128, apart: i32) -> u128 {
    if apart < 0 {
        let scale = apart.unsigned_abs();
        // A divisor of more than 34 digits is larger than the dividend.
        let fits = digit_count(b) + scale.min(DIGITS_MAX) <= DIGITS_MAX;
        return if fits { a % (b * pow10(scale)) } else { a };
    }
    let mut rest = a % b;
    let mut left = apart.unsigned_abs();
    while left > 0 && rest != 0 {
        let step = left.min(DIGITS_MAX);
        rest = Wide::product(rest, pow10(step)).divided(b).1;
        left -= step;
    }
    rest
}
