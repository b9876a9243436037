//! The order of decimals, among themselves and against the other numeric types.

use super::{DIGITS_MAX, Decimal, Kind, digit_count, exact, pow10};
use std::cmp::Ordering;

impl Decimal {
    /// Compares by value: NaN below everything and equal to itself, -0 equal to 0.
    pub fn compare(self, other: Decimal) -> Ordering {
        match (self.is_nan(), other.is_nan()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let (a, b) = (self.signum(), other.signum());
        if a != b || a == 0 {
            return a.cmp(&b);
        }
        let magnitudes = self.compare_magnitude(other);
        if a < 0 { magnitudes.reverse() } else { magnitudes }
    }

    /// Compares with a double by exact value.
    pub fn compare_f64(self, other: f64) -> Ordering {
        match (self.is_nan(), other.is_nan()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            (false, false) => {}
        }
        let sign = if other == 0.0 {
            0
        } else if other < 0.0 {
            -1
        } else {
            1
        };
        let own = self.signum();
        if own != sign || own == 0 {
            return own.cmp(&sign);
        }
        let magnitudes = self.compare_magnitude_f64(other.abs());
        if own < 0 { magnitudes.reverse() } else { magnitudes }
    }

    /// -1, 0 or 1; for NaN, the sign it carries.
    pub(crate) fn signum(self) -> i32 {
        if self.is_zero() {
            0
        } else if self.negative {
            -1
        } else {
            1
        }
    }

    fn compare_magnitude(self, other: Decimal) -> Ordering {
        match (self.scientific(), other.scientific()) {
            (Some(a), Some(b)) => a.cmp(&b),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        }
    }

    /// The magnitude against that of a positive double.
    pub(crate) fn compare_magnitude_f64(self, other: f64) -> Ordering {
        let Kind::Finite { coefficient, exponent } = self.kind else {
            return if other.is_infinite() { Ordering::Equal } else { Ordering::Greater };
        };
        if other.is_infinite() {
            return Ordering::Less;
        }
        // Rounding to nearest is monotonic, so a different nearest double decides.
        match self.to_f64().abs().total_cmp(&other) {
            Ordering::Equal => exact::compare_to_f64(coefficient, exponent, other),
            decided => decided,
        }
    }

    /// A finite magnitude as the exponent of its first digit and its digits filled up to 34, so
    /// that magnitudes order as these pairs do. Zero has the smallest pair.
    pub fn scientific(self) -> Option<(i32, u128)> {
        let Kind::Finite { coefficient, exponent } = self.kind else { return None };
        if coefficient == 0 {
            return Some((i32::MIN, 0));
        }
        let digits = digit_count(coefficient);
        let filled = coefficient * pow10(DIGITS_MAX - digits);
        // At most 34 digits: always fits.
        Some((exponent + digits as i32 - 1, filled))
    }
}
