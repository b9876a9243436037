//! Tables of cases: core.

use super::*;
use quire_bson::{DateTime, Timestamp, bson};

#[test]
fn paths_read_documents_and_map_over_arrays() {
    let document = doc! {
        "a": { "b": { "c": 1 } },
        "list": [{ "x": 1 }, { "y": 2 }, { "x": { "z": 3 } }, 4, [{ "x": 5 }]],
        "0": "zero",
    };
    gives(
        document,
        [
            (bson!("$a.b.c"), bson!(1)),
            (bson!("$a.b"), bson!({ "c": 1 })),
            (bson!("$a.x.c"), MISSING),
            (bson!("$missing"), MISSING),
            (bson!("$list.x"), bson!([1, { "z": 3 }])),
            (bson!("$list.x.z"), bson!([3])),
            (bson!("$list.0"), bson!([])),
            (bson!("$0"), bson!("zero")),
            (bson!("$$ROOT.a.b.c"), bson!(1)),
            (bson!("$$CURRENT.a.b.c"), bson!(1)),
        ],
    );
}

#[test]
fn system_and_command_variables_have_their_values() {
    gives(
        doc! { "a": 1 },
        [
            (bson!("$$NOW"), Bson::DateTime(DateTime::from_millis(1_700_000_000_000))),
            (bson!("$$CLUSTER_TIME"), Bson::Timestamp(Timestamp { time: 7, increment: 8 })),
            (bson!("$$REMOVE"), MISSING),
            (bson!("$$given"), bson!(42)),
            (bson!("$$ROOT"), bson!({ "a": 1 })),
        ],
    );
}

#[test]
fn literals_keep_their_shape() {
    gives(
        doc! { "a": 1 },
        [
            (
                bson!({ "x": "$a", "y": "$gone", "z": { "w": ["$a", "$gone"] } }),
                bson!({ "x": 1, "z": { "w": [1, null] } }),
            ),
            (bson!({ "$literal": "$a" }), bson!("$a")),
            (bson!({ "$literal": { "$add": [1, 2] } }), bson!({ "$add": [1, 2] })),
            (bson!([]), bson!([])),
            (bson!({}), bson!({})),
            (bson!("plain"), bson!("plain")),
        ],
    );
}

#[test]
fn malformed_expressions_are_refused() {
    fails(
        doc! {},
        [
            (bson!({ "$foo": 1 }), 168, "Unrecognized expression '$foo'"),
            (bson!("$"), 16872, "'$' by itself is not a valid FieldPath"),
            (bson!("$a."), 40353, "FieldPath must not end with a '.'."),
            (bson!("$a..b"), 15998, "FieldPath field names may not be empty strings."),
            (
                bson!("$a.$b"),
                16410,
                "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
            ),
            (bson!("$$"), 9, "empty variable names are not allowed"),
            (bson!("$$nothing"), 17276, "Use of undefined variable: nothing"),
            (bson!("$$a-b"), 9, "'a-b' contains an invalid character for a variable name: '-'"),
            (
                bson!({ "a.b": 1 }),
                16412,
                "FieldPath field names may not contain '.'. Consider using $getField or $setField.",
            ),
            (
                bson!({ "$eq": [1] }),
                16020,
                "Expression $eq takes exactly 2 arguments. 1 were passed in.",
            ),
            (
                bson!({ "$slice": [1] }),
                28667,
                "Expression $slice takes at least 2 arguments, and at most 3, but 1 were passed in.",
            ),
        ],
    );
    let error = failure(bson!({ "$add": 1, "$foo": 2 }), doc! {});
    assert_eq!(error.code().number(), 15983);
}

#[test]
fn nesting_is_bounded() {
    let mut deep = bson!("$a");
    for _ in 0..150 {
        deep = bson!({ "$not": [deep] });
    }
    assert!(evaluate(deep.clone(), doc! {}).is_ok());
    for _ in 0..60 {
        deep = bson!({ "$not": [deep] });
    }
    assert_eq!(failure(deep, doc! {}).code().number(), 15);
}

#[test]
fn variables_of_let_see_the_outer_scope_only() {
    gives(
        doc! { "a": 1, "b": { "a": 2 } },
        [
            (
                bson!({ "$let": { "vars": { "x": "$a", "y": 5 }, "in": ["$$x", "$$y", "$$given"] } }),
                bson!([1, 5, 42]),
            ),
            (
                bson!({ "$let": { "vars": { "x": 1 }, "in": {
            "$let": { "vars": { "x": 2, "y": "$$x" }, "in": ["$$x", "$$y"] } } } }),
                bson!([2, 1]),
            ),
            (bson!({ "$let": { "vars": { "x": "$b" }, "in": "$$x.a" } }), bson!(2)),
            (
                bson!({ "$let": { "vars": { "CURRENT": "$b" }, "in": ["$a", "$$ROOT.a"] } }),
                bson!([2, 1]),
            ),
        ],
    );
    fails(
        doc! {},
        [
            (bson!({ "$let": 1 }), 16874, "$let only supports an object as its argument"),
            (bson!({ "$let": { "x": 1 } }), 16875, "Unrecognized parameter to $let: x"),
            (bson!({ "$let": { "in": 1 } }), 16876, "Missing 'vars' parameter to $let"),
            (bson!({ "$let": { "vars": {} } }), 16877, "Missing 'in' parameter to $let"),
            (
                bson!({ "$let": { "vars": { "X": 1 }, "in": 1 } }),
                9,
                "'X' starts with an invalid character for a user variable name",
            ),
            (
                bson!({ "$let": { "vars": { "x": 1, "y": "$$x" }, "in": 1 } }),
                17276,
                "Use of undefined variable: x",
            ),
        ],
    );
}

#[test]
fn booleans_follow_truth_and_stop_early() {
    gives(
        doc! { "zero": 0.0, "one": 1, "s": "x" },
        [
            (bson!({ "$and": [] }), bson!(true)),
            (bson!({ "$or": [] }), bson!(false)),
            (bson!({ "$and": ["$one", "$s", [], {}] }), bson!(true)),
            (bson!({ "$and": ["$zero", { "$add": ["$s", 1] }] }), bson!(false)),
            (bson!({ "$or": ["$one", { "$add": ["$s", 1] }] }), bson!(true)),
            (bson!({ "$or": ["$zero", null, "$gone", false] }), bson!(false)),
            (bson!({ "$not": ["$zero"] }), bson!(true)),
            (bson!({ "$not": "$one" }), bson!(false)),
        ],
    );
}

#[test]
fn comparisons_use_the_order_of_all_types() {
    gives(
        doc! { "a": 1, "b": 1.0, "s": "x" },
        [
            (bson!({ "$eq": ["$a", "$b"] }), bson!(true)),
            (bson!({ "$cmp": ["$a", "$s"] }), bson!(-1)),
            (bson!({ "$cmp": ["$s", "$a"] }), bson!(1)),
            (bson!({ "$gt": ["$a", null] }), bson!(true)),
            (bson!({ "$lt": ["$gone", null] }), bson!(true)),
            (bson!({ "$eq": ["$gone", null] }), bson!(false)),
            (bson!({ "$gte": ["$a", 1] }), bson!(true)),
            (bson!({ "$lte": ["$a", 0] }), bson!(false)),
            (bson!({ "$ne": [[1, 2], [1, 2]] }), bson!(false)),
        ],
    );
}

#[test]
fn only_the_branch_that_counts_is_evaluated() {
    gives(
        doc! { "a": 1, "s": "x" },
        [
            (bson!({ "$cond": ["$a", "yes", { "$add": ["$s", 1] }] }), bson!("yes")),
            (bson!({ "$cond": { "if": { "$gt": ["$a", 1] }, "then": 1, "else": 2 } }), bson!(2)),
            (bson!({ "$ifNull": ["$gone", null, "$a", { "$add": ["$s", 1] }] }), bson!(1)),
            (bson!({ "$ifNull": ["$gone", "$gone2"] }), MISSING),
            (
                bson!({ "$switch": { "branches": [
            { "case": { "$eq": ["$a", 2] }, "then": "two" },
            { "case": { "$eq": ["$a", 1] }, "then": "one" },
        ], "default": "many" } }),
                bson!("one"),
            ),
            (
                bson!({ "$switch": { "branches": [{ "case": false, "then": 1 }], "default": "$a" } }),
                bson!(1),
            ),
        ],
    );
    fails(
        doc! {},
        [
            (
                bson!({ "$cond": [1] }),
                16020,
                "Expression $cond takes exactly 3 arguments. 1 were passed in.",
            ),
            (
                bson!({ "$cond": { "if": 1, "then": 2 } }),
                17082,
                "Missing 'else' parameter to $cond",
            ),
            (
                bson!({ "$cond": { "if": 1, "then": 2, "other": 2 } }),
                17083,
                "Unrecognized parameter to $cond: other",
            ),
            (bson!({ "$ifNull": [1] }), 1_257_300, "$ifNull needs at least two arguments, had: 1"),
            (bson!({ "$switch": {} }), 40068, "$switch requires at least one branch."),
            (
                bson!({ "$switch": { "branches": [{ "case": "$x" }] } }),
                40065,
                "$switch requires each branch have a 'then' expression.",
            ),
            (
                bson!({ "$switch": { "branches": [{ "case": "$x", "then": 1 }] } }),
                40066,
                "$switch could not find a matching branch for an input, and no default was specified.",
            ),
        ],
    );
}

#[test]
fn random_numbers_repeat_with_the_seed_and_differ_within_it() {
    let pair = || evaluate(bson!([{ "$rand": {} }, { "$rand": {} }]), doc! {}).unwrap();
    let first = pair();
    assert_eq!(first, pair());
    let Some(Bson::Array(numbers)) = first else { panic!("{first:?}") };
    assert_ne!(numbers[0], numbers[1]);
    assert!(numbers.iter().all(|n| (0.0..1.0).contains(&n.as_f64().unwrap())));
}

#[test]
fn a_failing_constant_is_told_as_a_failed_optimisation_of_the_pipeline() {
    let holder = DocBuf::from(&doc! { "e": { "$divide": [1, 0] } });
    let error = Expression::parse_in_pipeline(holder.as_raw().get("e").unwrap(), &constants());
    assert_eq!(
        error.unwrap_err().message(),
        "Failed to optimize pipeline :: caused by :: can't $divide by zero"
    );
}
