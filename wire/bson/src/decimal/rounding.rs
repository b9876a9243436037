//! Fitting exact results into 34 digits and the range of exponents.
//!
//! Owns every place where digits are dropped.

use super::wide::Wide;
use super::{COEFFICIENT_END, DIGITS_MAX, Decimal, EXPONENT_MAX, EXPONENT_MIN, Kind};
use super::{digit_count, pow10};

/// Where to go when digits are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rounding {
    HalfEven,
    TowardZero,
    /// Toward negative infinity.
    Floor,
    /// Toward positive infinity.
    Ceiling,
}

/// The digits that one division can drop.
const DROP_MAX: u32 = 37;

/// Drops the last `count` digits.
fn drop_digits(coefficient: Wide, count: u32, negative: bool, rounding: Rounding) -> Wide {
    let (mut kept, mut part, mut scale) = (coefficient, 0u128, 1u128);
    let mut sticky = false;
    let mut left = count;
    while left > 0 && !(kept.is_zero() && part == 0) {
        let step = left.min(DROP_MAX);
        sticky |= part != 0;
        scale = pow10(step);
        (kept, part) = kept.divided(scale);
        left -= step;
    }
    if part == 0 && !sticky {
        return kept;
    }
    let up = match rounding {
        Rounding::TowardZero => false,
        Rounding::Floor => negative,
        Rounding::Ceiling => !negative,
        Rounding::HalfEven => match part.cmp(&(scale / 2)) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => sticky || kept.is_odd(),
        },
    };
    if up { kept.add(Wide::from(1)) } else { kept }
}

/// The decimal nearest to `coefficient * 10^exponent`, ties to even. Keeps the exponent where the
/// digits allow it.
pub(super) fn fit(negative: bool, coefficient: Wide, exponent: i64) -> Decimal {
    if coefficient.is_zero() {
        let range = i64::from(EXPONENT_MIN)..=i64::from(EXPONENT_MAX);
        let exponent = exponent.clamp(*range.start(), *range.end());
        return Decimal::finite(negative, 0, exponent as i32);
    }
    let excess = i64::from(coefficient.digits()) - i64::from(DIGITS_MAX);
    let below = i64::from(EXPONENT_MIN).saturating_sub(exponent);
    let count = excess.max(below).max(0);
    let dropped = u32::try_from(count).unwrap_or(u32::MAX);
    let kept = drop_digits(coefficient, dropped, negative, Rounding::HalfEven);
    let mut exponent = exponent.saturating_add(count);
    let mut kept = kept.narrow().unwrap_or(COEFFICIENT_END);
    if kept == COEFFICIENT_END {
        // Rounding up carried through all digits.
        kept /= 10;
        exponent += 1;
    }
    let above = exponent.saturating_sub(i64::from(EXPONENT_MAX));
    if above > 0 {
        // A number with few digits can have its exponent lowered by zeros behind them.
        let room = i64::from(DIGITS_MAX - digit_count(kept));
        if above > room {
            return Decimal::infinity(negative);
        }
        kept *= pow10(above as u32);
        exponent = i64::from(EXPONENT_MAX);
    }
    // Clamped to the range of exponents above: fits.
    Decimal::finite(negative, kept, exponent as i32)
}

impl Decimal {
    /// The value with its last digit at `10^exponent`: pads with zeros or drops digits. `None` when
    /// that takes more than 34 digits, and for NaN and infinity.
    pub fn quantize(self, exponent: i32, rounding: Rounding) -> Option<Decimal> {
        let Kind::Finite { coefficient, exponent: from } = self.kind else { return None };
        if !(EXPONENT_MIN..=EXPONENT_MAX).contains(&exponent) {
            return None;
        }
        let quantized = if from >= exponent {
            let padding = (from - exponent).unsigned_abs();
            if coefficient != 0 && digit_count(coefficient) + padding > DIGITS_MAX {
                return None;
            }
            if coefficient == 0 { 0 } else { coefficient * pow10(padding) }
        } else {
            let count = (exponent - from).unsigned_abs();
            drop_digits(coefficient.into(), count, self.negative, rounding).narrow()?
        };
        (quantized < COEFFICIENT_END).then_some(Decimal::finite(self.negative, quantized, exponent))
    }

    /// Rounds to `places` digits behind the point, or before it when negative. What has no such form
    /// in 34 digits is already coarser and stays as it is.
    pub fn round(self, places: i32, rounding: Rounding) -> Decimal {
        self.quantize(places.saturating_neg(), rounding).unwrap_or(self)
    }

    /// The integer part.
    pub fn trunc(self) -> Decimal {
        self.round(0, Rounding::TowardZero)
    }

    /// The largest integer not above.
    pub fn floor(self) -> Decimal {
        self.round(0, Rounding::Floor)
    }

    /// The smallest integer not below.
    pub fn ceil(self) -> Decimal {
        self.round(0, Rounding::Ceiling)
    }
}
