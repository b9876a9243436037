//! Tables of cases: stages.

use super::*;
use crate::pipeline::Provided;
use quire_bson::bson;

#[test]
fn a_pipeline_is_an_array_of_known_stages() {
    all_refused([
        (doc! { "$foo": 1 }, 40324, "Unrecognized pipeline stage name: '$foo'"),
        (doc! {}, 40323, "A pipeline stage specification object must contain exactly one field."),
        (
            doc! { "$match": {}, "$limit": 1 },
            40323,
            "A pipeline stage specification object must contain exactly one field.",
        ),
        (
            doc! { "$facet": {} },
            115,
            "The aggregation stage $facet is not supported by this server yet",
        ),
    ]);
    let holder = DocBuf::from(&doc! { "p": [1] });
    let stages = holder.as_raw().get("p").unwrap().as_array().unwrap();
    assert_eq!(Pipeline::parse(stages, &constants()).unwrap_err().code().number(), 14);
    let error = refused([doc! { "$out": "x" }, doc! { "$limit": 1 }]);
    assert_eq!(error.message(), "$out can only be the final stage in the pipeline");
    let error = refused([doc! { "$limit": 1 }, doc! { "$collStats": {} }]);
    assert_eq!(error.message(), "$collStats is only valid as the first stage in a pipeline");
    let error = refused(std::iter::repeat_n(doc! { "$skip": 1 }, 1001));
    assert_eq!(error.code().number(), 7_749_501);
}

#[test]
fn the_longest_pipeline_runs() {
    let stages = std::iter::repeat_n(doc! { "$addFields": { "a": { "$add": ["$a", 1] } } }, 1000);
    assert_eq!(run(stages, [doc! { "a": 0 }]).unwrap(), [doc! { "a": 1000 }]);
}

#[test]
fn an_empty_pipeline_passes_documents_on() {
    gives([], [doc! { "a": 1 }], [doc! { "a": 1 }]);
}

#[test]
fn a_special_source_is_set_apart() {
    let pipeline = parse([doc! { "$collStats": { "count": {} } }, doc! { "$limit": 1 }]).unwrap();
    let source = pipeline.source().unwrap();
    assert_eq!(source.name(), "$collStats");
    assert_eq!(source.options().to_bson(), bson!({ "count": {} }));
    assert_eq!(pipeline.stages().len(), 1);
}

#[test]
fn a_sink_is_set_apart_and_stays_behind_the_stages_of_its_pipeline() {
    let pipeline = parse([doc! { "$limit": 1 }, doc! { "$out": "x" }]).unwrap();
    assert_eq!(pipeline.sink().unwrap().name(), "$out");
    assert_eq!(pipeline.stages().len(), 1);
    let (front, rest) = pipeline.split_front(&constants()).unwrap();
    let whole = front.remaining(Provided::Nothing).then(rest);
    assert_eq!(whole.sink().unwrap().options().as_str(), Some("x"));
}

#[test]
fn a_pipeline_is_known_to_write_before_it_is_parsed() {
    for (stages, fills) in [
        (bson!([{ "$match": {} }, { "$merge": { "into": "x" } }]), true),
        (bson!([{ "$out": "x" }]), true),
        (bson!([{ "$out": "x" }, { "$limit": 1 }]), false),
        (bson!([]), false),
        (bson!([1, {}]), false),
    ] {
        let holder = DocBuf::from(&doc! { "p": stages.clone() });
        let array = holder.as_raw().get("p").unwrap().as_array().unwrap();
        assert_eq!(crate::pipeline::fills_sink(array), fills, "{stages}");
    }
}

#[test]
fn stages_show_themselves_to_explain() {
    let pipeline = parse([doc! { "$match": { "a": 1 } }, doc! { "$limit": 5_i64 }]).unwrap();
    let shown: Vec<_> =
        pipeline.stages().iter().map(|stage| stage.to_bson().as_raw().to_document()).collect();
    assert_eq!(shown, [doc! { "$match": { "a": 1 } }, doc! { "$limit": 5_i64 }]);
}

#[test]
fn documents_stand_in_the_pipeline_itself() {
    let holder = DocBuf::from(&doc! { "d": [{ "a": { "$add": [1, 1] } }], "bad": [1], "no": 1 });
    let docs = |key| crate::pipeline::documents(holder.as_raw().get(key).unwrap(), &constants());
    assert_eq!(docs("d").unwrap()[0].as_raw().to_document(), doc! { "a": 2 });
    assert_eq!(docs("bad").unwrap_err().code().number(), 40228);
    assert_eq!(docs("no").unwrap_err().code().number(), 5_858_203);
}

#[test]
fn match_limit_skip_and_count_choose_documents() {
    let docs = || [doc! { "a": 1 }, doc! { "a": 2 }, doc! { "a": 3 }, doc! { "a": 4 }];
    gives([doc! { "$match": { "a": { "$gt": 2 } } }], docs(), [doc! { "a": 3 }, doc! { "a": 4 }]);
    gives([doc! { "$limit": 2 }], docs(), [doc! { "a": 1 }, doc! { "a": 2 }]);
    gives([doc! { "$skip": 3.0 }], docs(), [doc! { "a": 4 }]);
    gives([doc! { "$skip": 1 }, doc! { "$limit": 1 }], docs(), [doc! { "a": 2 }]);
    gives([doc! { "$count": "n" }], docs(), [doc! { "n": 4 }]);
    gives([doc! { "$match": { "a": 9 } }, doc! { "$count": "n" }], docs(), []);
    all_refused([
        (doc! { "$match": 1 }, 15959, "the match filter must be an expression in an object"),
        (doc! { "$limit": 0 }, 15958, "the limit must be positive"),
        (
            doc! { "$limit": -1 },
            2_107_201,
            "invalid argument to $limit stage: Expected a non-negative number in: $limit: -1",
        ),
        (
            doc! { "$limit": "x" },
            2_107_201,
            "invalid argument to $limit stage: Expected a number in: $limit: \"x\"",
        ),
        (
            doc! { "$skip": -1 },
            5_107_200,
            "invalid argument to $skip stage: Expected a non-negative number in: $skip: -1",
        ),
        (
            doc! { "$skip": 1.5 },
            5_107_200,
            "invalid argument to $skip stage: Expected an integer in: $skip: 1.5",
        ),
        (doc! { "$count": "" }, 40157, "the count field must be a non-empty string"),
        (doc! { "$count": 1 }, 40156, "the count field must be a non-empty string"),
        (doc! { "$count": "$a" }, 40158, "the count field cannot be a $-prefixed path"),
        (doc! { "$count": "a.b" }, 40160, "the count field cannot contain '.'"),
    ]);
}

#[test]
fn project_and_unset_shape_documents() {
    let docs = || [doc! { "_id": 1, "a": 2, "b": { "c": 3, "d": 4 } }];
    gives([doc! { "$project": { "a": 1 } }], docs(), [doc! { "_id": 1, "a": 2 }]);
    gives(
        [doc! { "$project": { "_id": 0, "b.c": 1, "sum": { "$add": ["$a", "$b.c"] } } }],
        docs(),
        [doc! { "b": { "c": 3 }, "sum": 5 }],
    );
    gives([doc! { "$project": { "b": 0 } }], docs(), [doc! { "_id": 1, "a": 2 }]);
    gives([doc! { "$unset": "b.c" }], docs(), [doc! { "_id": 1, "a": 2, "b": { "d": 4 } }]);
    gives([doc! { "$unset": ["a", "b"] }], docs(), [doc! { "_id": 1 }]);
    all_refused([
        (doc! { "$project": 1 }, 15969, "$project specification must be an object"),
        (
            doc! { "$project": {} },
            51272,
            "Invalid $project :: caused by :: projection specification must have at least one field",
        ),
        (doc! { "$unset": 1 }, 31002, "$unset specification must be a string or an array"),
        (
            doc! { "$unset": [] },
            31119,
            "$unset specification must be a string or an array with at least one field",
        ),
        (
            doc! { "$unset": [1] },
            31120,
            "$unset specification must be a string or an array containing only string values",
        ),
    ]);
}

#[test]
fn add_fields_lays_values_over_documents_and_arrays() {
    let docs = || [doc! { "a": 1, "b": { "c": 2 }, "l": [{ "x": 1 }, 5, [{ "x": 2 }]] }];
    gives(
        [doc! { "$addFields": { "n": { "$add": ["$a", 1] }, "a": "$b.c" } }],
        docs(),
        [doc! { "a": 2, "b": { "c": 2 }, "l": [{ "x": 1 }, 5, [{ "x": 2 }]], "n": 2 }],
    );
    gives(
        [doc! { "$set": { "b.d": "$a", "l.y": 0, "a.z": 1 } }],
        docs(),
        [doc! { "a": { "z": 1 }, "b": { "c": 2, "d": 1 },
        "l": [{ "x": 1, "y": 0 }, { "y": 0 }, [{ "x": 2, "y": 0 }]] }],
    );
    gives(
        [doc! { "$set": { "b": { "e": 1, "f": { "g": "$a" } }, "l": "$$REMOVE" } }],
        docs(),
        [doc! { "a": 1, "b": { "c": 2, "e": 1, "f": { "g": 1 } } }],
    );
    gives([doc! { "$set": { "l": "$gone", "b": {} } }], docs(), [doc! { "a": 1, "b": {} }]);
    gives([doc! { "$set": { "x.y.z": 1 } }], [doc! {}], [doc! { "x": { "y": { "z": 1 } } }]);
    all_refused([
        (
            doc! { "$addFields": 1 },
            40272,
            "$addFields specification stage must be an object, got int",
        ),
        (
            doc! { "$set": {} },
            40177,
            "Invalid $set :: caused by :: specification must have at least one field",
        ),
        (
            doc! { "$set": { "a": 1, "a.b": 2 } },
            31250,
            "Invalid $set :: caused by :: Path collision at a.b",
        ),
        (
            doc! { "$set": { "a": { "$foo": 1 } } },
            168,
            "Invalid $set :: caused by :: Unrecognized expression '$foo'",
        ),
    ]);
}

#[test]
fn a_constant_without_a_value_fails_before_any_document_is_read() {
    for stage in [
        doc! { "$project": { "a": { "$divide": [1, 0] } } },
        doc! { "$set": { "a": { "$divide": [1, 0] } } },
        doc! { "$group": { "_id": { "$divide": [1, 0] } } },
    ] {
        all_refused([(
            stage,
            2,
            "Failed to optimize pipeline :: caused by :: can't $divide by zero",
        )]);
    }
}

#[test]
fn the_root_is_replaced_by_an_object() {
    gives(
        [doc! { "$replaceRoot": { "newRoot": "$b" } }],
        [doc! { "b": { "c": 1 } }],
        [doc! { "c": 1 }],
    );
    gives(
        [doc! { "$replaceWith": { "$mergeObjects": ["$b", { "d": "$a" }] } }],
        [doc! { "a": 2, "b": { "c": 1 } }],
        [doc! { "c": 1, "d": 2 }],
    );
    let error = run([doc! { "$replaceRoot": { "newRoot": "$a" } }], [doc! { "a": 1 }]).unwrap_err();
    assert_eq!(
        error.message(),
        "'newRoot' expression  must evaluate to an object, but resulting value was: 1. Type of \
         resulting value: 'int'. Input document: {a: 1}"
    );
    all_refused([
        (
            doc! { "$replaceRoot": 1 },
            40229,
            "expected an object as specification for $replaceRoot stage, got int",
        ),
        (doc! { "$replaceRoot": {} }, 40231, "no newRoot specified for the $replaceRoot stage"),
    ]);
}

#[test]
fn unwind_gives_a_document_for_each_element() {
    gives(
        [doc! { "$unwind": "$l" }],
        [
            doc! { "_id": 1, "l": [1, "x"], "z": 0 },
            doc! { "_id": 2, "l": [] },
            doc! { "_id": 3 },
            doc! { "_id": 4, "l": null },
            doc! { "_id": 5, "l": 7 },
        ],
        [
            doc! { "_id": 1, "l": 1, "z": 0 },
            doc! { "_id": 1, "l": "x", "z": 0 },
            doc! { "_id": 5, "l": 7 },
        ],
    );
    gives(
        [doc! { "$unwind": { "path": "$l", "preserveNullAndEmptyArrays": true,
        "includeArrayIndex": "i" } }],
        [
            doc! { "_id": 1, "l": [9] },
            doc! { "_id": 2, "l": [] },
            doc! { "_id": 3 },
            doc! { "_id": 4, "l": null },
            doc! { "_id": 5, "l": 7 },
        ],
        [
            doc! { "_id": 1, "l": 9, "i": 0_i64 },
            doc! { "_id": 2, "i": null },
            doc! { "_id": 3, "i": null },
            doc! { "_id": 4, "l": null, "i": null },
            doc! { "_id": 5, "l": 7, "i": null },
        ],
    );
    gives(
        [doc! { "$unwind": "$a.b" }],
        [doc! { "a": { "b": [{ "c": 1 }, { "c": 2 }], "d": 0 } }],
        [doc! { "a": { "b": { "c": 1 }, "d": 0 } }, doc! { "a": { "b": { "c": 2 }, "d": 0 } }],
    );
    all_refused([
        (
            doc! { "$unwind": 1 },
            15981,
            "expected either a string or an object as specification for $unwind stage, got int",
        ),
        (
            doc! { "$unwind": "l" },
            28818,
            "path option to $unwind stage should be prefixed with a '$': l",
        ),
        (doc! { "$unwind": {} }, 28812, "no path specified to $unwind stage"),
        (
            doc! { "$unwind": { "path": "$l", "x": 1 } },
            28811,
            "unrecognized option to $unwind stage: x",
        ),
        (
            doc! { "$unwind": { "path": "$l", "includeArrayIndex": "$i" } },
            28822,
            "includeArrayIndex option to $unwind stage should not be prefixed with a '$': $i",
        ),
    ]);
}

#[test]
fn sort_is_stable_and_a_limit_behind_it_changes_nothing_else() {
    let docs = || {
        [
            doc! { "_id": 1, "a": 3 },
            doc! { "_id": 2, "a": 1 },
            doc! { "_id": 3, "a": 2 },
            doc! { "_id": 4, "a": 1 },
        ]
    };
    let ids = |stages: &[Document]| -> Vec<i32> {
        let out = run(stages.to_vec(), docs()).unwrap();
        out.iter().map(|doc| doc.get_i32("_id").unwrap()).collect()
    };
    let sort = doc! { "$sort": { "a": 1 } };
    assert_eq!(ids(std::slice::from_ref(&sort)), [2, 4, 3, 1]);
    for limit in 1..6 {
        let limited = ids(&[sort.clone(), doc! { "$limit": limit }]);
        let wanted = usize::try_from(limit).unwrap().min(4);
        assert_eq!(limited, [2, 4, 3, 1][..wanted]);
    }
    assert_eq!(ids(&[sort.clone(), doc! { "$skip": 1 }, doc! { "$limit": 2 }]), [4, 3]);
    assert_eq!(ids(&[sort, doc! { "$limit": 3 }, doc! { "$skip": 2 }]), [3]);
    assert_eq!(ids(&[doc! { "$sort": { "a": -1, "_id": -1 } }]), [1, 3, 4, 2]);
    all_refused([
        (doc! { "$sort": 1 }, 15973, "the $sort key specification must be an object"),
        (doc! { "$sort": {} }, 15976, "$sort stage must have at least one sort key"),
    ]);
}

#[test]
fn a_sort_that_would_take_too_much_memory_is_refused_unless_limited() {
    let docs = || (0..120).map(|n| doc! { "n": n, "pad": "x".repeat(1024 * 1024) });
    let sort = doc! { "$sort": { "n": -1 } };
    let error = run([sort.clone()], docs()).unwrap_err();
    assert_eq!(error.code().number(), 292);
    assert_eq!(
        error.message(),
        "Sort exceeded memory limit of 104857600 bytes, but did not opt in to external sorting."
    );
    let only_n = doc! { "$project": { "n": 1 } };
    assert_eq!(run([sort, doc! { "$limit": 1 }, only_n], docs()).unwrap(), [doc! { "n": 119 }]);
}

#[test]
fn a_sample_is_drawn_once_each_and_repeats_with_the_seed() {
    let docs = || (0..100).map(|n| doc! { "n": n });
    let sample = || run([doc! { "$sample": { "size": 10 } }], docs()).unwrap();
    let mut first = sample();
    assert_eq!(first, sample());
    first.sort_by_key(|doc| doc.get_i32("n").unwrap());
    first.dedup();
    assert_eq!(first.len(), 10);
    assert_eq!(run([doc! { "$sample": { "size": 1000 } }], docs()).unwrap().len(), 100);
    all_refused([
        (doc! { "$sample": 1 }, 28745, "the $sample stage specification must be an object"),
        (doc! { "$sample": {} }, 28749, "$sample stage must specify a size"),
        (doc! { "$sample": { "size": "x" } }, 28746, "size argument to $sample must be a number"),
        (
            doc! { "$sample": { "size": 0 } },
            28747,
            "size argument to $sample must be a positive integer",
        ),
        (doc! { "$sample": { "x": 1 } }, 28748, "unrecognized option to $sample: x"),
    ]);
}

#[test]
fn redact_keeps_prunes_and_descends() {
    let stage = doc! { "$redact": { "$switch": { "branches": [
        { "case": { "$eq": ["$level", 9] }, "then": "$$PRUNE" },
        { "case": { "$eq": ["$level", 1] }, "then": "$$KEEP" },
    ], "default": "$$DESCEND" } } };
    gives(
        [stage],
        [
            doc! { "a": { "level": 9 }, "b": { "level": 1, "c": { "level": 9 } },
            "l": [{ "level": 9 }, { "x": 1 }, 3], "d": 4 },
            doc! { "level": 9 },
        ],
        [doc! { "b": { "level": 1, "c": { "level": 9 } }, "l": [{ "x": 1 }, 3], "d": 4 }],
    );
    let error = run([doc! { "$redact": "$a" }], [doc! { "a": 1 }]).unwrap_err();
    assert_eq!(error.code().number(), 17053);
}

#[test]
fn an_update_takes_only_stages_that_keep_documents_one_to_one() {
    let parse = |stage: Document| {
        let holder = DocBuf::from(&doc! { "p": [stage] });
        let stages = holder.as_raw().get("p").unwrap().as_array().unwrap();
        Pipeline::parse_for_update(stages, &constants())
    };
    let error = parse(doc! { "$match": {} }).unwrap_err();
    assert_eq!(error.code().number(), 72);
    assert_eq!(error.message(), "$match is not allowed to be used within an update");
    let update = parse(doc! { "$set": { "a": { "$add": ["$a", 1] } } }).unwrap();
    let before = DocBuf::from(&doc! { "_id": 1, "a": 1 });
    let after = update.apply(before.as_raw()).unwrap().unwrap();
    assert_eq!(after.as_raw().to_document(), doc! { "_id": 1, "a": 2 });
}
