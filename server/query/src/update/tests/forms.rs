//! The forms of an update, `_id` and limits.

use super::{constants, error, is_no_change, parse, update};
use crate::update::{Kind, Options, Update};
use quire_bson::{Bson, DocBuf, RawValue, Timestamp, doc};

#[test]
fn the_first_name_tells_operators_from_a_replacement() {
    assert_eq!(parse(doc! { "$set": { "a": 1 } }, &[]).unwrap().kind(), Kind::Operators);
    assert_eq!(parse(doc! { "a": 1 }, &[]).unwrap().kind(), Kind::Replacement);
    assert_eq!(parse(doc! {}, &[]).unwrap().kind(), Kind::Replacement);
}

#[test]
fn only_an_update_with_a_dollar_needs_the_matched_position() {
    assert!(parse(doc! { "$set": { "a.$.b": 1 } }, &[]).unwrap().needs_position());
    assert!(!parse(doc! { "$set": { "a.$[].b": 1 } }, &[]).unwrap().needs_position());
}

#[test]
fn malformed_updates_are_refused() {
    for (change, expected) in [
        (
            Bson::Document(doc! { "$foo": { "a": 1 } }),
            error(
                9,
                "Unknown modifier: $foo. Expected a valid update modifier or pipeline-style update \
             specified as an array",
            ),
        ),
        (
            Bson::Document(doc! { "$set": { "a": 1 }, "b": 1 }),
            error(
                9,
                "Unknown modifier: b. Expected a valid update modifier or pipeline-style update \
             specified as an array",
            ),
        ),
        (
            Bson::Document(doc! { "$set": "x" }),
            error(
                9,
                "Modifiers operate on fields but we found type string instead. For example: {$mod: \
             {<field>: ...}} not {$set: \"x\"}",
            ),
        ),
        (
            Bson::Document(doc! { "a": 1, "$foo": 1 }),
            error(
                52,
                "The dollar ($) prefixed field '$foo' in '$foo' is not allowed in the context of an \
             update's replacement document. Consider using an aggregation pipeline with \
             $replaceWith.",
            ),
        ),
        (Bson::Int32(1), error(9, "Update argument must be either an object or an array")),
    ] {
        assert_eq!(update(doc! {}, change.clone()), expected, "{change}");
    }
}

#[test]
fn a_replacement_cannot_be_multi() {
    let options = Options { multi: true, ..Options::default() };
    let doc = DocBuf::from(&doc! { "a": 1 });
    let refused = Update::parse(RawValue::Document(doc.as_raw()), &constants(), options);
    assert_eq!(
        refused.unwrap_err().message(),
        "multi update is not supported for replacement-style update"
    );
}

#[test]
fn a_replacement_keeps_the_id_in_first_place() {
    let before = doc! { "_id": 1, "a": 1, "b": 2 };
    for (replacement, expected) in [
        (doc! { "c": 3 }, Ok(doc! { "_id": 1, "c": 3 })),
        (doc! { "c": 3, "_id": 1 }, Ok(doc! { "_id": 1, "c": 3 })),
        (doc! {}, Ok(doc! { "_id": 1 })),
        (
            doc! { "_id": 2, "c": 3 },
            error(
                66,
                "After applying the update, the (immutable) field '_id' was found to have been \
             altered to _id: 2",
            ),
        ),
        (
            doc! { "_id": [1] },
            error(
                54,
                "After applying the update to the document, the (immutable) field '_id' was found to \
             be an array or array descendant.",
            ),
        ),
    ] {
        assert_eq!(update(before.clone(), replacement.clone()), expected, "{replacement}");
    }
    assert!(is_no_change(before.clone(), before.clone()));
    assert!(is_no_change(before, doc! { "a": 1, "b": 2 }));
}

#[test]
fn a_replacement_may_hold_a_database_reference() {
    let reference = doc! { "$ref": "c", "$id": 1, "$db": "d" };
    assert_eq!(update(doc! {}, reference.clone()).unwrap_err().0, 9);
    let mut replacement = doc! { "a": 1 };
    replacement.extend(reference);
    assert_eq!(update(doc! {}, replacement.clone()), Ok(replacement));
    assert_eq!(update(doc! {}, doc! { "a": 1, "$id": 1 }).unwrap_err().0, 52);
}

#[test]
fn a_replacement_fills_empty_timestamps() {
    let empty = Bson::Timestamp(Timestamp { time: 0, increment: 0 });
    let filled = Bson::Timestamp(Timestamp { time: 1_700_000_000, increment: 5 });
    assert_eq!(update(doc! { "_id": 1 }, doc! { "a": empty }), Ok(doc! { "_id": 1, "a": filled }));
}

#[test]
fn operators_cannot_change_the_id() {
    let refused = |path: &str| {
        error(
            66,
            &format!(
                "Performing an update on the path '{path}' would modify the immutable field '_id'"
            ),
        )
    };
    let before = doc! { "_id": 1, "a": 2 };
    for (change, expected) in [
        (doc! { "$set": { "_id": 2 } }, refused("_id")),
        (doc! { "$inc": { "_id": 1 } }, refused("_id")),
        (doc! { "$unset": { "_id": 1 } }, refused("_id")),
        (doc! { "$rename": { "a": "_id" } }, refused("_id")),
        (doc! { "$rename": { "_id": "b" } }, refused("_id")),
        (doc! { "$set": { "_id": 1, "a": 3 } }, Ok(doc! { "_id": 1, "a": 3 })),
    ] {
        assert_eq!(update(before.clone(), change.clone()), expected, "{change}");
    }
    assert_eq!(
        update(doc! { "_id": { "x": 1 } }, doc! { "$set": { "_id.x": 2 } }),
        refused("_id.x")
    );
}

#[test]
fn a_result_too_large_or_too_deep_is_refused() {
    let large = "x".repeat(9 * 1024 * 1024);
    let found = update(doc! { "a": large.clone() }, doc! { "$set": { "b": large } });
    assert_eq!(found.unwrap_err().0, 10334);
    let deep = vec!["a"; 190].join(".");
    let found = update(doc! {}, doc! { "$set": { deep: 1 } });
    assert_eq!(found, error(15, "Document exceeds maximum nesting depth of 180"));
}
