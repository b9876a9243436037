//! Intervals of values as ranges of key bytes.
//!
//! Owns the step from what to visit to where to seek. Ranges are relative to the index: they begin
//! with the first encoded field, whoever scans puts the index's own prefix before them.

use super::description::FieldOrder;
use super::interval::{Interval, Intervals};
use quire_bson::RawValue;
use quire_keys::{Order, Range, encode_with, successor};
use std::ops::Bound;

/// The most ranges that combining several lists of values may make; beyond it, later fields are
/// left to the filter. One list alone may be longer.
const COMBINATIONS_MAX: usize = 4096;

/// The ranges of an index scan, in key order, that visit every key within the bounds of all fields.
pub(crate) fn of_fields<'a>(
    fields: impl IntoIterator<Item = (FieldOrder, &'a Intervals)>,
) -> Vec<Range> {
    let mut prefixes: Vec<Vec<u8>> = vec![Vec::new()];
    let mut ranges: Option<Vec<Range>> = None;
    for (order, intervals) in fields {
        let combined = prefixes.len().saturating_mul(intervals.len());
        let too_many = prefixes.len() > 1 && combined > COMBINATIONS_MAX;
        if intervals.is_all() || too_many {
            break;
        }
        if intervals.is_points() {
            prefixes = extended(&prefixes, order, intervals);
            continue;
        }
        let pairs = prefixes.iter().flat_map(|p| intervals.iter().map(move |i| (p, i)));
        ranges = Some(pairs.map(|(prefix, interval)| range(prefix, order, interval)).collect());
        break;
    }
    let mut ranges = ranges.unwrap_or_else(|| prefixes.iter().map(|p| of_prefix(p)).collect());
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by(|a, b| start(a).cmp(start(b)));
    ranges
}

/// The encoded values of a set of points.
pub(crate) fn points(intervals: &Intervals) -> Vec<Vec<u8>> {
    extended(&[Vec::new()], FieldOrder::Ascending, intervals)
}

fn extended(prefixes: &[Vec<u8>], order: FieldOrder, intervals: &Intervals) -> Vec<Vec<u8>> {
    let mut extended = Vec::with_capacity(prefixes.len().saturating_mul(intervals.len()));
    for prefix in prefixes {
        for interval in intervals.iter() {
            extended.push(with_value(prefix, order, interval.low.value()));
        }
    }
    extended
}

pub(crate) fn with_value(prefix: &[u8], order: FieldOrder, value: RawValue<'_>) -> Vec<u8> {
    let mut bytes = prefix.to_vec();
    let order = match order {
        FieldOrder::Descending => Order::Descending,
        FieldOrder::Ascending | FieldOrder::Hashed | FieldOrder::Special => Order::Ascending,
    };
    encode_with(&mut bytes, value, order);
    bytes
}

fn of_prefix(prefix: &[u8]) -> Range {
    if prefix.is_empty() { Range::ALL } else { Range::of_prefix(prefix) }
}

fn range(prefix: &[u8], order: FieldOrder, interval: &Interval) -> Range {
    let low = with_value(prefix, order, interval.low.value());
    let high = with_value(prefix, order, interval.high.value());
    let (first, first_in, last, last_in) = match order {
        FieldOrder::Descending => (high, interval.high_included, low, interval.low_included),
        _ => (low, interval.low_included, high, interval.high_included),
    };
    // Nothing follows a prefix without successor, but no encoded value is one.
    let lower = if first_in { Some(first) } else { successor(&first) };
    let upper = if last_in { successor(&last) } else { Some(last) };
    match (lower, upper) {
        (Some(lower), Some(upper)) => {
            Range { lower: Bound::Included(lower), upper: Bound::Excluded(upper) }
        }
        (Some(lower), None) => Range { lower: Bound::Included(lower), upper: Bound::Unbounded },
        (None, _) => Range::empty(),
    }
}

fn start(range: &Range) -> &[u8] {
    match &range.lower {
        Bound::Included(bytes) | Bound::Excluded(bytes) => bytes,
        Bound::Unbounded => &[],
    }
}
