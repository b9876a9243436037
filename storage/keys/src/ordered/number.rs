//! Numbers as key bytes, the same for all four types.
//!
//! Owns the form of a magnitude: the number without its sign, cut toward zero to a double. The 63
//! bits of that double, which count up as positive doubles do, stand in up to nine groups of seven
//! bits, high ones first; a group's low bit tells that more follows. Groups that are zero to the
//! end are left out, so 1 takes two bytes and integers below 2^25 at most five.
//!
//! When the ninth group says that more follows, the double fell short of the number:
//!
//! | the double is | the rest |
//! |---|---|
//! | in 2^53 .. 2^64 | uint16 big-endian: twice what is missing from the integer part, plus 1 if digits follow |
//! | any other | digits |
//!
//! Digits are those of the whole number: the exponent of the first (int16 big-endian, sign bit
//! inverted), then pairs of digits, each pair plus one in a byte, without trailing zero pairs, ended
//! by 00. They are only written for decimals, and only where no double and no int64 is equal.

use super::class;
use super::encode::invert_from;
use quire_bson::Decimal;

pub(super) const GROUPS: u32 = 9;
/// The doubles above which not every int64 or uint64 has its double.
pub(super) const WIDE_INTEGERS: std::ops::Range<f64> =
    9_007_199_254_740_992.0..18_446_744_073_709_551_616.0;

/// What a magnitude has beyond its double.
struct Rest {
    /// Missing from the integer part; used in [`WIDE_INTEGERS`] only.
    integer: u16,
    digits: Option<Decimal>,
}

pub(super) fn encode_i64(out: &mut Vec<u8>, n: i64) {
    let magnitude = n.unsigned_abs();
    // A double holds 53 bits; what is below them is the rest, at most eleven bits.
    let cut = 11u32.saturating_sub(magnitude.leading_zeros());
    let kept = magnitude >> cut << cut;
    let rest = Rest { integer: (magnitude - kept) as u16, digits: None };
    signed(out, n < 0, kept as f64, (kept != magnitude).then_some(rest));
}

pub(super) fn encode_f64(out: &mut Vec<u8>, x: f64) {
    if x.is_nan() {
        return out.push(class::NAN);
    }
    signed(out, x < 0.0, x.abs(), None);
}

pub(super) fn encode_decimal(out: &mut Vec<u8>, bytes: [u8; 16]) {
    let decimal = Decimal::from_bytes(bytes);
    if decimal.is_nan() {
        return out.push(class::NAN);
    }
    let negative = decimal.is_negative();
    match decimal.magnitude_toward_zero() {
        None => signed(out, negative, f64::INFINITY, None),
        Some((double, false)) => signed(out, negative, double, None),
        Some((double, true)) => signed(out, negative, double, Some(rest_of(decimal, double))),
    }
}

fn rest_of(decimal: Decimal, double: f64) -> Rest {
    if !WIDE_INTEGERS.contains(&double) {
        return Rest { integer: 0, digits: Some(decimal) };
    }
    let (whole, fraction) = decimal.integer_part().unwrap_or_default();
    // The next double is at most 2^11 away.
    let missing = whole.saturating_sub(double as u128);
    let integer = u16::try_from(missing).unwrap_or(u16::MAX >> 1);
    Rest { integer, digits: fraction.then_some(decimal) }
}

fn signed(out: &mut Vec<u8>, negative: bool, double: f64, rest: Option<Rest>) {
    if double == 0.0 && rest.is_none() {
        return out.push(class::ZERO);
    }
    out.push(if negative { class::NEGATIVE } else { class::POSITIVE });
    let start = out.len();
    write_groups(out, double, rest.is_some());
    if let Some(rest) = rest {
        write_rest(out, double, rest);
    }
    if negative {
        invert_from(out, start);
    }
}

fn write_groups(out: &mut Vec<u8>, double: f64, rest_follows: bool) {
    // The sign bit is clear: shifted out, 63 bits stand at the top.
    let mut bits = double.to_bits() << 1;
    let mut groups = [0; GROUPS as usize];
    let mut count = 0;
    for group in &mut groups {
        *group = (bits >> 57) as u8;
        bits <<= 7;
        let more = rest_follows || bits != 0;
        *group = *group << 1 | u8::from(more);
        count += 1;
        if !more {
            break;
        }
    }
    out.extend_from_slice(groups.get(..count).unwrap_or_default());
}

fn write_rest(out: &mut Vec<u8>, double: f64, rest: Rest) {
    if WIDE_INTEGERS.contains(&double) {
        let word = rest.integer << 1 | u16::from(rest.digits.is_some());
        out.extend_from_slice(&word.to_be_bytes());
    }
    if let Some((exponent, digits)) = rest.digits.and_then(Decimal::scientific) {
        let exponent = i16::try_from(exponent).unwrap_or(i16::MIN);
        out.extend_from_slice(&(exponent ^ i16::MIN).to_be_bytes());
        write_digit_pairs(out, digits);
    }
}

/// Writes 34 digits as pairs.
fn write_digit_pairs(out: &mut Vec<u8>, digits: u128) {
    let mut scale = 10u128.pow(32);
    let mut left = digits;
    while left != 0 {
        // Two digits: at most 99.
        out.push((left / scale) as u8 + 1);
        left %= scale;
        scale /= 100;
    }
    out.push(0);
}
