//! Tables of cases: array.

use super::*;
use quire_bson::bson;

fn document() -> Document {
    doc! { "list": [3, 1, 2], "n": 5, "docs": [{ "k": 2 }, { "k": 1 }, { "k": 3 }], "s": "x" }
}

#[test]
fn elements_are_reached_from_both_ends() {
    gives(
        document(),
        [
            (bson!({ "$arrayElemAt": ["$list", 0] }), bson!(3)),
            (bson!({ "$arrayElemAt": ["$list", -1] }), bson!(2)),
            (bson!({ "$arrayElemAt": ["$list", 3] }), MISSING),
            (bson!({ "$arrayElemAt": ["$list", -4] }), MISSING),
            (bson!({ "$arrayElemAt": ["$gone", 0] }), Bson::Null),
            (bson!({ "$first": "$list" }), bson!(3)),
            (bson!({ "$last": "$list" }), bson!(2)),
            (bson!({ "$first": [[]] }), MISSING),
            (bson!({ "$first": "$gone" }), Bson::Null),
            (bson!({ "$in": [2, "$list"] }), bson!(true)),
            (bson!({ "$in": [2.0, "$list"] }), bson!(true)),
            (bson!({ "$in": [9, "$list"] }), bson!(false)),
            (bson!({ "$indexOfArray": ["$list", 2] }), bson!(2)),
            (bson!({ "$indexOfArray": ["$list", 3, 1] }), bson!(-1)),
            (bson!({ "$indexOfArray": ["$list", 2, 0, 2] }), bson!(-1)),
            (bson!({ "$indexOfArray": ["$list", 2, 9] }), bson!(-1)),
            (bson!({ "$indexOfArray": ["$gone", 2] }), Bson::Null),
            (bson!({ "$isArray": "$list" }), bson!(true)),
            (bson!({ "$isArray": ["$n"] }), bson!(false)),
            (bson!({ "$size": "$list" }), bson!(3)),
            (bson!({ "$slice": ["$list", 2] }), bson!([3, 1])),
            (bson!({ "$slice": ["$list", -2] }), bson!([1, 2])),
            (bson!({ "$slice": ["$list", 1, 1] }), bson!([1])),
            (bson!({ "$slice": ["$list", -2, 1] }), bson!([1])),
            (bson!({ "$slice": ["$list", 9, 1] }), bson!([])),
            (bson!({ "$slice": ["$list", -9, 1] }), bson!([3])),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$arrayElemAt": ["$n", 0] }),
                28689,
                "$arrayElemAt's first argument must be an array, but is int",
            ),
            (
                bson!({ "$arrayElemAt": ["$list", "$s"] }),
                28690,
                "$arrayElemAt's second argument must be a numeric value, but is string",
            ),
            (
                bson!({ "$arrayElemAt": ["$list", 1.5] }),
                28691,
                "$arrayElemAt's second argument must be representable as a 32-bit integer: 1.5",
            ),
            (bson!({ "$first": "$n" }), 28689, "$first's argument must be an array, but is int"),
            (
                bson!({ "$in": [1, "$n"] }),
                40081,
                "$in requires an array as a second argument, found: int",
            ),
            (
                bson!({ "$indexOfArray": ["$n", 1] }),
                40090,
                "$indexOfArray requires an array as a first argument, found: int",
            ),
            (
                bson!({ "$indexOfArray": ["$list", 1, -1] }),
                40097,
                "$indexOfArray requires a nonnegative starting index, found: -1",
            ),
            (
                bson!({ "$size": "$gone" }),
                17124,
                "The argument to $size must be an array, but was of type: missing",
            ),
            (
                bson!({ "$slice": ["$list", 0, 0] }),
                28729,
                "Third argument to $slice must be positive: 0",
            ),
        ],
    );
}

#[test]
fn arrays_are_made_and_turned_into_objects() {
    gives(
        document(),
        [
            (bson!({ "$concatArrays": ["$list", [9], []] }), bson!([3, 1, 2, 9])),
            (bson!({ "$concatArrays": ["$list", "$gone"] }), Bson::Null),
            (bson!({ "$reverseArray": "$list" }), bson!([2, 1, 3])),
            (bson!({ "$range": [0, 5, 2] }), bson!([0, 2, 4])),
            (bson!({ "$range": [3, 0, -1] }), bson!([3, 2, 1])),
            (bson!({ "$range": [0, 3, -1] }), bson!([])),
            (bson!({ "$range": [0, "$n"] }), bson!([0, 1, 2, 3, 4])),
            (
                bson!({ "$objectToArray": { "a": 1, "b": "$n" } }),
                bson!([{ "k": "a", "v": 1 }, { "k": "b", "v": 5 }]),
            ),
            (bson!({ "$arrayToObject": [[["a", 1], ["b", 2]]] }), bson!({ "a": 1, "b": 2 })),
            (bson!({ "$arrayToObject": [[{ "k": "a", "v": "$n" }]] }), bson!({ "a": 5 })),
            (bson!({ "$arrayToObject": [[]] }), bson!({})),
            (bson!({ "$arrayToObject": "$gone" }), Bson::Null),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$concatArrays": ["$n"] }),
                28664,
                "$concatArrays only supports arrays, not int",
            ),
            (bson!({ "$range": [0, 1, 0] }), 34449, "$range requires a non-zero step value"),
            (
                bson!({ "$range": ["$s", 1] }),
                34443,
                "$range requires a numeric starting value, found value of type: string",
            ),
            (
                bson!({ "$reverseArray": "$n" }),
                34435,
                "The argument to $reverseArray must be an array, but was of type: int",
            ),
            (
                bson!({ "$objectToArray": "$n" }),
                40390,
                "$objectToArray requires a document input, found: int",
            ),
            (
                bson!({ "$arrayToObject": "$list" }),
                40398,
                "Unrecognised input type format for $arrayToObject: int",
            ),
            (
                bson!({ "$arrayToObject": [[["a", 1, 2]]] }),
                40397,
                "$arrayToObject requires an array of size 2 arrays,found array of size: 3",
            ),
            (
                bson!({ "$arrayToObject": [[[1, 1]]] }),
                40395,
                "$arrayToObject requires an array of key-value pairs, where the key must be of type \
          string. Found key type: int",
            ),
        ],
    );
}

#[test]
fn a_range_that_would_fill_the_memory_is_refused() {
    let error = failure(bson!({ "$range": [0, i32::MAX] }), doc! {});
    assert_eq!(error.code().number(), 146);
}

#[test]
fn lists_that_repeat_a_variable_cannot_fill_the_memory() {
    let mut expression = bson!("$$x");
    for _ in 0..12 {
        expression =
            bson!({ "$let": { "vars": { "x": vec![bson!("$$x"); 20] }, "in": expression } });
    }
    let whole = bson!({ "$let": { "vars": { "x": "$s" }, "in": expression } });
    assert_eq!(failure(whole, document()).code().number(), 146);
    let nested =
        bson!({ "$map": { "input": { "$range": [0, 100_000] }, "in": { "$range": [0, 10_000] } } });
    assert_eq!(failure(nested, document()).code().number(), 146);
}

#[test]
fn expressions_run_for_each_element() {
    gives(
        document(),
        [
            (
                bson!({ "$map": { "input": "$list", "as": "x", "in": { "$add": ["$$x", "$n"] } } }),
                bson!([8, 6, 7]),
            ),
            (
                bson!({ "$map": { "input": "$list", "in": "$$this.gone" } }),
                bson!([null, null, null]),
            ),
            (bson!({ "$map": { "input": "$gone", "in": 1 } }), Bson::Null),
            (
                bson!({ "$filter": { "input": "$list", "cond": { "$gt": ["$$this", 1] } } }),
                bson!([3, 2]),
            ),
            (
                bson!({ "$filter": { "input": "$docs", "as": "d", "cond": { "$lt": ["$$d.k", 3] },
                              "limit": 1 } }),
                bson!([{ "k": 2 }]),
            ),
            (
                bson!({ "$reduce": { "input": "$list", "initialValue": 0,
                              "in": { "$add": ["$$value", "$$this"] } } }),
                bson!(6),
            ),
            (bson!({ "$reduce": { "input": "$gone", "initialValue": 0, "in": 1 } }), Bson::Null),
            (bson!({ "$zip": { "inputs": ["$list", ["a", "b"]] } }), bson!([[3, "a"], [1, "b"]])),
            (
                bson!({ "$zip": { "inputs": ["$list", ["a"]], "useLongestLength": true,
                           "defaults": [0, "z"] } }),
                bson!([[3, "a"], [1, "z"], [2, "z"]]),
            ),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$map": { "input": "$n", "in": 1 } }),
                16883,
                "input to $map must be an array not int",
            ),
            (bson!({ "$map": { "in": 1 } }), 16880, "Missing 'input' parameter to $map"),
            (
                bson!({ "$filter": { "input": "$n", "cond": 1 } }),
                28651,
                "input to $filter must be an array not int",
            ),
            (
                bson!({ "$filter": { "input": "$list" } }),
                28650,
                "Missing 'cond' parameter to $filter",
            ),
            (
                bson!({ "$filter": { "input": "$list", "cond": 1, "limit": 0 } }),
                327_392,
                "$filter: limit must be greater than 0: 0",
            ),
            (
                bson!({ "$reduce": { "input": "$n", "initialValue": 0, "in": 1 } }),
                40080,
                "$reduce requires that 'input' be an array, found: 5",
            ),
            (bson!({ "$zip": { "inputs": [] } }), 34465, "$zip requires at least one input array"),
        ],
    );
}

#[test]
fn the_best_elements_are_picked() {
    gives(
        document(),
        [
            (bson!({ "$firstN": { "n": 2, "input": "$list" } }), bson!([3, 1])),
            (bson!({ "$lastN": { "n": 2, "input": "$list" } }), bson!([1, 2])),
            (bson!({ "$minN": { "n": 2, "input": ["$n", null, 9, 1] } }), bson!([1, 5])),
            (bson!({ "$maxN": { "n": 2, "input": "$list" } }), bson!([3, 2])),
            (bson!({ "$sortArray": { "input": "$list", "sortBy": 1 } }), bson!([1, 2, 3])),
            (bson!({ "$sortArray": { "input": "$list", "sortBy": -1 } }), bson!([3, 2, 1])),
            (
                bson!({ "$sortArray": { "input": "$docs", "sortBy": { "k": 1 } } }),
                bson!([{ "k": 1 }, { "k": 2 }, { "k": 3 }]),
            ),
            (bson!({ "$sortArray": { "input": "$gone", "sortBy": 1 } }), Bson::Null),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$firstN": { "n": 0, "input": "$list" } }),
                5_787_908,
                "'n' must be greater than 0, found 0",
            ),
            (bson!({ "$firstN": { "input": "$list" } }), 5_787_906, "Missing value for 'n'"),
            (
                bson!({ "$sortArray": { "input": "$n", "sortBy": 1 } }),
                2_942_504,
                "The input argument to $sortArray must be an array, but was of type: int",
            ),
        ],
    );
}

#[test]
fn sets_ignore_order_and_repetition() {
    gives(
        document(),
        [
            (bson!({ "$setUnion": ["$list", [2, 4]] }), bson!([1, 2, 3, 4])),
            (bson!({ "$setUnion": ["$list", "$gone"] }), Bson::Null),
            (bson!({ "$setIntersection": ["$list", [2, 3, 9]] }), bson!([2, 3])),
            (bson!({ "$setDifference": ["$list", [1]] }), bson!([3, 2])),
            (bson!({ "$setEquals": ["$list", [1, 2, 3, 3]] }), bson!(true)),
            (bson!({ "$setEquals": ["$list", [1, 2]] }), bson!(false)),
            (bson!({ "$setIsSubset": [[1, 2], "$list"] }), bson!(true)),
            (bson!({ "$allElementsTrue": [[true, 1]] }), bson!(true)),
            (bson!({ "$anyElementTrue": [[0, null]] }), bson!(false)),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$setUnion": ["$n"] }),
                17043,
                "All operands of $setUnion must be arrays. One argument is of type: int",
            ),
            (
                bson!({ "$setDifference": ["$n", []] }),
                17048,
                "both operands of $setDifference must be arrays. First argument is of type: int",
            ),
            (
                bson!({ "$setEquals": [[]] }),
                17045,
                "$setEquals needs at least two arguments had: 1",
            ),
            (
                bson!({ "$allElementsTrue": ["$n"] }),
                17040,
                "$allElementsTrue's argument must be an array, but is int",
            ),
        ],
    );
}
