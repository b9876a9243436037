//! Updates written as stages.

use super::{Outcome, error, is_no_change, parse, update, update_at};
use crate::update::Kind;
use quire_bson::{Bson, Document, doc};

fn stages(stages: &[Document]) -> Bson {
    Bson::Array(stages.iter().cloned().map(Bson::Document).collect())
}

fn run(before: Document, pipeline: &[Document]) -> Outcome {
    update(before, stages(pipeline))
}

#[test]
fn stages_compute_fields_from_the_document() {
    let before = doc! { "_id": 1, "a": 2, "b": 3 };
    for (pipeline, expected) in [
        (
            vec![doc! { "$set": { "c": { "$add": ["$a", "$b"] } } }],
            doc! { "_id": 1, "a": 2, "b": 3, "c": 5 },
        ),
        (vec![doc! { "$addFields": { "a": "$b" } }], doc! { "_id": 1, "a": 3, "b": 3 }),
        (vec![doc! { "$unset": "a" }], doc! { "_id": 1, "b": 3 }),
        (vec![doc! { "$unset": ["a", "b"] }], doc! { "_id": 1 }),
        (vec![doc! { "$project": { "b": 1 } }], doc! { "_id": 1, "b": 3 }),
        (vec![doc! { "$replaceWith": { "x": "$a" } }], doc! { "_id": 1, "x": 2 }),
        (
            vec![doc! { "$replaceRoot": { "newRoot": { "x": "$b", "_id": "$_id" } } }],
            doc! { "_id": 1, "x": 3 },
        ),
        (
            vec![doc! { "$set": { "a": 9 } }, doc! { "$set": { "b": "$a" } }],
            doc! { "_id": 1, "a": 9, "b": 9 },
        ),
    ] {
        assert_eq!(run(before.clone(), &pipeline), Ok(expected), "{pipeline:?}");
    }
}

#[test]
fn stages_that_change_nothing_are_told_apart() {
    assert!(is_no_change(doc! { "_id": 1, "a": 1 }, stages(&[])));
    assert!(is_no_change(doc! { "_id": 1, "a": 1 }, stages(&[doc! { "$set": { "a": 1 } }])));
    assert!(is_no_change(doc! { "_id": 1, "a": 1 }, stages(&[doc! { "$unset": "_id" }])));
}

#[test]
fn stages_cannot_change_the_id() {
    let refused = error(
        66,
        "After applying the update, the (immutable) field '_id' was found to have been altered to \
         _id: 2",
    );
    assert_eq!(run(doc! { "_id": 1 }, &[doc! { "$set": { "_id": 2 } }]), refused);
}

#[test]
fn other_stages_and_array_filters_are_refused() {
    assert_eq!(
        run(doc! {}, &[doc! { "$match": { "a": 1 } }]),
        error(72, "$match is not allowed to be used within an update")
    );
    assert_eq!(run(doc! {}, &[doc! { "$foo": 1 }]).unwrap_err().0, 40324);
    assert_eq!(
        update_at(&doc! {}, stages(&[doc! { "$set": { "a": 1 } }]), &[doc! { "i": 1 }], None),
        error(9, "arrayFilters may not be specified for pipeline-syle updates")
    );
}

#[test]
fn an_array_is_a_pipeline() {
    assert_eq!(parse(stages(&[]), &[]).unwrap().kind(), Kind::Pipeline);
}
