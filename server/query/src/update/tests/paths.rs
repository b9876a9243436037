//! Where operators reach: dotted paths, arrays, `$`, `$[]`, `$[identifier]`, and conflicts.

use super::{Outcome, error, update, update_at};
use quire_bson::{Bson, Document, doc};

fn check(table: Vec<(Document, Document, Outcome)>) {
    for (before, change, expected) in table {
        assert_eq!(update(before.clone(), change.clone()), expected, "{before} {change}");
    }
}

#[test]
fn missing_levels_are_made_as_documents() {
    check(vec![
        (doc! {}, doc! { "$set": { "a.b.c": 1 } }, Ok(doc! { "a": { "b": { "c": 1 } } })),
        (doc! {}, doc! { "$set": { "a.0": 1 } }, Ok(doc! { "a": { "0": 1 } })),
        (
            doc! { "a": { "x": 1 } },
            doc! { "$set": { "a.b": 1 } },
            Ok(doc! { "a": { "x": 1, "b": 1 } }),
        ),
        (
            doc! {},
            doc! { "$inc": { "a.b": 1 }, "$push": { "a.c": 2 } },
            Ok(doc! { "a": { "b": 1, "c": [2] } }),
        ),
    ]);
}

#[test]
fn numbers_reach_into_arrays_and_pad_with_null() {
    check(vec![
        (doc! { "a": [1, 2] }, doc! { "$set": { "a.1": 9 } }, Ok(doc! { "a": [1, 9] })),
        (
            doc! { "a": [1] },
            doc! { "$set": { "a.3": 9 } },
            Ok(doc! { "a": [1, Bson::Null, Bson::Null, 9] }),
        ),
        (
            doc! { "a": [{ "b": 1 }] },
            doc! { "$inc": { "a.0.b": 4 } },
            Ok(doc! { "a": [{ "b": 5 }] }),
        ),
        (doc! { "a": [] }, doc! { "$set": { "a.0.b": 4 } }, Ok(doc! { "a": [{ "b": 4 }] })),
        (
            doc! { "a": [] },
            doc! { "$set": { "a.1500001": 4 } },
            error(34, "can't backfill more than 1500000 elements"),
        ),
    ]);
}

#[test]
fn new_fields_come_in_the_order_of_their_names_with_numbers_as_numbers() {
    check(vec![
        (doc! {}, doc! { "$set": { "c": 1, "a": 2, "b": 3 } }, Ok(doc! { "a": 2, "b": 3, "c": 1 })),
        (doc! {}, doc! { "$set": { "10": 1, "9": 2 } }, Ok(doc! { "9": 2, "10": 1 })),
        (doc! {}, doc! { "$set": { "z": 1 }, "$inc": { "a": 1 } }, Ok(doc! { "a": 1, "z": 1 })),
        (doc! { "z": 0 }, doc! { "$set": { "z": 1, "a": 1 } }, Ok(doc! { "z": 1, "a": 1 })),
    ]);
}

#[test]
fn a_path_through_a_scalar_is_not_viable() {
    check(vec![
        (
            doc! { "a": 1 },
            doc! { "$set": { "a.b": 1 } },
            error(28, "Cannot create field 'b' in element {a: 1}"),
        ),
        (
            doc! { "a": { "b": "x" } },
            doc! { "$inc": { "a.b.c.d": 1 } },
            error(28, "Cannot create field 'c' in element {b: \"x\"}"),
        ),
        (
            doc! { "a": [1] },
            doc! { "$set": { "a.x": 1 } },
            error(28, "Cannot create field 'x' in element {a: [ 1 ]}"),
        ),
        (
            doc! { "a": [5] },
            doc! { "$set": { "a.0.x": 1 } },
            error(28, "Cannot create field 'x' in element {0: 5}"),
        ),
        (
            doc! { "a": 1 },
            doc! { "$pull": { "a.b": 1 } },
            error(28, "Cannot use the part (b) of (a.b) to traverse the element ({a: 1})"),
        ),
        (doc! { "a": 1 }, doc! { "$unset": { "a.b": 1 } }, Ok(doc! { "a": 1 })),
        (doc! { "a": 1 }, doc! { "$setOnInsert": { "a.b": 1 } }, Ok(doc! { "a": 1 })),
    ]);
}

#[test]
fn two_operators_on_one_path_or_one_above_it_conflict() {
    let conflict = |path: &str, at: &str| {
        error(40, &format!("Updating the path '{path}' would create a conflict at '{at}'"))
    };
    check(vec![
        (doc! {}, doc! { "$set": { "a": 1 }, "$inc": { "a": 1 } }, conflict("a", "a")),
        (doc! {}, doc! { "$set": { "a": 1, "a.b": 1 } }, conflict("a.b", "a")),
        (doc! {}, doc! { "$set": { "a.b": 1, "a": 1 } }, conflict("a", "a")),
        (doc! {}, doc! { "$set": { "a.b.c": 1, "a.b": 1 } }, conflict("a.b", "a.b")),
        (doc! {}, doc! { "$set": { "a.$[]": 1, "a.b": 1 } }, conflict("a.b", "a")),
        (doc! {}, doc! { "$set": { "a.$": 1, "a.$.b": 1 } }, conflict("a.$.b", "a.$")),
        (doc! {}, doc! { "$rename": { "a": "b" }, "$set": { "b": 1 } }, conflict("b", "b")),
    ]);
}

#[test]
fn malformed_paths_are_refused() {
    check(vec![
        (doc! {}, doc! { "$set": { "": 1 } }, error(56, "An empty update path is not valid.")),
        (
            doc! {},
            doc! { "$set": { "a..b": 1 } },
            error(56, "The update path 'a..b' contains an empty field name, which is not allowed."),
        ),
        (
            doc! {},
            doc! { "$set": { "a.": 1 } },
            error(56, "The update path 'a.' contains an empty field name, which is not allowed."),
        ),
        (
            doc! {},
            doc! { "$set": { "$": 1 } },
            error(2, "Cannot have positional (i.e. '$') element in the first position in path '$'"),
        ),
        (
            doc! {},
            doc! { "$set": { "$[].a": 1 } },
            error(
                2,
                "Cannot have array filter identifier (i.e. '$[<id>]') element in the first position in \
             path '$[].a'",
            ),
        ),
        (
            doc! {},
            doc! { "$set": { "a.$.b.$": 1 } },
            error(2, "Too many positional (i.e. '$') elements found in path 'a.$.b.$'"),
        ),
        (
            doc! {},
            doc! { "$set": { "$a": 1 } },
            error(
                52,
                "The dollar ($) prefixed field '$a' in '$a' is not allowed in the context of an \
             update's replacement document. Consider using an aggregation pipeline with \
             $replaceWith.",
            ),
        ),
    ]);
    let long = vec!["a"; 300].join(".");
    assert_eq!(update(doc! {}, doc! { "$set": { long: 1 } }).unwrap_err().0, 15);
}

#[test]
fn the_positional_operator_means_the_matched_element() {
    for (change, position, expected) in [
        (doc! { "$set": { "a.$": 9 } }, Some(1), Ok(doc! { "a": [1, 9] })),
        (doc! { "$inc": { "a.$": 1, "a.0": 5 } }, Some(1), Ok(doc! { "a": [6, 3] })),
        (doc! { "$unset": { "a.$": 1 } }, Some(0), Ok(doc! { "a": [Bson::Null, 2] })),
        (
            doc! { "$set": { "a.$": 9 } },
            None,
            error(2, "The positional operator did not find the match needed from the query."),
        ),
        (
            doc! { "$set": { "a.$": 9, "a.1": 1 } },
            Some(1),
            error(40, "Update created a conflict at 'a.1'"),
        ),
    ] {
        let found = update_at(&doc! { "a": [1, 2] }, change.clone(), &[], position);
        assert_eq!(found, expected, "{change}");
    }
    let doc = doc! { "a": [{ "b": 1 }, { "b": 2 }] };
    assert_eq!(
        update_at(&doc, doc! { "$set": { "a.$.b": 9, "a.$.c": 8 } }, &[], Some(1)),
        Ok(doc! { "a": [{ "b": 1 }, { "b": 9, "c": 8 }] })
    );
}

#[test]
fn the_all_elements_operator_means_every_element() {
    check(vec![
        (doc! { "a": [1, 2] }, doc! { "$inc": { "a.$[]": 10 } }, Ok(doc! { "a": [11, 12] })),
        (
            doc! { "a": [{ "b": [1] }, { "b": [] }] },
            doc! { "$inc": { "a.$[].b.$[]": 1 } },
            Ok(doc! { "a": [{ "b": [2] }, { "b": [] }] }),
        ),
        (
            doc! { "a": [1, 2] },
            doc! { "$unset": { "a.$[]": 1 } },
            Ok(doc! { "a": [Bson::Null, Bson::Null] }),
        ),
        (
            doc! { "a": 1 },
            doc! { "$inc": { "a.$[]": 1 } },
            error(2, "Cannot apply array updates to non-array element a: 1"),
        ),
        (
            doc! {},
            doc! { "$inc": { "a.$[]": 1 } },
            error(2, "The path 'a' must exist in the document in order to apply array updates."),
        ),
        (
            doc! { "a": {} },
            doc! { "$set": { "a.b.$[].c": 1 } },
            error(2, "The path 'a.b' must exist in the document in order to apply array updates."),
        ),
    ]);
}
