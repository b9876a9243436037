//! Exact comparison of a decimal with a double of nearly the same value.
//!
//! Owns the only numbers wider than 256 bits in the crate: fixed stacks of limbs, no allocation.
//! Both sides are scaled to integers: `c * 10^e` against `m * 2^k` is `c * 5^e * 2^(e-k)` against
//! `m`, with negative powers moved to the other side.

use std::cmp::Ordering;

/// Enough for two numbers that round to the same double: a double below 2^1024 or above 2^-1075,
/// and 34 digits beside it.
const LIMBS: usize = 24;
/// The largest power of five in one limb.
const FIVES_MAX: u32 = 27;

/// An unsigned integer, least significant limb first.
struct Limbs {
    limbs: [u64; LIMBS],
    /// Set when a product or shift did not fit: the number is larger than any that fits.
    overflowed: bool,
}

/// Compares `coefficient * 10^exponent` with the positive finite `double`.
pub(super) fn compare_to_f64(coefficient: u128, exponent: i32, double: f64) -> Ordering {
    let (mantissa, power) = decompose(double);
    let mut left = Limbs::new(coefficient);
    let mut right = Limbs::new(u128::from(mantissa));
    let fives = exponent.unsigned_abs();
    if exponent >= 0 {
        left.multiply_by_power_of_five(fives);
    } else {
        right.multiply_by_power_of_five(fives);
    }
    let twos = exponent - power;
    if twos >= 0 {
        left.shift_left(twos.unsigned_abs());
    } else {
        right.shift_left(twos.unsigned_abs());
    }
    left.compare(&right)
}

/// A positive finite double as integer mantissa and power of two.
pub(super) fn decompose(double: f64) -> (u64, i32) {
    let bits = double.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    // Eleven bits always fit.
    match ((bits >> 52) & 0x7FF) as i32 {
        0 => (fraction, -1074),
        biased => (fraction | (1 << 52), biased - 1075),
    }
}

impl Limbs {
    fn new(n: u128) -> Limbs {
        let mut limbs = [0; LIMBS];
        limbs[0] = n as u64;
        limbs[1] = (n >> 64) as u64;
        Limbs { limbs, overflowed: false }
    }

    fn multiply(&mut self, factor: u64) {
        let mut carry = 0u128;
        for limb in &mut self.limbs {
            // At most (2^64-1)^2 + 2^64-1, which fits.
            let product = u128::from(*limb) * u128::from(factor) + carry;
            *limb = product as u64;
            carry = product >> 64;
        }
        self.overflowed |= carry != 0;
    }

    fn multiply_by_power_of_five(&mut self, mut power: u32) {
        while power > 0 && !self.overflowed {
            let step = power.min(FIVES_MAX);
            self.multiply(5u64.pow(step));
            power -= step;
        }
    }

    fn shift_left(&mut self, bits: u32) {
        let whole = (bits / 64) as usize;
        let rest = bits % 64;
        if whole >= LIMBS {
            self.overflowed |= self.limbs.iter().any(|&limb| limb != 0);
            self.limbs = [0; LIMBS];
            return;
        }
        self.overflowed |= self.limbs[LIMBS - whole..].iter().any(|&limb| limb != 0);
        self.limbs.copy_within(0..LIMBS - whole, whole);
        self.limbs[..whole].fill(0);
        if rest > 0 {
            self.multiply(1 << rest);
        }
    }

    fn compare(&self, other: &Limbs) -> Ordering {
        self.overflowed
            .cmp(&other.overflowed)
            .then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev()))
    }
}
