//! Which indexed values a predicate can match.
//!
//! Owns the translation of a predicate on a path into intervals over the keys that an index holds
//! for that path: items of arrays one by one (not the whole array), null for missing, undefined for
//! an empty array. The intervals hold a key of every document that matches; the filter is always
//! checked again on the document.

use super::interval::{Interval, Intervals};
use crate::filter::{In, Op, Operand, Pattern, Predicate, TypeSet, is_nan};
use quire_bson::{ObjectId, RawDoc, RawValue};
use quire_collation::{Collation, ValueOrder};

/// What is known of the indexed field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FieldFacts<'o> {
    pub(crate) dotted: bool,
    /// Some document has an array on the path.
    pub(crate) multikey: bool,
    /// The order of the values in the index.
    pub(crate) order: &'o ValueOrder,
}

impl FieldFacts<'_> {
    /// The operand as it stands in the index; `None` when the index has it in another order than
    /// the one that the predicate compares by.
    fn indexed(self, operand: &Operand, asked: &ValueOrder) -> Option<Operand> {
        if !Collation::concerns(operand.value()) {
            return Some(operand.clone());
        }
        let fits = asked == self.order;
        fits.then(|| match self.order.collation() {
            Some(_) => self.order.key(operand.value()).value().into(),
            None => operand.clone(),
        })
    }
}

/// The values of one predicate; `None` when it bounds nothing.
pub(crate) fn of_predicate(predicate: &Predicate, facts: FieldFacts<'_>) -> Option<Intervals> {
    match predicate {
        Predicate::Compare(compare) => {
            of_compare(compare.op(), &facts.indexed(compare.operand(), compare.order())?)
        }
        Predicate::In(list) => of_list(list, facts),
        Predicate::Type(types) => of_types(*types),
        Predicate::Regex(pattern) => Some(of_pattern(pattern, facts)),
        Predicate::Not(inner) => of_negation(inner, facts),
        Predicate::Never => Some(Intervals::none()),
        Predicate::Exists
        | Predicate::Modulo(_)
        | Predicate::Bits(_)
        | Predicate::Size(_)
        | Predicate::ElemMatch(_)
        | Predicate::All(_) => None,
    }
}

fn of_compare(op: Op, operand: &Operand) -> Option<Intervals> {
    let value = operand.value();
    if op == Op::Eq {
        return Some(of_equality(operand));
    }
    match value {
        // Only items of arrays are indexed, so no key tells how a whole array compares.
        RawValue::Array(_) => return None,
        // Everything lies between the two ends, whole arrays too, whatever their items are.
        RawValue::MinKey if matches!(op, Op::Gt | Op::Gte) => return None,
        RawValue::MaxKey if matches!(op, Op::Lt | Op::Lte) => return None,
        _ => {}
    }
    let alone =
        matches!(value, RawValue::Null | RawValue::Undefined | RawValue::MinKey | RawValue::MaxKey);
    if alone || is_nan(value) {
        // Types of one value, and NaN, compare with nothing but themselves.
        return Some(match op {
            Op::Gte | Op::Lte => Intervals::of(vec![Interval::point(operand.clone())]),
            Op::Eq | Op::Gt | Op::Lt => Intervals::none(),
        });
    }
    let mut bracket = bracket_of(value.tag())?;
    match op {
        Op::Gt | Op::Gte => {
            bracket.low = operand.clone();
            bracket.low_included = op == Op::Gte;
        }
        Op::Eq | Op::Lt | Op::Lte => {
            bracket.high = operand.clone();
            bracket.high_included = op == Op::Lte;
            if value.is_number() {
                // NaN sorts below all numbers and is less than none of them.
                bracket.low = RawValue::Double(f64::NEG_INFINITY).into();
            }
        }
    }
    Some(Intervals::of(vec![bracket]))
}

fn of_equality(operand: &Operand) -> Intervals {
    let mut list = vec![Interval::point(operand.clone())];
    if let RawValue::Array(items) = operand.value() {
        // As an item of an outer array it is indexed whole; as the field's value, by its items.
        let first = items.iter().next().map_or(RawValue::Undefined.into(), Operand::from);
        list.push(Interval::point(first));
    }
    Intervals::of(list)
}

fn of_list(list: &In, facts: FieldFacts<'_>) -> Option<Intervals> {
    let values = list.values().iter().map(|value| facts.indexed(value, list.order()));
    let values = values.collect::<Option<Vec<Operand>>>()?;
    let points = values.iter().map(of_equality);
    let patterns = list.patterns().iter().map(|pattern| of_pattern(pattern, facts));
    let all = points.chain(patterns).flat_map(|set| set.iter().cloned().collect::<Vec<_>>());
    Some(Intervals::of(all.collect()))
}

fn of_types(types: TypeSet) -> Option<Intervals> {
    let brackets = types.tags().map(|tag| match tag {
        // Arrays are indexed by their items.
        0x04 => None,
        _ => bracket_of(tag),
    });
    brackets.collect::<Option<Vec<Interval>>>().map(Intervals::of)
}

/// Strings that a pattern can match, and the pattern itself as a value.
fn of_pattern(pattern: &Pattern, facts: FieldFacts<'_>) -> Intervals {
    let source = RawValue::Regex { pattern: pattern.source(), options: pattern.options() };
    // Patterns look at the text itself, of which a collation's keys tell nothing.
    let prefix = facts.order.collation().map_or_else(|| pattern.literal_prefix(), |_| None);
    let strings = match prefix {
        Some(prefix) => {
            let mut strings = bracket_of(0x02).unwrap_or_else(Interval::all);
            strings.low = RawValue::String(&prefix).into();
            if let Some(end) = text_after(&prefix) {
                strings.high = RawValue::String(&end).into();
            }
            strings
        }
        None => bracket_of(0x02).unwrap_or_else(Interval::all),
    };
    Intervals::of(vec![strings, Interval::point(source.into())])
}

/// The smallest text above all that begin with `prefix`.
fn text_after(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // The range of `char` skips the surrogates.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

fn of_negation(inner: &Predicate, facts: FieldFacts<'_>) -> Option<Intervals> {
    let excluded = match inner {
        // A missing field is indexed as null, below an empty array perhaps as undefined.
        Predicate::Exists => {
            return Some(Intervals::of(vec![Interval::new(
                RawValue::Undefined.into(),
                true,
                RawValue::Null.into(),
                true,
            )]));
        }
        Predicate::Compare(compare) if compare.op() == Op::Eq => {
            vec![facts.indexed(compare.operand(), compare.order())?]
        }
        Predicate::In(list) if list.patterns().is_empty() => {
            let values = list.values().iter().map(|value| facts.indexed(value, list.order()));
            values.collect::<Option<Vec<Operand>>>()?
        }
        _ => return None,
    };
    let unsafe_value = |operand: &Operand| match operand.value() {
        RawValue::Array(_) | RawValue::Undefined => true,
        // `{a: [1]}` has null for `a.b` in an index, but no value there that equals null.
        RawValue::Null => facts.dotted && facts.multikey,
        _ => false,
    };
    if excluded.iter().any(unsafe_value) {
        return None;
    }
    let points = excluded.into_iter().map(Interval::point).collect();
    Some(Intervals::of(points).complement())
}

/// Whether a comparison is only a complement: true of most documents, so no reason to use an index.
pub(crate) fn is_weak(predicate: &Predicate) -> bool {
    matches!(predicate, Predicate::Not(inner) if !matches!(**inner, Predicate::Exists))
}

/// All values of the canonical type of a type tag.
fn bracket_of(tag: u8) -> Option<Interval> {
    let closed = |low: RawValue<'_>, high: RawValue<'_>| {
        Some(Interval::new(low.into(), true, high.into(), true))
    };
    let up_to = |low: RawValue<'_>, high: RawValue<'_>| {
        Some(Interval::new(low.into(), true, high.into(), false))
    };
    let empty = RawDoc::EMPTY;
    let no_bytes = RawValue::Binary { subtype: 0, bytes: &[] };
    let (zeros, ones) = (ObjectId::from_bytes([0; 12]), ObjectId::from_bytes([0xFF; 12]));
    match tag {
        0x01 | 0x10 | 0x12 | 0x13 => {
            closed(RawValue::Double(f64::NAN), RawValue::Double(f64::INFINITY))
        }
        0x02 | 0x0E => up_to(RawValue::String(""), RawValue::Document(empty)),
        0x03 => up_to(RawValue::Document(empty), RawValue::Array(empty)),
        0x04 => up_to(RawValue::Array(empty), no_bytes),
        0x05 => up_to(no_bytes, RawValue::ObjectId(zeros)),
        0x06 => closed(RawValue::Undefined, RawValue::Undefined),
        0x07 => closed(RawValue::ObjectId(zeros), RawValue::ObjectId(ones)),
        0x08 => closed(RawValue::Boolean(false), RawValue::Boolean(true)),
        0x09 => closed(RawValue::DateTime(i64::MIN), RawValue::DateTime(i64::MAX)),
        0x0A => closed(RawValue::Null, RawValue::Null),
        0x0B => up_to(
            RawValue::Regex { pattern: "", options: "" },
            RawValue::DbPointer { namespace: "", id: zeros },
        ),
        0x0C => up_to(RawValue::DbPointer { namespace: "", id: zeros }, RawValue::Code("")),
        0x0D => up_to(RawValue::Code(""), RawValue::CodeWithScope { code: "", scope: empty }),
        0x0F => up_to(RawValue::CodeWithScope { code: "", scope: empty }, RawValue::MaxKey),
        0x11 => closed(
            RawValue::Timestamp { time: 0, increment: 0 },
            RawValue::Timestamp { time: u32::MAX, increment: u32::MAX },
        ),
        0x7F => closed(RawValue::MaxKey, RawValue::MaxKey),
        0xFF => closed(RawValue::MinKey, RawValue::MinKey),
        _ => None,
    }
}
