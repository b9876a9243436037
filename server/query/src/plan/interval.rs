//! Sets of values as sorted, disjoint intervals in BSON order.
//!
//! Owns their algebra. An interval set says which values of one indexed field a scan has to visit;
//! it may hold more than a predicate matches, never less.

use crate::filter::Operand;
use quire_bson::RawValue;
use std::cmp::Ordering;

/// The values between two bounds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interval {
    pub(crate) low: Operand,
    pub(crate) low_included: bool,
    pub(crate) high: Operand,
    pub(crate) high_included: bool,
}

/// A set of values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Intervals {
    list: Vec<Interval>,
}

impl Interval {
    pub(crate) fn new(low: Operand, low_in: bool, high: Operand, high_in: bool) -> Interval {
        Interval { low, low_included: low_in, high, high_included: high_in }
    }

    pub(crate) fn point(value: Operand) -> Interval {
        Interval::new(value.clone(), true, value, true)
    }

    pub(crate) fn all() -> Interval {
        Interval::new(RawValue::MinKey.into(), true, RawValue::MaxKey.into(), true)
    }

    pub(crate) fn is_point(&self) -> bool {
        self.low_included && self.high_included && self.low.compare(&self.high).is_eq()
    }

    fn is_empty(&self) -> bool {
        match self.low.compare(&self.high) {
            Ordering::Less => false,
            Ordering::Equal => !(self.low_included && self.high_included),
            Ordering::Greater => true,
        }
    }

    fn cmp_low(&self, other: &Interval) -> Ordering {
        // An included bound begins before an excluded one.
        self.low.compare(&other.low).then(other.low_included.cmp(&self.low_included))
    }

    fn cmp_high(&self, other: &Interval) -> Ordering {
        self.high.compare(&other.high).then(self.high_included.cmp(&other.high_included))
    }

    /// Whether the two overlap or touch, `self` beginning first.
    fn reaches(&self, next: &Interval) -> bool {
        match self.high.compare(&next.low) {
            Ordering::Less => false,
            Ordering::Equal => self.high_included || next.low_included,
            Ordering::Greater => true,
        }
    }
}

impl Intervals {
    pub(crate) fn none() -> Intervals {
        Intervals::default()
    }

    pub(crate) fn all() -> Intervals {
        Intervals { list: vec![Interval::all()] }
    }

    /// The union of any intervals.
    pub(crate) fn of(mut list: Vec<Interval>) -> Intervals {
        list.retain(|interval| !interval.is_empty());
        list.sort_by(Interval::cmp_low);
        let mut merged: Vec<Interval> = Vec::with_capacity(list.len());
        for interval in list {
            match merged.last_mut().filter(|last| last.reaches(&interval)) {
                Some(last) => {
                    if last.cmp_high(&interval).is_lt() {
                        last.high = interval.high;
                        last.high_included = interval.high_included;
                    }
                }
                None => merged.push(interval),
            }
        }
        Intervals { list: merged }
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Interval> {
        self.list.iter()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn is_all(&self) -> bool {
        let is_all = |one: &Interval| {
            matches!(one.low.value(), RawValue::MinKey)
                && matches!(one.high.value(), RawValue::MaxKey)
                && one.low_included
                && one.high_included
        };
        matches!(self.list.as_slice(), [one] if is_all(one))
    }

    /// True when every interval is one value: an equality, or a list of them.
    pub(crate) fn is_points(&self) -> bool {
        self.list.iter().all(Interval::is_point)
    }

    pub(crate) fn is_single_point(&self) -> bool {
        self.list.len() == 1 && self.is_points()
    }

    /// The values in both, by one pass over both lists.
    #[must_use]
    pub(crate) fn intersection(&self, other: &Intervals) -> Intervals {
        let mut list = Vec::new();
        let (mut left, mut right) = (self.list.iter().peekable(), other.list.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let low = if a.cmp_low(b).is_ge() { a } else { b };
            let high = if a.cmp_high(b).is_le() { a } else { b };
            let both = Interval::new(
                low.low.clone(),
                low.low_included,
                high.high.clone(),
                high.high_included,
            );
            if !both.is_empty() {
                list.push(both);
            }
            if a.cmp_high(b).is_le() {
                left.next();
            } else {
                right.next();
            }
        }
        Intervals { list }
    }

    /// All other values.
    #[must_use]
    pub(crate) fn complement(&self) -> Intervals {
        let mut list = Vec::new();
        let mut low: Operand = RawValue::MinKey.into();
        let mut low_included = true;
        for interval in &self.list {
            list.push(Interval::new(
                low,
                low_included,
                interval.low.clone(),
                !interval.low_included,
            ));
            low = interval.high.clone();
            low_included = !interval.high_included;
        }
        list.push(Interval::new(low, low_included, RawValue::MaxKey.into(), true));
        Intervals::of(list)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn int(n: i32) -> Operand {
        RawValue::Int32(n).into()
    }

    fn set() -> impl Strategy<Value = Intervals> {
        let one = (0..9_i32, any::<bool>(), 0..9_i32, any::<bool>())
            .prop_map(|(a, a_in, b, b_in)| Interval::new(int(a), a_in, int(b), b_in));
        prop::collection::vec(one, 0..5).prop_map(Intervals::of)
    }

    fn has(set: &Intervals, value: f64) -> bool {
        let value: Operand = RawValue::Double(value).into();
        set.iter().any(|i| {
            let low = i.low.compare(&value);
            let high = value.compare(&i.high);
            (low.is_lt() || (low.is_eq() && i.low_included))
                && (high.is_lt() || (high.is_eq() && i.high_included))
        })
    }

    proptest! {
        #[test]
        fn set_operations_agree_with_membership(a in set(), b in set(), n in -1..20_i32) {
            let value = f64::from(n) / 2.0;
            let (in_a, in_b) = (has(&a, value), has(&b, value));
            prop_assert_eq!(has(&a.intersection(&b), value), in_a && in_b);
            prop_assert_eq!(has(&a.complement(), value), !in_a);
            prop_assert_eq!(has(&Intervals::of([a.list, b.list].concat()), value), in_a || in_b);
        }

        #[test]
        fn intervals_are_sorted_and_apart(a in set()) {
            let list: Vec<_> = a.iter().collect();
            for pair in list.windows(2) {
                prop_assert!(pair[0].cmp_low(pair[1]).is_lt() && !pair[0].reaches(pair[1]));
            }
        }
    }

    #[test]
    fn points_and_everything_are_recognised() {
        let two = Intervals::of(vec![Interval::point(int(2)), Interval::point(int(1))]);
        assert!(two.is_points() && !two.is_single_point() && !two.is_all());
        assert!(Intervals::none().complement().is_all());
        assert!(Intervals::all().complement().len() == 0);
    }
}
