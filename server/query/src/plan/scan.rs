//! What one index can do for a filter.
//!
//! Owns the choice of bounds for each field of an index. On a field without arrays all conditions
//! narrow one interval set. Where arrays are, a document has several keys and different items may
//! satisfy different conditions, so one condition is chosen, and two fields below one array are
//! only bounded together when one `$elemMatch` ties them to the same item.

use super::bounds::{FieldFacts, is_weak, of_predicate};
use super::candidate::{Candidate, Conditions, Within};
use super::description::{FieldOrder, IndexDescription, IndexField};
use super::implied::implies;
use super::interval::Intervals;
use super::order::{self, KeyField};
use crate::filter::Predicate;
use quire_collation::ValueOrder;

/// The bounds of an index scan, one interval set per field.
#[derive(Clone, Debug)]
pub(crate) struct Scan {
    pub(crate) bounds: Vec<Intervals>,
    /// Leading fields that equal one of a list of values.
    pub(crate) equal_fields: usize,
    /// Leading fields that equal one value.
    pub(crate) fixed_fields: usize,
    /// The field after the equal ones is bounded by something that leaves out a good part.
    pub(crate) has_range: bool,
}

/// A field's bounds, and what they rest on.
struct Choice {
    intervals: Intervals,
    within: Option<Within>,
    weak: bool,
}

/// The scan of an index that a filter may use; `None` when it could miss documents.
pub(crate) fn of_index(conditions: &Conditions<'_>, index: &IndexDescription) -> Option<Scan> {
    if index.hidden || index.is_special() || !has_all_matches(conditions, index) {
        return None;
    }
    Some(bounded(conditions, index))
}

/// The scan that a hint asks for, whether or not the index has all documents.
pub(crate) fn of_hinted_index(conditions: &Conditions<'_>, index: &IndexDescription) -> Scan {
    if has_all_matches(conditions, index) { bounded(conditions, index) } else { whole(index) }
}

/// A scan of the whole index.
pub(crate) fn whole(index: &IndexDescription) -> Scan {
    Scan {
        bounds: vec![Intervals::all(); index.fields.len()],
        equal_fields: 0,
        fixed_fields: 0,
        has_range: false,
    }
}

/// Whether every matching document is sure to be in the index.
fn has_all_matches(conditions: &Conditions<'_>, index: &IndexDescription) -> bool {
    let sparse_ok = !index.sparse
        || index.fields.iter().any(|field| {
            let mut on_path = conditions.on_path(field.path.as_str());
            on_path.any(|candidate| rejects_absence(candidate, field.path.is_dotted()))
        });
    sparse_ok && index.partial.as_ref().is_none_or(|filter| implies(conditions, filter.root()))
}

/// Whether a document that meets the condition has a value on its path.
fn rejects_absence(candidate: &Candidate<'_>, dotted: bool) -> bool {
    match candidate.predicate {
        // Below an array of scalars there is no value for the negated predicate to match.
        Predicate::Not(inner) => !dotted && candidate.within.is_none() && inner.matches_missing(),
        predicate => !predicate.matches_missing(),
    }
}

fn bounded(conditions: &Conditions<'_>, index: &IndexDescription) -> Scan {
    let mut chosen: Vec<Option<Within>> = Vec::new();
    let mut bounds = Vec::with_capacity(index.fields.len());
    let mut weak = Vec::with_capacity(index.fields.len());
    for (n, field) in index.fields.iter().enumerate() {
        let before = index.fields.iter().zip(&bounds).zip(&chosen).enumerate();
        let earlier: Vec<(&IndexField, Option<Within>, bool)> = before
            .filter(|(_, ((_, bounds), _)): &(usize, ((_, &Intervals), _))| !bounds.is_all())
            .map(|(i, ((field, _), within))| (field, *within, index.is_multikey(i)))
            .collect();
        let choice = choose_bounds(conditions, field, index.is_multikey(n), &index.order, &earlier);
        let choice =
            choice.unwrap_or(Choice { intervals: Intervals::all(), within: None, weak: true });
        chosen.push(choice.within);
        weak.push(choice.weak);
        bounds.push(choice.intervals);
    }
    let equal_fields = bounds.iter().take_while(|b| b.is_points()).count();
    let fixed_fields = bounds.iter().take_while(|b| b.is_single_point()).count();
    let has_range = bounds.get(equal_fields).is_some_and(|b| !b.is_all())
        && weak.get(equal_fields) == Some(&false);
    Scan { bounds, equal_fields, fixed_fields, has_range }
}

fn choose_bounds(
    conditions: &Conditions<'_>,
    field: &IndexField,
    multikey: bool,
    order: &ValueOrder,
    earlier: &[(&IndexField, Option<Within>, bool)],
) -> Option<Choice> {
    // A number in a path is read differently by filters and by keys (position or name), so such
    // fields only serve to be scanned.
    if field.path.has_position() || field.order == FieldOrder::Special {
        return None;
    }
    let facts = FieldFacts { dotted: field.path.is_dotted(), multikey, order };
    let mut choices = Vec::new();
    for candidate in conditions.on_path(field.path.as_str()) {
        if let Some(intervals) = of_predicate(candidate.predicate, facts) {
            let weak = is_weak(candidate.predicate);
            choices.push(Choice { intervals, within: candidate.within, weak });
        }
    }
    let choices = if multikey { by_item(choices) } else { all_together(choices) };
    let fitting = choices.into_iter().filter(|choice| {
        !choice.intervals.is_all()
            && (field.order != FieldOrder::Hashed || choice.intervals.is_points())
            && (!multikey || earlier.iter().all(|other| may_combine(field, choice.within, *other)))
    });
    fitting.min_by_key(|choice| tightness(&choice.intervals, choice.weak))
}

/// Without arrays there is one value, and all conditions are about it.
fn all_together(choices: Vec<Choice>) -> Vec<Choice> {
    let merged = choices.into_iter().reduce(|a, b| Choice {
        intervals: a.intervals.intersection(&b.intervals),
        within: None,
        weak: a.weak && b.weak,
    });
    merged.into_iter().collect()
}

/// With arrays, only conditions of one `$elemMatch` on a value are about the same item.
fn by_item(choices: Vec<Choice>) -> Vec<Choice> {
    let mut merged: Vec<Choice> = Vec::new();
    for choice in choices {
        let same = merged.iter_mut().find(|other| {
            choice.within.is_some_and(|within| within.same_value) && other.within == choice.within
        });
        match same {
            Some(other) => {
                other.intervals = other.intervals.intersection(&choice.intervals);
                other.weak &= choice.weak;
            }
            None => merged.push(choice),
        }
    }
    merged
}

/// Whether a multikey field may be bounded although another one is already.
fn may_combine(
    field: &IndexField,
    within: Option<Within>,
    (other, other_within, other_multikey): (&IndexField, Option<Within>, bool),
) -> bool {
    let shared = field
        .path
        .as_str()
        .split('.')
        .zip(other.path.as_str().split('.'))
        .take_while(|(a, b)| a == b)
        .count();
    // Arrays on both paths, and none in common, cannot be in one document; an array in common is
    // one whose items make the keys.
    shared == 0
        || !other_multikey
        || (within.is_some()
            && within == other_within
            && within.is_some_and(|within| within.components == shared))
}

/// Smaller is better: few values, then two-sided ranges, then one-sided ones.
fn tightness(intervals: &Intervals, weak: bool) -> (u8, usize) {
    let class = if intervals.is_points() {
        0
    } else if weak {
        3
    } else if intervals.iter().all(is_two_sided) {
        1
    } else {
        2
    };
    (class, intervals.len())
}

/// Whether an interval is narrower than what one comparison leaves open on a side.
fn is_two_sided(interval: &super::interval::Interval) -> bool {
    let open = |value: quire_bson::RawValue<'_>| {
        matches!(value, quire_bson::RawValue::Double(x) if !x.is_finite())
            || matches!(value, quire_bson::RawValue::MinKey | quire_bson::RawValue::MaxKey)
    };
    quire_bson::canonical_type(interval.low.value())
        == quire_bson::canonical_type(interval.high.value())
        && !open(interval.low.value())
        && !open(interval.high.value())
}

impl Scan {
    /// The direction in which the scan gives the sort's order, if it does.
    pub(crate) fn direction(
        &self,
        index: &IndexDescription,
        sort: &[(String, i32)],
        clustered: bool,
    ) -> Option<bool> {
        let mut keys: Vec<KeyField<'_>> = Vec::with_capacity(index.fields.len() + 1);
        for (n, (field, bounds)) in index.fields.iter().zip(&self.bounds).enumerate() {
            let multikey = index.is_multikey(n);
            keys.push(KeyField {
                path: field.path.as_str(),
                order: field.order,
                // A field with arrays is only fixed while every key that is visited has the value.
                fixed: bounds.is_single_point() && (!multikey || n < self.fixed_fields),
                sorts: !multikey && !field.path.has_position(),
                unique: field.path.as_str() == "_id",
            });
        }
        if clustered && index.fields.iter().all(|field| field.path.as_str() != "_id") {
            // Entries end in the key of their row.
            keys.push(KeyField {
                path: "_id",
                order: FieldOrder::Ascending,
                fixed: false,
                sorts: true,
                unique: true,
            });
        }
        order::direction(&keys, sort)
    }

    /// How many values the equal fields name together.
    pub(crate) fn points(&self) -> usize {
        let equal = self.bounds.iter().take(self.equal_fields);
        equal.fold(1, |product, bounds| product.saturating_mul(bounds.len()))
    }

    /// Whether at most one document can be found.
    pub(crate) fn is_single(&self, index: &IndexDescription) -> bool {
        index.unique && self.fixed_fields == index.fields.len()
    }
}
