//! Decimal128 values, unpacked: sign, 34-digit coefficient, exponent.
//!
//! Owns the interchange format and everything computed with such numbers: arithmetic, rounding,
//! conversions, text. Results round half to even to 34 digits unless asked otherwise. Never panics: results beyond the range become infinity or zero as IEEE 754-2008 says.
//!
//! | bits 127 | 126..113 | 112..0 |
//! |---|---|---|
//! | sign | exponent + 6176 | coefficient, at most 10^34 - 1; a larger one counts as zero |
//! | sign | `11` exponent | always a coefficient too large: zero |
//! | sign | `11110...` | infinity |
//! | sign | `11111...` | NaN |

mod arithmetic;
mod compare;
mod convert;
mod exact;
mod rounding;
mod text;
mod wide;

pub use rounding::Rounding;
pub use text::ParseDecimalError;

use std::cmp::Ordering;

/// The largest number of digits of a coefficient.
pub const DIGITS_MAX: u32 = 34;
/// The smallest exponent of a coefficient's last digit.
pub const EXPONENT_MIN: i32 = -6176;
/// The largest exponent of a coefficient's last digit.
pub const EXPONENT_MAX: i32 = 6111;
/// The first coefficient that is too large.
pub(crate) const COEFFICIENT_END: u128 = 10u128.pow(DIGITS_MAX);

/// A decimal number, infinity or NaN.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    pub(crate) negative: bool,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Finite { coefficient: u128, exponent: i32 },
    Infinity,
    Nan,
}

impl Decimal {
    pub const ZERO: Decimal = Decimal::finite(false, 0, 0);
    pub const ONE: Decimal = Decimal::finite(false, 1, 0);
    pub const NAN: Decimal = Decimal { negative: false, kind: Kind::Nan };
    pub const INFINITY: Decimal = Decimal { negative: false, kind: Kind::Infinity };
    pub const NEGATIVE_INFINITY: Decimal = Decimal { negative: true, kind: Kind::Infinity };

    pub(crate) const fn finite(negative: bool, coefficient: u128, exponent: i32) -> Decimal {
        Decimal { negative, kind: Kind::Finite { coefficient, exponent } }
    }

    pub(crate) const fn infinity(negative: bool) -> Decimal {
        Decimal { negative, kind: Kind::Infinity }
    }

    /// Reads the sixteen bytes of a BSON decimal128.
    pub fn from_bytes(bytes: [u8; 16]) -> Decimal {
        let bits = u128::from_le_bytes(bytes);
        let negative = bits >> 127 == 1;
        match (bits >> 122) & 0x1F {
            0x1F => return Decimal { negative, kind: Kind::Nan },
            0x1E => return Decimal::infinity(negative),
            _ => {}
        }
        // The long form shifts the exponent by two bits; its coefficients are all out of range.
        let long = (bits >> 125) & 0b11 == 0b11;
        let biased = if long { bits >> 111 } else { bits >> 113 } & 0x3FFF;
        let coefficient = if long { 0 } else { bits & ((1 << 113) - 1) };
        let coefficient = if coefficient < COEFFICIENT_END { coefficient } else { 0 };
        // Fourteen bits always fit.
        let exponent = biased as i32 + EXPONENT_MIN;
        Decimal::finite(negative, coefficient, exponent)
    }

    /// The sixteen bytes of a BSON decimal128.
    pub fn to_bytes(self) -> [u8; 16] {
        let sign = u128::from(self.negative) << 127;
        let bits = match self.kind {
            Kind::Nan => 0x1F << 122,
            Kind::Infinity => 0x1E << 122,
            Kind::Finite { coefficient, exponent } => {
                let biased = exponent.clamp(EXPONENT_MIN, EXPONENT_MAX) - EXPONENT_MIN;
                (u128::from(biased.unsigned_abs()) << 113) | coefficient
            }
        };
        (sign | bits).to_le_bytes()
    }

    pub fn is_nan(self) -> bool {
        self.kind == Kind::Nan
    }

    pub fn is_infinite(self) -> bool {
        self.kind == Kind::Infinity
    }

    pub fn is_finite(self) -> bool {
        matches!(self.kind, Kind::Finite { .. })
    }

    /// True for both zeros, whatever their exponent.
    pub fn is_zero(self) -> bool {
        matches!(self.kind, Kind::Finite { coefficient: 0, .. })
    }

    /// True when the sign bit is set, of -0 and of a NaN too.
    pub fn is_negative(self) -> bool {
        self.negative
    }
}

impl PartialEq for Decimal {
    /// Equality by value: `1.0` equals `1.00`, NaN equals NaN.
    fn eq(&self, other: &Decimal) -> bool {
        self.compare(*other) == Ordering::Equal
    }
}

/// The number of decimal digits of `n`; zero has one.
pub(crate) fn digit_count(n: u128) -> u32 {
    n.checked_ilog10().unwrap_or(0) + 1
}

/// `10^n` for `n` up to 38.
pub(crate) fn pow10(n: u32) -> u128 {
    10u128.saturating_pow(n)
}

#[cfg(test)]
mod tests;
