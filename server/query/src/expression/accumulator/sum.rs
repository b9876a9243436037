//! Sums that neither lose small addends beside large ones nor depend on the order of integers.

use super::Accumulator;
use crate::expression::evaluated::Evaluated;
use crate::expression::numeric::decimal;
use crate::expression::value::{NULL, Value};
use quire_bson::{Bson, Decimal, Number};
use quire_errors::Result;

/// `$sum`: what is no number does not count.
#[derive(Debug, Default)]
pub struct Sum {
    /// Integers are added exactly: 2^64 of the largest would fit.
    integers: i128,
    doubles: Compensated,
    decimals: Option<Decimal>,
    seen_long: bool,
    seen_double: bool,
    count: u64,
}

impl Sum {
    pub fn add_number(&mut self, number: Number) {
        match number {
            Number::Int32(n) => self.integers = self.integers.saturating_add(n.into()),
            Number::Int64(n) => {
                self.integers = self.integers.saturating_add(n.into());
                self.seen_long = true;
            }
            Number::Double(x) => {
                self.doubles.add(x);
                self.seen_double = true;
            }
            Number::Decimal(addend) => {
                self.decimals = Some(match self.decimals {
                    Some(sum) => sum + addend,
                    None => addend,
                });
            }
        }
        self.count = self.count.saturating_add(1);
    }

    fn as_double(&self) -> f64 {
        let mut total = self.doubles;
        total.add_integer(self.integers);
        total.value()
    }

    fn as_decimal(&self) -> Option<Decimal> {
        let mut total = self.decimals?;
        if self.seen_double {
            total = total + Decimal::from_f64(self.doubles.value());
        }
        Some(total + decimal_of(self.integers))
    }

    pub fn total(&self) -> Bson {
        if let Some(total) = self.as_decimal() {
            return decimal(total);
        }
        if self.seen_double {
            return Bson::Double(self.as_double());
        }
        match (i32::try_from(self.integers), i64::try_from(self.integers)) {
            (Ok(n), _) if !self.seen_long => Bson::Int32(n),
            (_, Ok(n)) => Bson::Int64(n),
            _ => Bson::Double(self.as_double()),
        }
    }
}

fn decimal_of(integer: i128) -> Decimal {
    match i64::try_from(integer) {
        Ok(n) => Decimal::from(n),
        // Two parts of 62 bits and a factor, each exact.
        Err(_) => {
            let unit = 1_i64 << 62;
            let parts = (integer / i128::from(unit), integer % i128::from(unit));
            let part = |n: i128| Decimal::from(i64::try_from(n).unwrap_or(i64::MAX));
            part(parts.0) * Decimal::from(unit) + part(parts.1)
        }
    }
}

impl Accumulator for Sum {
    fn add(&mut self, value: Evaluated<'_>) -> Result<()> {
        if let Some(number) = value.number() {
            self.add_number(number);
        }
        Ok(())
    }

    fn finish(&mut self) -> Value {
        Some(self.total())
    }
}

/// `$avg`: the sum over the number of numbers, null when there was none.
#[derive(Debug, Default)]
pub struct Average {
    sum: Sum,
}

impl Accumulator for Average {
    fn add(&mut self, value: Evaluated<'_>) -> Result<()> {
        self.sum.add(value)
    }

    fn finish(&mut self) -> Value {
        let count = self.sum.count;
        if count == 0 {
            return NULL;
        }
        Some(match self.sum.as_decimal() {
            Some(total) => {
                let count = Decimal::from(i64::try_from(count).unwrap_or(i64::MAX));
                decimal(total / count)
            }
            None => Bson::Double(self.sum.as_double() / count as f64),
        })
    }
}

/// A sum of doubles with the rounding errors kept beside it (Neumaier), so that it is as if the
/// additions had twice the precision.
#[derive(Clone, Copy, Debug, Default)]
struct Compensated {
    sum: f64,
    lost: f64,
}

impl Compensated {
    fn add(&mut self, x: f64) {
        let sum = self.sum + x;
        // Beside infinities and NaN there is nothing to compensate, and it would spoil them.
        if sum.is_finite() {
            let (large, small) =
                if self.sum.abs() >= x.abs() { (self.sum, x) } else { (x, self.sum) };
            self.lost += (large - sum) + small;
        }
        self.sum = sum;
    }

    fn add_integer(&mut self, n: i128) {
        let high = n as f64;
        self.add(high);
        // The cast rounds to at most 53 bits, so the rest is small and casts exactly.
        if let Some(rest) = n.checked_sub(high as i128) {
            self.add(rest as f64);
        }
    }

    fn value(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: impl IntoIterator<Item = Bson>) -> Bson {
        let mut sum = Sum::default();
        for value in values {
            sum.add_number(Number::from_bson(&value).expect("a number"));
        }
        sum.total()
    }

    #[test]
    fn a_small_addend_is_not_lost_beside_a_large_one() {
        let values = [1e100, 1.0, -1e100].map(Bson::Double);
        assert_eq!(sum(values), Bson::Double(1.0));
    }

    #[test]
    fn integers_stay_integers_and_grow_into_the_next_type() {
        assert_eq!(sum([Bson::Int32(1), Bson::Int32(2)]), Bson::Int32(3));
        assert_eq!(sum([Bson::Int32(i32::MAX), Bson::Int32(1)]), Bson::Int64(1 << 31));
        assert_eq!(sum([Bson::Int64(1), Bson::Int32(2)]), Bson::Int64(3));
        assert_eq!(
            sum([Bson::Int64(i64::MAX), Bson::Int64(1)]),
            Bson::Double(9_223_372_036_854_775_808.0)
        );
    }

    #[test]
    fn an_overflow_on_the_way_does_not_matter_when_the_total_fits() {
        let values = [i64::MAX, 1, -2].map(Bson::Int64);
        assert_eq!(sum(values), Bson::Int64(i64::MAX - 1));
    }

    #[test]
    fn infinity_stays_infinity() {
        let values = [f64::INFINITY, 1.0].map(Bson::Double);
        assert_eq!(sum(values), Bson::Double(f64::INFINITY));
    }
}
