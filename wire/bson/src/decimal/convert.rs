//! Decimals from and to the other numeric types.

use super::{COEFFICIENT_END, Decimal, Kind, Rounding, exact};
use std::cmp::Ordering;
use std::io::Write;

/// The significant digits a double keeps when it meets a decimal.
const DOUBLE_DIGITS: i32 = 15;
/// Integers below 2^53 are exact doubles.
const INTEGERS_END: f64 = 9_007_199_254_740_992.0;

impl From<i64> for Decimal {
    fn from(n: i64) -> Decimal {
        Decimal::finite(n < 0, u128::from(n.unsigned_abs()), 0)
    }
}

impl From<i32> for Decimal {
    fn from(n: i32) -> Decimal {
        Decimal::from(i64::from(n))
    }
}

impl Decimal {
    /// A double as MongoDB takes it into decimal arithmetic: 15 significant digits, which is what
    /// every decimal text of up to 15 digits survives. `0.1` becomes `0.100000000000000`.
    pub fn from_f64(x: f64) -> Decimal {
        let wide = Decimal::from_f64_34_digits(x);
        let Some((first, _)) = wide.scientific().filter(|_| !wide.is_zero()) else { return wide };
        let rounded = wide.round(DOUBLE_DIGITS - 1 - first, Rounding::HalfEven);
        // Carrying into a new first digit leaves one digit too many.
        match rounded.scientific() {
            Some((carried, _)) if carried != first => {
                rounded.round(DOUBLE_DIGITS - 1 - carried, Rounding::HalfEven)
            }
            _ => rounded,
        }
    }

    /// The decimal nearest to a double.
    pub fn from_f64_34_digits(x: f64) -> Decimal {
        if x.is_nan() {
            return Decimal::NAN;
        }
        if x.is_infinite() {
            return Decimal::infinity(x < 0.0);
        }
        if x == 0.0 {
            return Decimal::finite(x.is_sign_negative(), 0, 0);
        }
        if x.trunc() == x && x.abs() < INTEGERS_END {
            return Decimal::finite(x < 0.0, x.abs() as u128, 0);
        }
        // Formatting with a precision rounds the exact value.
        let text = format!("{x:.33e}");
        let exact: Decimal = text.parse().unwrap_or(Decimal::NAN);
        exact.without_trailing_zeros()
    }

    /// The same value with the largest exponent up to zero, as short as a number can be written.
    fn without_trailing_zeros(self) -> Decimal {
        let Kind::Finite { mut coefficient, mut exponent } = self.kind else { return self };
        while exponent < 0 && coefficient != 0 && coefficient % 10 == 0 {
            coefficient /= 10;
            exponent += 1;
        }
        Decimal::finite(self.negative, coefficient, exponent)
    }

    /// The integer part when it is an int64.
    pub fn to_i64_truncating(self) -> Option<i64> {
        let (whole, _) = self.integer_part()?;
        let signed = i128::try_from(whole).ok()?;
        i64::try_from(if self.negative { -signed } else { signed }).ok()
    }

    /// The value when it is an integer and an int64.
    pub fn to_exact_i64(self) -> Option<i64> {
        let (_, fraction) = self.integer_part()?;
        if fraction { None } else { self.to_i64_truncating() }
    }

    /// The nearest double, ties to even; too large is infinity, too small is zero.
    pub fn to_f64(self) -> f64 {
        let magnitude = match self.kind {
            Kind::Nan => return f64::NAN,
            Kind::Infinity => f64::INFINITY,
            Kind::Finite { coefficient: 0, .. } => 0.0,
            // Exact operands make one correctly rounded operation of the common small numbers.
            Kind::Finite { coefficient, exponent: 0 } if coefficient < 1 << 53 => {
                coefficient as f64
            }
            Kind::Finite { coefficient, exponent } => parse_scientific(coefficient, exponent),
        };
        if self.negative { -magnitude } else { magnitude }
    }

    /// The magnitude rounded toward zero to a finite double, and whether anything was cut off.
    /// `None` for NaN and infinity.
    pub fn magnitude_toward_zero(self) -> Option<(f64, bool)> {
        let Kind::Finite { coefficient, exponent } = self.kind else { return None };
        let nearest = self.to_f64().abs();
        if nearest.is_infinite() {
            return Some((f64::MAX, true));
        }
        if nearest == 0.0 {
            return Some((0.0, coefficient != 0));
        }
        Some(match exact::compare_to_f64(coefficient, exponent, nearest) {
            Ordering::Equal => (nearest, false),
            Ordering::Greater => (nearest, true),
            // The bits of positive doubles count up with their values.
            Ordering::Less => (f64::from_bits(nearest.to_bits() - 1), true),
        })
    }

    /// The integer part of the magnitude and whether a fraction follows it; `None` when it has
    /// more digits than a coefficient, and for NaN and infinity.
    pub fn integer_part(self) -> Option<(u128, bool)> {
        let Kind::Finite { coefficient, exponent } = self.kind else { return None };
        if coefficient == 0 {
            return Some((0, false));
        }
        if exponent >= 0 {
            let scale = 10u128.checked_pow(exponent.unsigned_abs())?;
            let whole = coefficient.checked_mul(scale)?;
            return (whole < COEFFICIENT_END).then_some((whole, false));
        }
        match 10u128.checked_pow(exponent.unsigned_abs()) {
            Some(scale) => Some((coefficient / scale, coefficient % scale != 0)),
            None => Some((0, coefficient != 0)),
        }
    }
}

/// The standard library parses any decimal text correctly rounded, so text is the way there.
fn parse_scientific(coefficient: u128, exponent: i32) -> f64 {
    // 39 digits of a u128, `e`, and a signed exponent of at most ten digits.
    let mut text = [0u8; 64];
    let mut rest = text.as_mut_slice();
    let written = write!(rest, "{coefficient}e{exponent}");
    let free = rest.len();
    let used = text.get(..64 - free).unwrap_or_default();
    match (written, std::str::from_utf8(used).map(str::parse)) {
        (Ok(()), Ok(Ok(nearest))) => nearest,
        _ => f64::NAN,
    }
}
