use super::SortPattern;
use crate::ValueOrder;
use quire_bson::{Bson, DocBuf, Document, doc};

fn pattern(spec: Document) -> SortPattern {
    SortPattern::parse(DocBuf::from(&spec).as_raw(), &ValueOrder::BYTES).unwrap()
}

fn refused(spec: Document) -> (i32, String) {
    let error = SortPattern::parse(DocBuf::from(&spec).as_raw(), &ValueOrder::BYTES).unwrap_err();
    (error.code().number(), error.message().to_owned())
}

/// The `_id`s of `docs` in sorted order.
fn sorted(spec: Document, docs: Vec<Document>) -> Vec<i32> {
    let sort = pattern(spec);
    let mut keyed: Vec<_> = docs
        .iter()
        .enumerate()
        .map(|(n, doc)| (sort.key(DocBuf::from(doc).as_raw()).unwrap(), n as i32))
        .collect();
    keyed.sort();
    keyed.into_iter().map(|(_, n)| n).collect()
}

#[test]
fn one_and_minus_one_are_directions_in_every_numeric_type() {
    let decimal: quire_bson::Decimal128 = "-1".parse().unwrap();
    let sort = pattern(doc! { "a": 1, "b": -1i64, "c.d": 1.0, "e": -1.5, "f": decimal });
    let directions: Vec<_> = sort.fields().iter().map(|(name, d)| (name.as_str(), *d)).collect();
    assert_eq!(directions, [("a", 1), ("b", -1), ("c.d", 1), ("e", -1), ("f", -1)]);
}

#[test]
fn an_empty_pattern_sorts_by_nothing() {
    assert!(pattern(doc! {}).is_empty());
    assert_eq!(sorted(doc! {}, vec![doc! { "a": 2 }, doc! { "a": 1 }]), [0, 1]);
}

#[test]
fn natural_order_is_told_apart_from_fields() {
    let sort = pattern(doc! { "$natural": -1 });
    assert_eq!((sort.natural(), sort.is_empty()), (Some(-1), true));
    assert_eq!(refused(doc! { "$natural": 1, "a": 1 }).0, 2);
}

#[test]
fn a_bad_pattern_is_refused_with_its_code() {
    let order = "$sort key ordering must be 1 (for ascending) or -1 (for descending)";
    for (spec, code, message) in [
        (doc! { "a": 2 }, 15975, order),
        (doc! { "a": 0 }, 15975, order),
        (doc! { "a": f64::NAN }, 15975, order),
        (doc! { "a": "asc" }, 15974, "Illegal key in $sort specification: a: \"asc\""),
        (doc! { "a": true }, 15974, "Illegal key in $sort specification: a: true"),
        (
            doc! { "a": { "$foo": 1 } },
            17312,
            "$meta is the only expression supported by $sort right now",
        ),
        (
            doc! { "a": { "$meta": "textScore" } },
            40218,
            "query requires text score metadata, but it is not available",
        ),
        (doc! { "a": { "$meta": "x" } }, 31138, "Illegal $meta sort: $meta: \"x\""),
        (
            doc! { "a": { "$meta": "textScore", "b": 1 } },
            9,
            "Cannot have additional keys in a $meta sort specification",
        ),
        (doc! { "": 1 }, 40352, "FieldPath cannot be constructed with empty string"),
        (doc! { "a.": 1 }, 40353, "FieldPath must not end with a '.'."),
    ] {
        assert_eq!(refused(spec), (code, message.to_owned()));
    }
}

#[test]
fn a_field_named_twice_or_too_many_fields_are_refused() {
    let mut twice = quire_bson::DocBuilder::new();
    twice.append_i32("a", 1).append_i32("a", -1);
    let error = SortPattern::parse(twice.finish().as_raw(), &ValueOrder::BYTES).unwrap_err();
    assert_eq!(error.code().number(), 7472500);
    let many: Document = (0..33).map(|n| (format!("f{n}"), Bson::Int32(1))).collect();
    assert_eq!(refused(many).0, 13103);
}

#[test]
fn types_order_as_bson_compares_them_and_missing_is_null() {
    let docs = vec![
        doc! { "a": "x" },
        doc! { "a": 5 },
        doc! {},
        doc! { "a": Bson::Null },
        doc! { "a": [] },
        doc! { "a": Bson::MinKey },
        doc! { "a": true },
    ];
    assert_eq!(sorted(doc! { "a": 1 }, docs.clone()), [5, 4, 2, 3, 1, 0, 6]);
    assert_eq!(sorted(doc! { "a": -1 }, docs), [6, 0, 1, 2, 3, 4, 5]);
}

#[test]
fn an_array_sorts_by_its_smallest_element_up_and_by_its_largest_down() {
    let docs = vec![doc! { "a": [1, 10] }, doc! { "a": 2 }, doc! { "a": [5, 3] }];
    assert_eq!(sorted(doc! { "a": 1 }, docs.clone()), [0, 1, 2]);
    assert_eq!(sorted(doc! { "a": -1 }, docs), [0, 2, 1]);
}

#[test]
fn fields_below_one_array_take_the_same_element() {
    // The pairs of the first document are (1, 9) and (2, 0): the smallest pair is (1, 9), although
    // the smallest values alone would be 1 and 0.
    let docs = vec![
        doc! { "a": [{ "b": 1, "c": 9 }, { "b": 2, "c": 0 }] },
        doc! { "a": { "b": 1, "c": 5 } },
    ];
    assert_eq!(sorted(doc! { "a.b": 1, "a.c": 1 }, docs), [1, 0]);
}

#[test]
fn numbers_in_a_path_are_positions_of_an_array_or_names() {
    let docs = vec![doc! { "a": [9, 1] }, doc! { "a": [3, 7] }, doc! { "a": { "0": 5 } }];
    assert_eq!(sorted(doc! { "a.0": 1 }, docs.clone()), [1, 2, 0]);
    assert_eq!(sorted(doc! { "a.1": 1 }, docs), [2, 0, 1]);
}

#[test]
fn elements_without_the_field_count_as_null() {
    let docs = vec![doc! { "a": [{ "b": 1 }, { "c": 1 }] }, doc! { "a": [{ "b": 0 }] }];
    assert_eq!(sorted(doc! { "a.b": 1 }, docs), [0, 1]);
    let docs = vec![doc! { "a": [] }, doc! { "a": { "b": Bson::Null } }];
    assert_eq!(sorted(doc! { "a.b": 1 }, docs), [0, 1]);
}

#[test]
fn two_different_arrays_cannot_be_sorted_by_at_once() {
    let doc = DocBuf::from(&doc! { "a": [1], "b": [2] });
    let error = pattern(doc! { "a": 1, "b": 1 }).key(doc.as_raw()).unwrap_err();
    assert_eq!(error.code().number(), 2);
    assert_eq!(error.message(), "cannot sort with keys that are parallel arrays");
}
