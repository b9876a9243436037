//! Tables of cases: objects.

use super::*;
use quire_bson::{Binary, BinarySubtype, Timestamp, bson};

#[test]
fn objects_are_merged_and_their_fields_set_by_name() {
    gives(
        doc! { "o": { "a": 1, "b.c": 2, "$d": 3 }, "n": 5 },
        [
            (
                bson!({ "$mergeObjects": ["$o", { "a": 9, "z": 1 }, null] }),
                bson!({ "a": 9, "b.c": 2, "$d": 3, "z": 1 }),
            ),
            (bson!({ "$mergeObjects": "$gone" }), bson!({})),
            (bson!({ "$getField": { "field": "b.c", "input": "$o" } }), bson!(2)),
            (bson!({ "$getField": { "field": { "$literal": "$d" }, "input": "$o" } }), bson!(3)),
            (bson!({ "$getField": "n" }), bson!(5)),
            (bson!({ "$getField": { "field": "x", "input": "$o" } }), MISSING),
            (bson!({ "$getField": { "field": "x", "input": null } }), Bson::Null),
            (bson!({ "$getField": { "field": "x", "input": "$n" } }), MISSING),
            (
                bson!({ "$setField": { "field": "b.c", "input": "$o", "value": "$n" } }),
                bson!({ "a": 1, "b.c": 5, "$d": 3 }),
            ),
            (
                bson!({ "$unsetField": { "field": "b.c", "input": "$o" } }),
                bson!({ "a": 1, "$d": 3 }),
            ),
            (bson!({ "$setField": { "field": "a", "input": "$gone", "value": 1 } }), Bson::Null),
        ],
    );
    fails(
        doc! { "n": 5 },
        [
            (
                bson!({ "$mergeObjects": ["$n"] }),
                40400,
                "$mergeObjects requires object inputs, but input 5 is of type int",
            ),
            (
                bson!({ "$getField": { "field": 5, "input": "$$ROOT" } }),
                5_654_602,
                "$getField requires 'field' to evaluate to type String, but got int",
            ),
            (
                bson!({ "$setField": { "field": "$a", "input": {}, "value": 1 } }),
                4_161_108,
                "A field path reference which is not allowed in this context. Did you mean \
          {$literal: '$a'}?",
            ),
            (
                bson!({ "$setField": { "field": "a", "input": "$n", "value": 1 } }),
                4_161_105,
                "$setField requires 'input' to evaluate to type Object",
            ),
        ],
    );
}

#[test]
fn sizes_and_timestamps_are_read() {
    let binary = Binary { subtype: BinarySubtype::Generic, bytes: vec![1, 2, 3] };
    gives(
        doc! { "bin": binary, "ts": Timestamp { time: 9, increment: 4 }, "n": 1 },
        [
            (bson!({ "$binarySize": "$bin" }), bson!(3)),
            (bson!({ "$binarySize": "häh" }), bson!(4)),
            (bson!({ "$bsonSize": { "a": 1 } }), bson!(12)),
            (bson!({ "$bsonSize": "$gone" }), Bson::Null),
            (bson!({ "$tsSecond": "$ts" }), bson!(9_i64)),
            (bson!({ "$tsIncrement": "$ts" }), bson!(4_i64)),
        ],
    );
    fails(
        doc! { "n": 1 },
        [
            (
                bson!({ "$bsonSize": "$n" }),
                31393,
                "$bsonSize requires a document input, found: int",
            ),
            (
                bson!({ "$binarySize": "$n" }),
                51276,
                "$binarySize requires a string or BinData argument, found: int",
            ),
        ],
    );
}
