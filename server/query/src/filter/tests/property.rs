//! Filters against a naive evaluator over decoded documents.

use super::super::*;
use proptest::prelude::*;
use quire_bson::{Document, bson, compare_bson};
use std::cmp::Ordering;

pub(crate) fn scalar() -> impl Strategy<Value = Bson> {
    prop_oneof![
        4 => (-3..4_i32).prop_map(Bson::Int32),
        2 => (-3..4_i64).prop_map(Bson::Int64),
        2 => prop_oneof![Just(0.5), Just(-2.5), Just(f64::NAN), Just(f64::INFINITY), Just(-0.0)]
            .prop_map(Bson::Double),
        2 => "[ab]{0,2}".prop_map(Bson::String),
        1 => Just(Bson::Null),
        1 => any::<bool>().prop_map(Bson::Boolean),
        1 => Just(Bson::MinKey),
        1 => Just(Bson::MaxKey),
    ]
}

pub(crate) fn value() -> impl Strategy<Value = Bson> {
    scalar().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Bson::Array),
            prop::collection::vec(("[abc0]", inner), 0..3)
                .prop_map(|fields| Bson::Document(fields.into_iter().collect::<Document>())),
        ]
    })
}

pub(crate) fn document() -> impl Strategy<Value = Document> {
    prop::collection::vec(("[abc]", value()), 0..4)
        .prop_map(|fields| fields.into_iter().collect::<Document>())
}

/// What a path leads to, by the rules of the manual: a list of present or missing values.
fn resolve(value: &Bson, path: &[&str], found: &mut Vec<Option<Bson>>) {
    let Some((name, rest)) = path.split_first() else {
        if let Bson::Array(items) = value {
            found.extend(items.iter().cloned().map(Some));
        }
        found.push(Some(value.clone()));
        return;
    };
    match value {
        Bson::Document(doc) => match doc.get(name) {
            Some(inner) => resolve(inner, rest, found),
            None => found.push(None),
        },
        Bson::Array(items) => {
            for (n, item) in items.iter().enumerate() {
                if let Bson::Document(_) = item {
                    resolve(item, path, found);
                }
                if n.to_string() != *name {
                    continue;
                }
                match item {
                    _ if rest.is_empty() => found.push(Some(item.clone())),
                    Bson::Document(_) | Bson::Array(_) => resolve(item, rest, found),
                    _ => {}
                }
            }
        }
        _ => found.push(None),
    }
}

fn class(value: &Bson) -> u8 {
    match value {
        Bson::MinKey => 0,
        Bson::Null => 1,
        Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) => 2,
        Bson::String(_) => 3,
        Bson::Document(_) => 4,
        Bson::Array(_) => 5,
        Bson::Boolean(_) => 6,
        _ => 7,
    }
}

fn is_nan(value: &Bson) -> bool {
    matches!(value, Bson::Double(x) if x.is_nan())
}

fn naive(op: &str, value: &Option<Bson>, operand: &Bson) -> bool {
    let holds = |ordering: Ordering| match op {
        "$eq" => ordering.is_eq(),
        "$gt" => ordering.is_gt(),
        "$gte" => ordering.is_ge(),
        "$lt" => ordering.is_lt(),
        _ => ordering.is_le(),
    };
    match (value, operand) {
        (None, Bson::Null) => holds(Ordering::Equal),
        (Some(value), operand) if class(value) == class(operand) => {
            is_nan(value) == is_nan(operand) && holds(compare_bson(value, operand))
        }
        (_, Bson::MinKey) => matches!(op, "$gt" | "$gte"),
        (_, Bson::MaxKey) => matches!(op, "$lt" | "$lte"),
        _ => false,
    }
}

pub(crate) fn path() -> impl Strategy<Value = String> {
    prop_oneof![Just("a"), Just("b"), Just("a.b"), Just("a.0"), Just("a.0.b"), Just("a.b.c")]
        .prop_map(str::to_owned)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn comparisons_agree_with_a_naive_evaluator(
        doc in document(),
        path in path(),
        op in prop_oneof![Just("$eq"), Just("$gt"), Just("$gte"), Just("$lt"), Just("$lte")],
        operand in value(),
    ) {
        let parts: Vec<&str> = path.split('.').collect();
        let mut found = Vec::new();
        resolve(&Bson::Document(doc.clone()), &parts, &mut found);
        let expected = found.iter().any(|value| naive(op, value, &operand));
        let filter = doc! { &path: { op: operand.clone() } };
        prop_assert_eq!(super::matches(&filter, &doc), expected, "{} on {}", filter, doc);
        let negated = doc! { &path: { "$not": { op: operand } } };
        prop_assert_eq!(super::matches(&negated, &doc), !expected, "{} on {}", negated, doc);
    }

    #[test]
    fn a_conjunction_is_all_of_its_parts(
        doc in document(),
        parts in prop::collection::vec((path(), scalar()), 1..5),
    ) {
        let clauses: Vec<Bson> =
            parts.iter().map(|(path, value)| bson!({ path: { "$gte": value.clone() } })).collect();
        let expected =
            clauses.iter().all(|c| super::matches(c.as_document().unwrap(), &doc));
        prop_assert_eq!(super::matches(&doc! { "$and": clauses }, &doc), expected);
    }

    #[test]
    fn membership_is_equality_with_any(
        doc in document(), path in path(), values in prop::collection::vec(value(), 0..5),
    ) {
        let expected = values.iter().any(|v| super::matches(&doc! { &path: { "$eq": v } }, &doc));
        prop_assert_eq!(super::matches(&doc! { &path: { "$in": values } }, &doc), expected);
    }
}
