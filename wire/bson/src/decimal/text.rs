//! Decimals as text, both ways.

use super::rounding::fit;
use super::{Decimal, Kind};
use std::fmt;
use std::str::FromStr;

/// The text is not a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Failed to parse string to decimal")]
pub struct ParseDecimalError;

/// Digits that are read one by one; what follows can only decide a tie.
const READ_MAX: u32 = 36;

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    /// Reads `[+-]digits[.digits][e[+-]digits]`, `inf`, `infinity` or `nan`, rounding to 34 digits.
    fn from_str(text: &str) -> Result<Decimal, ParseDecimalError> {
        let (negative, body) = match text.as_bytes() {
            [b'-', rest @ ..] => (true, rest),
            [b'+', rest @ ..] => (false, rest),
            body => (false, body),
        };
        let is = |word: &str| body.eq_ignore_ascii_case(word.as_bytes());
        if is("inf") || is("infinity") {
            return Ok(Decimal::infinity(negative));
        }
        if is("nan") {
            return Ok(Decimal::NAN);
        }
        let (digits, exponent) = match body.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => {
                let (digits, rest) = body.split_at(at);
                (digits, parse_exponent(rest.get(1..).unwrap_or_default())?)
            }
            None => (body, 0),
        };
        parse_digits(negative, digits, exponent)
    }
}

fn parse_digits(negative: bool, text: &[u8], exponent: i64) -> Result<Decimal, ParseDecimalError> {
    let (mut coefficient, mut read, mut shift) = (0u128, 0u32, 0i64);
    let (mut point, mut any, mut sticky) = (false, false, false);
    for &byte in text {
        match byte {
            b'.' if !point => point = true,
            b'0'..=b'9' => {
                any = true;
                let digit = u128::from(byte - b'0');
                if read < READ_MAX {
                    coefficient = coefficient * 10 + digit;
                    read += u32::from(coefficient != 0);
                    shift -= i64::from(point);
                } else {
                    sticky |= digit != 0;
                    shift += i64::from(!point);
                }
            }
            _ => return Err(ParseDecimalError),
        }
    }
    if !any {
        return Err(ParseDecimalError);
    }
    if sticky {
        coefficient = coefficient * 10 + 1;
        shift -= 1;
    }
    Ok(fit(negative, coefficient.into(), exponent.saturating_add(shift)))
}

fn parse_exponent(text: &[u8]) -> Result<i64, ParseDecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(ParseDecimalError);
    }
    let magnitude = digits.iter().fold(0i64, |sum, &digit| {
        // Far beyond the range every exponent has the same effect.
        (sum * 10 + i64::from(digit - b'0')).min(1 << 40)
    });
    Ok(if negative { -magnitude } else { magnitude })
}

impl fmt::Display for Decimal {
    /// The scientific-or-plain form that drivers and shells show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (coefficient, exponent) = match self.kind {
            Kind::Nan => return f.write_str("NaN"),
            Kind::Infinity if self.negative => return f.write_str("-Infinity"),
            Kind::Infinity => return f.write_str("Infinity"),
            Kind::Finite { coefficient, exponent } => (coefficient, exponent),
        };
        if self.negative {
            f.write_str("-")?;
        }
        let digits = coefficient.to_string();
        // At most 34 digits.
        let count = digits.len() as i32;
        let adjusted = exponent + count - 1;
        if exponent > 0 || adjusted < -6 {
            let (first, rest) = digits.split_at(1);
            let point = if rest.is_empty() { "" } else { "." };
            return write!(f, "{first}{point}{rest}E{adjusted:+}");
        }
        if exponent == 0 {
            return f.write_str(&digits);
        }
        match usize::try_from(count + exponent) {
            Ok(before) if before > 0 => {
                let (whole, fraction) = digits.split_at(before);
                write!(f, "{whole}.{fraction}")
            }
            _ => write!(f, "0.{digits:0>width$}", width = exponent.unsigned_abs() as usize),
        }
    }
}
