//! Unsigned integers of 256 bits, for the products and scaled quotients of coefficients.
//!
//! Owns just the operations decimals need, with their bounds: no value here exceeds 76 digits, so
//! nothing overflows. Numbers that fit 128 bits take the machine's own division.

use super::{digit_count, pow10};
use std::cmp::Ordering;

/// The most digits a value here may have.
pub(super) const WIDE_DIGITS_MAX: u32 = 76;
/// The largest power of ten to scale by in one step.
const STEP_MAX: u32 = 38;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl From<u128> for Wide {
    fn from(low: u128) -> Wide {
        Wide { high: 0, low }
    }
}

impl Wide {
    pub(super) fn product(a: u128, b: u128) -> Wide {
        const HALF: u128 = u64::MAX as u128;
        if let Some(low) = a.checked_mul(b) {
            return Wide::from(low);
        }
        let (a1, a0, b1, b0) = (a >> 64, a & HALF, b >> 64, b & HALF);
        let (low, middle1, middle2, high) = (a0 * b0, a1 * b0, a0 * b1, a1 * b1);
        // Three halves at most: fits.
        let carry = (low >> 64) + (middle1 & HALF) + (middle2 & HALF);
        Wide {
            high: high + (middle1 >> 64) + (middle2 >> 64) + (carry >> 64),
            low: (carry << 64) | (low & HALF),
        }
    }

    pub(super) fn is_zero(self) -> bool {
        self.high == 0 && self.low == 0
    }

    /// The value when it fits 128 bits.
    pub(super) fn narrow(self) -> Option<u128> {
        (self.high == 0).then_some(self.low)
    }

    pub(super) fn add(self, other: Wide) -> Wide {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.wrapping_add(other.high).wrapping_add(u128::from(carry));
        Wide { high, low }
    }

    /// `self - other`, which must not be negative.
    fn minus(self, other: Wide) -> Wide {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high.wrapping_sub(other.high).wrapping_sub(u128::from(borrow));
        Wide { high, low }
    }

    /// The distance between two values, and which of them is larger.
    pub(super) fn difference(self, other: Wide) -> (Wide, Ordering) {
        match self.cmp(&other) {
            Ordering::Less => (other.minus(self), Ordering::Less),
            order => (self.minus(other), order),
        }
    }

    /// The value times `10^power`; together they may not exceed 76 digits.
    pub(super) fn scaled_up(self, power: u32) -> Wide {
        let mut scaled = self;
        let mut left = power;
        while left > 0 {
            let step = left.min(STEP_MAX);
            let factor = pow10(step);
            let low = Wide::product(scaled.low, factor);
            let high = scaled.high.wrapping_mul(factor);
            scaled = Wide { high: low.high.wrapping_add(high), low: low.low };
            left -= step;
        }
        scaled
    }

    /// Quotient and remainder by a divisor below 2^127, which must not be zero.
    pub(super) fn divided(self, divisor: u128) -> (Wide, u128) {
        if divisor == 0 {
            return (Wide::from(0), 0);
        }
        if self.high == 0 {
            return (Wide::from(self.low / divisor), self.low % divisor);
        }
        let mut quotient = Wide { high: self.high / divisor, low: 0 };
        let mut remainder = self.high % divisor;
        // The remainder stays below the divisor, so one more bit fits.
        for bit in (0..128).rev() {
            remainder = (remainder << 1) | ((self.low >> bit) & 1);
            if remainder >= divisor {
                remainder -= divisor;
                quotient.low |= 1 << bit;
            }
        }
        (quotient, remainder)
    }

    /// The number of decimal digits; zero has one.
    pub(super) fn digits(self) -> u32 {
        match self.narrow() {
            Some(low) => digit_count(low),
            None => {
                let (top, _) = self.divided(pow10(37));
                37 + top.digits()
            }
        }
    }

    pub(super) fn is_odd(self) -> bool {
        self.low & 1 == 1
    }
}
