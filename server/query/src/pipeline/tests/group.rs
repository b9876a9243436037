//! Tables of cases: group.

use super::*;
use quire_bson::bson;

fn docs() -> [Document; 5] {
    [
        doc! { "k": "a", "n": 1, "s": "x" },
        doc! { "k": "b", "n": 5.5, "s": "y" },
        doc! { "k": "a", "n": 3, "s": "x" },
        doc! { "k": "a", "s": null },
        doc! { "k": "b", "n": 2 },
    ]
}

/// The value that an accumulator gives for all documents with `k: "a"`, and for those with `"b"`.
#[track_caller]
fn accumulates(accumulator: Document, a: Bson, b: Bson) {
    let stage = doc! { "$group": { "_id": "$k", "v": accumulator.clone() } };
    let expected = [doc! { "_id": "a", "v": a }, doc! { "_id": "b", "v": b }];
    assert_eq!(run([stage], docs()).unwrap(), expected, "{accumulator}");
}

#[test]
fn accumulators_gather_the_values_of_a_group() {
    accumulates(doc! { "$sum": "$n" }, bson!(4), bson!(7.5));
    accumulates(doc! { "$sum": 1 }, bson!(3), bson!(2));
    accumulates(doc! { "$count": {} }, bson!(3), bson!(2));
    accumulates(doc! { "$avg": "$n" }, bson!(2.0), bson!(3.75));
    accumulates(doc! { "$min": "$n" }, bson!(1), bson!(2));
    accumulates(doc! { "$max": "$n" }, bson!(3), bson!(5.5));
    accumulates(doc! { "$first": "$n" }, bson!(1), bson!(5.5));
    accumulates(doc! { "$last": "$n" }, bson!(null), bson!(2));
    accumulates(doc! { "$push": "$n" }, bson!([1, 3]), bson!([5.5, 2]));
    accumulates(
        doc! { "$push": { "n": "$n" } },
        bson!([{ "n": 1 }, { "n": 3 }, {}]),
        bson!([{ "n": 5.5 }, { "n": 2 }]),
    );
    accumulates(doc! { "$addToSet": "$s" }, bson!(["x", null]), bson!(["y"]));
    accumulates(
        doc! { "$mergeObjects": { "last": "$n" } },
        bson!({ "last": 3 }),
        bson!({ "last": 2 }),
    );
    accumulates(doc! { "$stdDevPop": "$n" }, bson!(1.0), bson!(1.75));
    accumulates(doc! { "$stdDevSamp": "$gone" }, bson!(null), bson!(null));
    accumulates(doc! { "$firstN": { "n": 2, "input": "$n" } }, bson!([1, 3]), bson!([5.5, 2]));
    accumulates(doc! { "$lastN": { "n": 2, "input": "$n" } }, bson!([3, null]), bson!([5.5, 2]));
    accumulates(doc! { "$minN": { "n": 1, "input": "$n" } }, bson!([1]), bson!([2]));
    accumulates(doc! { "$maxN": { "n": 9, "input": "$n" } }, bson!([3, 1]), bson!([5.5, 2]));
    accumulates(doc! { "$top": { "sortBy": { "n": -1 }, "output": "$n" } }, bson!(3), bson!(5.5));
    accumulates(
        doc! { "$bottom": { "sortBy": { "n": -1 }, "output": ["$n", "$s"] } },
        bson!([null, null]),
        bson!([2, null]),
    );
    accumulates(
        doc! { "$topN": { "n": 2, "sortBy": { "n": 1 }, "output": "$n" } },
        bson!([null, 1]),
        bson!([2, 5.5]),
    );
    accumulates(
        doc! { "$bottomN": { "n": 2, "sortBy": { "n": 1 }, "output": "$n" } },
        bson!([1, 3]),
        bson!([2, 5.5]),
    );
}

#[test]
fn the_count_of_kept_values_may_depend_on_the_group() {
    let stage = doc! { "$group": {
        "_id": { "k": "$k" },
        "v": { "$firstN": { "n": { "$cond": [{ "$eq": ["$k", "a"] }, 1, 2] }, "input": "$n" } },
    } };
    assert_eq!(
        run([stage], docs()).unwrap(),
        [doc! { "_id": { "k": "a" }, "v": [1] }, doc! { "_id": { "k": "b" }, "v": [5.5, 2] },]
    );
}

#[test]
fn equal_numbers_are_one_group_and_missing_is_null() {
    gives(
        [doc! { "$group": { "_id": "$a", "n": { "$sum": 1 } } }],
        [doc! { "a": 1 }, doc! { "a": 1.0 }, doc! {}, doc! { "a": 1_i64 }, doc! { "a": null }],
        [doc! { "_id": 1, "n": 3 }, doc! { "_id": null, "n": 2 }],
    );
    gives(
        [doc! { "$group": { "_id": { "x": "$a", "y": "$b" } } }],
        [doc! { "a": 1, "b": 2 }, doc! { "a": 1.0, "b": 2 }, doc! { "a": 1 }],
        [doc! { "_id": { "x": 1, "y": 2 } }, doc! { "_id": { "x": 1 } }],
    );
    gives([doc! { "$group": { "_id": null } }], [], []);
}

#[test]
fn sort_by_count_puts_the_largest_group_first() {
    gives(
        [doc! { "$sortByCount": "$a" }],
        [doc! { "a": "x" }, doc! { "a": "y" }, doc! { "a": "y" }],
        [doc! { "_id": "y", "count": 2 }, doc! { "_id": "x", "count": 1 }],
    );
    all_refused([
        (
            doc! { "$sortByCount": 1 },
            40149,
            "the sortByCount field must be specified as a string or as an object",
        ),
        (
            doc! { "$sortByCount": "a" },
            40148,
            "the sortByCount field must be defined as a $-prefixed path or an expression inside an \
          object",
        ),
    ]);
}

#[test]
fn malformed_groups_are_refused() {
    all_refused([
        (doc! { "$group": 1 }, 15947, "a group's fields must be specified in an object"),
        (doc! { "$group": {} }, 15955, "a group specification must include an _id"),
        (
            doc! { "$group": { "_id": 1, "a": 1 } },
            40234,
            "The field 'a' must be an accumulator object",
        ),
        (
            doc! { "$group": { "_id": 1, "a.b": { "$sum": 1 } } },
            40235,
            "The field name 'a.b' cannot contain '.'",
        ),
        (
            doc! { "$group": { "_id": 1, "$a": { "$sum": 1 } } },
            40236,
            "The field name '$a' cannot be an operator name",
        ),
        (
            doc! { "$group": { "_id": 1, "a": { "$sum": 1, "$avg": 1 } } },
            40238,
            "The field 'a' must specify one accumulator",
        ),
        (
            doc! { "$group": { "_id": 1, "a": { "$foo": 1 } } },
            15952,
            "unknown group operator '$foo'",
        ),
        (
            doc! { "$group": { "_id": 1, "a": { "$sum": [1, 2] } } },
            40237,
            "The $sum accumulator is a unary operator",
        ),
        (
            doc! { "$group": { "_id": 1, "a": { "$count": 1 } } },
            14,
            "$count takes no arguments, i.e. $count:{}",
        ),
        (
            doc! { "$group": { "_id": 1, "a": { "$firstN": { "n": 0, "input": 1 } } } },
            5_787_908,
            "'n' must be greater than 0, found 0",
        ),
        (
            doc! { "$group": { "_id": 1, "a": { "$top": { "output": 1 } } } },
            5_788_005,
            "Missing value for 'sortBy'",
        ),
    ]);
}

#[test]
fn a_group_that_would_take_too_much_memory_is_refused() {
    let docs = (0..120).map(|_| doc! { "pad": "x".repeat(1024 * 1024) });
    let stage = doc! { "$group": { "_id": null, "all": { "$push": "$pad" } } };
    let error = run([stage], docs).unwrap_err();
    assert_eq!(error.code().number(), 292);
    assert!(error.message().contains("$group"), "{error}");
}
