//! Tables of filters against documents, and of malformed filters against their errors.

use super::*;
use quire_bson::{Binary, BinarySubtype, Document, Regex, bson};
use quire_errors::CommandError;

mod property;

fn constants() -> Arc<Constants> {
    Arc::new(Constants::default())
}

fn parse(filter: &Document) -> Result<Filter> {
    Filter::parse(DocBuf::from(filter).as_raw(), &constants())
}

fn matches(filter: &Document, doc: &Document) -> bool {
    let parsed = parse(filter).unwrap_or_else(|e| panic!("{filter} is refused: {e:?}"));
    parsed.matches(DocBuf::from(doc).as_raw()).unwrap()
}

fn refusal(filter: &Document) -> CommandError {
    match parse(filter) {
        Ok(_) => panic!("{filter} is accepted"),
        Err(error) => error,
    }
}

/// Checks a filter against documents that match and documents that do not.
fn check(filter: Document, yes: &[Document], no: &[Document]) {
    for doc in yes {
        assert!(matches(&filter, doc), "{filter} should match {doc}");
    }
    for doc in no {
        assert!(!matches(&filter, doc), "{filter} should not match {doc}");
    }
}

fn regex(pattern: &str, options: &str) -> Bson {
    Bson::RegularExpression(Regex {
        pattern: pattern.try_into().unwrap(),
        options: options.try_into().unwrap(),
    })
}

fn binary(bytes: &[u8]) -> Bson {
    Bson::Binary(Binary { subtype: BinarySubtype::Generic, bytes: bytes.to_vec() })
}

#[test]
fn the_empty_filter_matches_everything() {
    check(doc! {}, &[doc! {}, doc! {"a": 1}], &[]);
    assert!(parse(&doc! {}).unwrap().is_everything());
    assert!(!parse(&doc! {"a": 1}).unwrap().is_everything());
}

#[test]
fn equality_compares_values_across_numeric_types_and_looks_into_arrays() {
    check(
        doc! {"a": 1},
        &[doc! {"a": 1}, doc! {"a": 1.0}, doc! {"a": 1_i64}, doc! {"a": [3, 1]}],
        &[doc! {}, doc! {"a": "1"}, doc! {"a": true}, doc! {"a": [[1]]}, doc! {"b": 1}],
    );
    check(doc! {"a": [1, 2]}, &[doc! {"a": [1, 2]}, doc! {"a": [[1, 2]]}], &[doc! {"a": [2, 1]}]);
    check(
        doc! {"a": {"b": 1, "c": 2}},
        &[doc! {"a": {"b": 1, "c": 2}}, doc! {"a": [{"b": 1.0, "c": 2}]}],
        &[doc! {"a": {"c": 2, "b": 1}}, doc! {"a": {"b": 1}}],
    );
    check(doc! {"a": {}}, &[doc! {"a": {}}], &[doc! {"a": {"b": 1}}, doc! {}]);
    check(doc! {"a": {"$eq": "x"}}, &[doc! {"a": "x"}], &[doc! {"a": "xy"}, doc! {"a": 1}]);
}

#[test]
fn null_equals_missing_but_not_undefined() {
    let undefined = doc! {"a": Bson::Undefined};
    check(
        doc! {"a": Bson::Null},
        &[doc! {"a": Bson::Null}, doc! {}, doc! {"a": [1, Bson::Null]}],
        &[undefined.clone(), doc! {"a": 0}, doc! {"a": []}],
    );
    check(
        doc! {"a.b": Bson::Null},
        &[doc! {}, doc! {"a": 5}, doc! {"a": {}}, doc! {"a": [{"b": 1}, {}]}],
        &[doc! {"a": []}, doc! {"a": [1, 2]}, doc! {"a": [{"b": 1}]}],
    );
    check(doc! {"a": {"$gte": Bson::Null}}, &[doc! {}, doc! {"a": Bson::Null}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$gt": Bson::Null}}, &[], &[doc! {}, doc! {"a": Bson::Null}]);
    check(
        doc! {"a": {"$ne": Bson::Null}},
        &[doc! {"a": 1}, undefined],
        &[doc! {}, doc! {"a": Bson::Null}],
    );
    check(doc! {"a": {"$in": [Bson::Null, 7]}}, &[doc! {}, doc! {"a": 7}], &[doc! {"a": 1}]);
}

#[test]
fn ranges_stay_within_the_type_of_their_operand() {
    check(
        doc! {"a": {"$gt": 5}},
        &[doc! {"a": 6}, doc! {"a": 5.5}, doc! {"a": [1, 9]}],
        &[doc! {"a": 5}, doc! {"a": "9"}, doc! {}, doc! {"a": [1]}, doc! {"a": Bson::MaxKey}],
    );
    check(doc! {"a": {"$lt": "b"}}, &[doc! {"a": "a"}, doc! {"a": ""}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$gte": "b"}}, &[doc! {"a": "b"}, doc! {"a": "ba"}], &[doc! {"a": "a"}]);
    check(doc! {"a": {"$lte": [2]}}, &[doc! {"a": [1, 9]}], &[doc! {"a": [3]}, doc! {"a": 1}]);
    check(doc! {"a": {"$gt": 2, "$lt": 4}}, &[doc! {"a": [1, 9]}, doc! {"a": 3}], &[doc! {"a": 9}]);
    check(
        doc! {"a": {"$gt": Bson::MinKey}},
        &[doc! {}, doc! {"a": 1}],
        &[doc! {"a": Bson::MinKey}],
    );
    check(doc! {"a": {"$lte": Bson::MaxKey}}, &[doc! {"a": 1}, doc! {"a": Bson::MaxKey}], &[]);
    check(doc! {"a": {"$gt": true}}, &[], &[doc! {"a": true}, doc! {"a": 2}]);
    check(doc! {"a": {"$gte": false}}, &[doc! {"a": true}], &[doc! {"a": 0}]);
}

#[test]
fn nan_only_compares_with_itself() {
    let nan = doc! {"a": f64::NAN};
    check(doc! {"a": f64::NAN}, std::slice::from_ref(&nan), &[doc! {"a": 1}]);
    check(doc! {"a": {"$lt": 5}}, &[doc! {"a": f64::NEG_INFINITY}], std::slice::from_ref(&nan));
    check(doc! {"a": {"$gte": f64::NAN}}, std::slice::from_ref(&nan), &[doc! {"a": 1}]);
    check(doc! {"a": {"$gt": f64::NAN}}, &[], &[nan, doc! {"a": 1}]);
}

#[test]
fn membership_takes_values_and_patterns() {
    check(
        doc! {"a": {"$in": [1, "x", [7], regex("^ab", "i")]}},
        &[
            doc! {"a": 1.0},
            doc! {"a": "x"},
            doc! {"a": [7]},
            doc! {"a": "ABc"},
            doc! {"a": ["q", "abx"]},
        ],
        &[doc! {"a": 7}, doc! {"a": "xab"}, doc! {}],
    );
    check(doc! {"a": {"$in": []}}, &[], &[doc! {}, doc! {"a": 1}]);
    check(
        doc! {"a": {"$in": ["b", "", "aa", "a"]}},
        &[
            doc! {"a": "a"},
            doc! {"a": ""},
            doc! {"a": ["x", "b"]},
            doc! {"a": Bson::Symbol("aa".into())},
        ],
        &[doc! {"a": "ab"}, doc! {"a": 1}, doc! {}],
    );
    check(doc! {"a": {"$nin": [1, 2]}}, &[doc! {}, doc! {"a": 3}], &[doc! {"a": [3, 2]}]);
    check(doc! {"a": {"$ne": 1}}, &[doc! {}, doc! {"a": [2]}], &[doc! {"a": [2, 1]}]);
}

#[test]
fn logical_operators_combine() {
    check(
        doc! {"$or": [{"a": 1}, {"b": 2}]},
        &[doc! {"a": 1}, doc! {"b": 2}],
        &[doc! {"a": 2, "b": 1}],
    );
    check(doc! {"$and": [{"a": 1}, {"b": 2}]}, &[doc! {"a": 1, "b": 2}], &[doc! {"a": 1}]);
    check(doc! {"$nor": [{"a": 1}, {"b": 2}]}, &[doc! {}], &[doc! {"a": 1}, doc! {"b": 2}]);
    check(
        doc! {"a": {"$not": {"$gt": 5}}},
        &[doc! {}, doc! {"a": 5}, doc! {"a": "x"}],
        &[doc! {"a": 6}],
    );
    check(
        doc! {"a": {"$not": {"$gt": 2, "$lt": 4}}},
        &[doc! {"a": 5}, doc! {"a": 1}],
        &[doc! {"a": 3}],
    );
    check(doc! {"a": {"$not": regex("^x", "")}}, &[doc! {"a": "y"}, doc! {}], &[doc! {"a": "xy"}]);
    check(doc! {"a": {"$not": {"$regex": "^x"}}}, &[doc! {"a": 1}], &[doc! {"a": "x"}]);
    check(doc! {"x": 1, "$comment": "why", "$alwaysTrue": 1}, &[doc! {"x": 1}], &[doc! {}]);
    check(doc! {"$alwaysFalse": 1}, &[], &[doc! {}]);
}

#[test]
fn presence_and_type_are_tested() {
    check(
        doc! {"a": {"$exists": true}},
        &[doc! {"a": Bson::Null}, doc! {"a": []}],
        &[doc! {}, doc! {"b": 1}],
    );
    check(
        doc! {"a.b": {"$exists": false}},
        &[doc! {}, doc! {"a": 1}, doc! {"a": [1]}, doc! {"a": [{}]}],
        &[doc! {"a": {"b": 1}}, doc! {"a": [{}, {"b": 1}]}],
    );
    check(doc! {"a": {"$exists": 0}}, &[doc! {}], &[doc! {"a": 1}]);
    check(doc! {"a": {"$exists": "yes"}}, &[doc! {"a": 1}], &[doc! {}]);
    check(
        doc! {"a": {"$type": "string"}},
        &[doc! {"a": "x"}, doc! {"a": [1, "x"]}],
        &[doc! {"a": 1}],
    );
    check(doc! {"a": {"$type": 4}}, &[doc! {"a": []}], &[doc! {"a": 1}]);
    check(
        doc! {"a": {"$type": "number"}},
        &[doc! {"a": 1}, doc! {"a": 1.5}, doc! {"a": 1_i64}],
        &[doc! {"a": "1"}],
    );
    check(
        doc! {"a": {"$type": ["null", 8, -1]}},
        &[doc! {"a": Bson::Null}, doc! {"a": true}, doc! {"a": Bson::MinKey}],
        &[doc! {}, doc! {"a": 1}],
    );
}

#[test]
fn arrays_are_tested_whole_or_by_item() {
    check(
        doc! {"a": {"$size": 2}},
        &[doc! {"a": [1, 2]}],
        &[doc! {"a": [1]}, doc! {"a": [[1, 2]]}, doc! {"a": 2}, doc! {}],
    );
    check(doc! {"a": {"$size": 0}}, &[doc! {"a": []}], &[doc! {}]);
    check(
        doc! {"a": {"$all": [1, regex("^x", "")]}},
        &[doc! {"a": [1, "xy"]}],
        &[doc! {"a": [1]}, doc! {"a": 1}],
    );
    check(doc! {"a": {"$all": [5]}}, &[doc! {"a": 5}, doc! {"a": [5]}], &[doc! {}]);
    check(
        doc! {"a": {"$all": [[1, 2]]}},
        &[doc! {"a": [1, 2]}, doc! {"a": [[1, 2]]}],
        &[doc! {"a": [2]}],
    );
    check(doc! {"a": {"$all": []}}, &[], &[doc! {"a": []}, doc! {}]);
    check(
        doc! {"a": {"$elemMatch": {"b": 1, "c": {"$gt": 2}}}},
        &[doc! {"a": [{"b": 1, "c": 3}]}],
        &[doc! {"a": [{"b": 1}, {"c": 3}]}, doc! {"a": {"b": 1, "c": 3}}, doc! {"a": [1]}],
    );
    check(
        doc! {"a": {"$elemMatch": {"$gt": 2, "$lt": 4}}},
        &[doc! {"a": [1, 3]}],
        &[doc! {"a": [1, 9]}, doc! {"a": 3}],
    );
    check(doc! {"a": {"$elemMatch": {"$nin": [1]}}}, &[doc! {"a": [1, 2]}], &[doc! {"a": [1]}]);
    check(
        doc! {"a": {"$elemMatch": {}}},
        &[doc! {"a": [{}]}, doc! {"a": [[]]}],
        &[doc! {"a": [1]}],
    );
    check(
        doc! {"a": {"$elemMatch": {"$or": [{"b": 1}, {"c": 1}]}}},
        &[doc! {"a": [{"c": 1}]}],
        &[doc! {"a": [{"b": 2}]}],
    );
    check(
        doc! {"a": {"$all": [{"$elemMatch": {"b": 1}}, {"$elemMatch": {"b": 2}}]}},
        &[doc! {"a": [{"b": 2}, {"b": 1}]}],
        &[doc! {"a": [{"b": 1}]}],
    );
    check(
        doc! {"a.b": {"$elemMatch": {"$eq": 1}}},
        &[doc! {"a": [{"b": [1]}]}],
        &[doc! {"a": [{"b": 1}]}],
    );
}

#[test]
fn paths_reach_into_documents_and_arrays() {
    check(
        doc! {"a.b": 1},
        &[doc! {"a": {"b": 1}}, doc! {"a": [{"b": 2}, {"b": 1}]}, doc! {"a": {"b": [1]}}],
        &[doc! {"a.b": 1}, doc! {"a": [[{"b": 1}]]}],
    );
    check(
        doc! {"a.0": 1},
        &[doc! {"a": [1, 2]}, doc! {"a": {"0": 1}}, doc! {"a": [{"0": 1}]}],
        &[doc! {"a": [2, 1]}],
    );
    check(doc! {"a.1.b": 1}, &[doc! {"a": [{}, {"b": 1}]}], &[doc! {"a": [{"b": 1}, {}]}]);
    check(
        doc! {"a.x": 1, "a.y": 2, "b": 3},
        &[doc! {"b": 3, "a": {"x": 1, "y": 2}}],
        &[doc! {"a": {"x": 1, "y": 2}}, doc! {"b": 3, "a": {"x": 1}}],
    );
    check(
        doc! {"a": {"$ref": "c", "$id": 1}},
        &[doc! {"a": {"$ref": "c", "$id": 1}}],
        &[doc! {"a": 1}],
    );
    check(doc! {"a": 1}, &[doc! {"a": 1, "b": 2}], &[]);
}

#[test]
fn numbers_are_tested_by_remainder_and_bits() {
    check(
        doc! {"a": {"$mod": [4, 1]}},
        &[doc! {"a": 5}, doc! {"a": 5.9}, doc! {"a": 9_i64}],
        &[doc! {"a": 4}, doc! {"a": "5"}, doc! {"a": f64::NAN}, doc! {"a": f64::INFINITY}],
    );
    check(doc! {"a": {"$mod": [-1, 0]}}, &[doc! {"a": i64::MIN}], &[]);
    check(doc! {"a": {"$mod": [3.9, -2]}}, &[doc! {"a": -5}], &[doc! {"a": 5}]);
    check(doc! {"a": {"$bitsAllSet": 5}}, &[doc! {"a": 7}, doc! {"a": 5.0}], &[doc! {"a": 4}]);
    check(
        doc! {"a": {"$bitsAllClear": [0, 2]}},
        &[doc! {"a": 2}],
        &[doc! {"a": 1}, doc! {"a": 2.5}],
    );
    check(
        doc! {"a": {"$bitsAnySet": [1, 200]}},
        &[doc! {"a": 2}, doc! {"a": -8}],
        &[doc! {"a": 8}],
    );
    check(doc! {"a": {"$bitsAnyClear": 3}}, &[doc! {"a": 1}], &[doc! {"a": 3}]);
    check(
        doc! {"a": {"$bitsAllSet": binary(&[0, 1])}},
        &[doc! {"a": binary(&[0, 3])}, doc! {"a": 256}],
        &[doc! {"a": binary(&[3])}, doc! {"a": 1}],
    );
}

#[test]
fn sampling_takes_none_or_all_at_its_ends_and_about_half_between() {
    let docs: Vec<Document> = (0..1000).map(|n| doc! {"_id": n}).collect();
    check(doc! {"$sampleRate": 0.0}, &[], &docs);
    check(doc! {"$sampleRate": 1}, &docs, &[]);
    let half = parse(&doc! {"$sampleRate": 0.5}).unwrap();
    let taken = docs.iter().filter(|d| half.matches(DocBuf::from(*d).as_raw()).unwrap()).count();
    assert!((400..600).contains(&taken), "{taken}");
}

#[test]
fn the_position_is_that_of_the_outermost_array_of_the_last_condition() {
    let cases: Vec<(Document, Document, Option<usize>)> = vec![
        (doc! {"a": 2}, doc! {"a": [1, 2]}, Some(1)),
        (doc! {"a": 2}, doc! {"a": 2}, None),
        (doc! {"a": [1, 2]}, doc! {"a": [1, 2]}, None),
        (doc! {"a.b": 5}, doc! {"a": [{}, {"b": [4, 5]}]}, Some(1)),
        (doc! {"a.0.b": 5}, doc! {"a": [{"b": [4, 5]}]}, Some(1)),
        (doc! {"a": {"$elemMatch": {"b": 1}}}, doc! {"a": [1, {"b": 1}]}, Some(1)),
        (doc! {"x": 1, "a": {"$gt": 5}}, doc! {"x": 1, "a": [1, 7, 9]}, Some(1)),
        (doc! {"$or": [{"a": 1, "b": 7}, {"a": 2}]}, doc! {"a": [1, 2], "b": 1}, Some(1)),
        (doc! {"a": {"$ne": 7}}, doc! {"a": [1, 2]}, None),
        (doc! {"a": {"$in": [2, 3]}}, doc! {"a": [1, 3]}, Some(1)),
    ];
    for (filter, doc, expected) in cases {
        let mut position = Some(99);
        let parsed = parse(&filter).unwrap();
        assert!(parsed.matches_at(DocBuf::from(&doc).as_raw(), &mut position).unwrap());
        assert_eq!(position, expected, "{filter} in {doc}");
    }
}

#[test]
fn a_failed_match_leaves_no_position() {
    let mut position = Some(1);
    let parsed = parse(&doc! {"a": 2, "b": 1}).unwrap();
    let doc = DocBuf::from(&doc! {"a": [2], "b": 2});
    assert!(!parsed.matches_at(doc.as_raw(), &mut position).unwrap());
    assert_eq!(position, None);
}

#[test]
fn equalities_are_what_an_upsert_starts_from() {
    let filter = doc! {
        "b": 1, "a": {"$eq": "x"}, "c": {"$gt": 1}, "d": {"$in": [5]}, "e": {"$in": [5, 6]},
        "$and": [{"f.g": 2}], "$or": [{"h": 1}], "i": regex("x", ""), "j": {"$all": [9]},
        "k": {"$not": {"$eq": 1}},
    };
    let expected = vec![
        ("a".to_owned(), bson!("x")),
        ("b".to_owned(), bson!(1)),
        ("d".to_owned(), bson!(5)),
        ("f.g".to_owned(), bson!(2)),
        ("h".to_owned(), bson!(1)),
        ("j".to_owned(), bson!(9)),
    ];
    assert_eq!(parse(&filter).unwrap().equalities(), expected);
    assert_eq!(parse(&doc! {"$or": [{"a": 1}, {"b": 1}]}).unwrap().equalities(), vec![]);
}

#[test]
fn malformed_filters_are_refused_with_mongodbs_codes_and_words() {
    let cases: Vec<(Document, i32, &str)> = vec![
        (doc! {"a": {"$foo": 1}}, 2, "unknown operator: $foo"),
        (doc! {"a": {"$gt": 1, "b": 2}}, 2, "unknown operator: b"),
        (
            doc! {"$foo": 1},
            2,
            "unknown top level operator: $foo. If you have a field name that starts with a '$' \
             symbol, consider using $getField or $setField.",
        ),
        (doc! {"a": {"$in": 1}}, 2, "$in needs an array"),
        (doc! {"a": {"$nin": {}}}, 2, "$nin needs an array"),
        (doc! {"a": {"$in": [{"$gt": 1}]}}, 2, "cannot nest $ under $in"),
        (doc! {"$and": []}, 2, "$and/$or/$nor must be a nonempty array"),
        (doc! {"$or": 1}, 2, "$or must be an array"),
        (doc! {"$nor": [1]}, 2, "$or/$and/$nor entries need to be full objects"),
        (doc! {"a": {"$not": 1}}, 2, "$not needs a regex or a document"),
        (doc! {"a": {"$not": {}}}, 2, "$not cannot be empty"),
        (doc! {"a": Bson::Undefined}, 2, "cannot compare to undefined"),
        (doc! {"a": {"$in": [Bson::Undefined]}}, 2, "cannot compare to undefined"),
        (doc! {"a": {"$ne": regex("x", "")}}, 2, "Can't have regex as arg to $ne."),
        (
            doc! {"a": {"$gt": regex("x", "")}},
            2,
            "Can't have RegEx as arg to predicate over field 'a'.",
        ),
        (doc! {"a": {"$all": 1}}, 2, "$all needs an array"),
        (doc! {"a": {"$all": [{"$gt": 1}]}}, 2, "no $ expressions in $all"),
        (doc! {"a": {"$all": [{"$elemMatch": {}}, 1]}}, 2, "$all/$elemMatch has to be consistent"),
        (doc! {"a": {"$elemMatch": 1}}, 2, "$elemMatch needs an Object"),
        (
            doc! {"a": {"$size": "x"}},
            2,
            "Failed to parse $size. Expected a number in: $size: \"x\"",
        ),
        (
            doc! {"a": {"$size": -1}},
            2,
            "Failed to parse $size. Expected a non-negative number in: $size: -1",
        ),
        (doc! {"a": {"$size": 1.5}}, 2, "Failed to parse $size. Expected an integer: $size: 1.5"),
        (doc! {"a": {"$type": "foo"}}, 2, "Unknown type name alias: foo"),
        (doc! {"a": {"$type": 100}}, 2, "Invalid numerical type code: 100"),
        (doc! {"a": {"$type": []}}, 9, "a must match at least one type"),
        (doc! {"a": {"$mod": 4}}, 2, "malformed mod, needs to be an array"),
        (doc! {"a": {"$mod": []}}, 2, "malformed mod, not enough elements"),
        (doc! {"a": {"$mod": [1]}}, 2, "malformed mod, not enough elements"),
        (doc! {"a": {"$mod": [1, 2, 3]}}, 2, "malformed mod, too many elements"),
        (doc! {"a": {"$mod": ["x", 2]}}, 2, "malformed mod, divisor not a number"),
        (doc! {"a": {"$mod": [1, "x"]}}, 2, "malformed mod, remainder not a number"),
        (doc! {"a": {"$mod": [0, 1]}}, 2, "divisor cannot be 0"),
        (
            doc! {"a": {"$mod": [f64::NAN, 1]}},
            2,
            "malformed mod, divisor value is invalid :: caused by :: Unable to coerce NaN/Inf to \
             integral type",
        ),
        (
            doc! {"a": {"$mod": [1, 1e300]}},
            2,
            "malformed mod, remainder value is invalid :: caused by :: Out of bounds coercing to \
             integral value",
        ),
        (doc! {"a": {"$regex": 1}}, 2, "$regex has to be a string"),
        (doc! {"a": {"$regex": "x", "$options": 1}}, 2, "$options has to be a string"),
        (doc! {"a": {"$options": "i"}}, 2, "$options needs a $regex"),
        (doc! {"a": {"$regex": "x", "$options": "z"}}, 51108, "invalid flag in regex options: z"),
        (
            doc! {"a": {"$regex": regex("x", "i"), "$options": "i"}},
            51075,
            "options set in both $regex and $options",
        ),
        (
            doc! {"a": {"$bitsAllSet": "x"}},
            2,
            "a takes an Array, a number, or a BinData but received: $bitsAllSet: \"x\"",
        ),
        (doc! {"a": {"$bitsAllSet": -1}}, 9, "Expected a non-negative number in: $bitsAllSet: -1"),
        (
            doc! {"a": {"$bitsAnySet": [-1]}},
            2,
            "Failed to parse bit position. Expected a non-negative number in: 0: -1",
        ),
        (doc! {"$where": "true"}, 2, "$where is not allowed in this context"),
        (
            doc! {"$text": {"$search": "x"}},
            238,
            "the query operator $text is not available on this server",
        ),
        (
            doc! {"a": {"$near": [1, 2]}},
            238,
            "the query operator $near is not available on this server",
        ),
        (
            doc! {"a": {"$elemMatch": {"$expr": true}}},
            2,
            "$expr can only be applied to the top-level document",
        ),
        (doc! {"$sampleRate": 2}, 2, "numeric argument to $sampleRate must be in [0, 1]"),
    ];
    for (filter, code, message) in cases {
        let error = refusal(&filter);
        assert_eq!((error.code().number(), error.message()), (code, message), "{filter}");
    }
    let error = refusal(&doc! {"a": {"$regex": "("}});
    assert_eq!(error.code().number(), 51091);
    assert!(error.message().starts_with("Regular expression is invalid: "), "{error}");
}

#[test]
fn nesting_is_bounded() {
    let mut filter = doc! {"a": 1};
    for _ in 0..90 {
        filter = doc! {"$and": [filter, {"b": 1}]};
    }
    assert!(parse(&filter).is_ok());
    for _ in 0..20 {
        filter = doc! {"$or": [filter, {"b": 1}]};
    }
    assert_eq!(refusal(&filter).code().number(), 2);
}

#[test]
fn a_shown_filter_means_the_same() {
    let filters = vec![
        doc! {"a": 1},
        doc! {"a": {"$gt": 1, "$lte": 5}, "b": {"$in": [1, "x"]}},
        doc! {"$or": [{"a": 1}, {"$nor": [{"b": 2}]}], "c": {"$not": {"$regex": "x", "$options": "i"}}},
        doc! {"a": {"$elemMatch": {"b": 1}}, "c": {"$size": 2}, "d": {"$type": "number"}},
        doc! {"a": {"$elemMatch": {"$gt": 1}}, "b": {"$mod": [3, 1]}, "c": {"$bitsAnySet": 5}},
        doc! {"a": {"$all": []}},
        doc! {"a": {"$exists": false}, "$sampleRate": 0.5},
        doc! {"$jsonSchema": {"required": ["a"]}},
        doc! {},
    ];
    for filter in filters {
        let shown = parse(&filter).unwrap().to_bson();
        let again = Filter::parse(shown.as_raw(), &constants()).unwrap().to_bson();
        assert_eq!(shown, again, "{filter}");
    }
    let shown = parse(&doc! {"a": 1, "b": {"$ne": 2}}).unwrap().to_bson();
    let expected = doc! {"$and": [{"a": {"$eq": 1}}, {"b": {"$not": {"$eq": 2}}}]};
    assert_eq!(shown.as_raw().to_document(), expected);
}

#[test]
fn a_value_filter_looks_at_a_value_as_at_a_field() {
    let cases: Vec<(Document, Bson, bool)> = vec![
        (doc! {"$gt": 3}, bson!(4), true),
        (doc! {"$gt": 3}, bson!(3), false),
        (doc! {"$gt": 3}, bson!([1, 4]), true),
        (doc! {"$in": [1, 2]}, bson!(2), true),
        (doc! {"$ne": 2}, bson!(2), false),
        (doc! {"$elemMatch": {"$eq": 1}}, bson!([1]), true),
        (doc! {"$gt": 1, "$lt": 3}, bson!(2), true),
    ];
    for (operators, value, expected) in cases {
        let buf = DocBuf::from(&operators);
        let filter = ValueFilter::parse(buf.as_raw(), &constants()).unwrap();
        let wrapped = DocBuf::of_value(&value);
        let raw = wrapped.as_raw().iter().next().unwrap().value();
        assert_eq!(filter.matches(raw).unwrap(), expected, "{operators} on {value}");
    }
}

#[test]
fn failures_are_told_as_validation_errors_tell_them() {
    let details = |filter: Document, doc: Document| {
        let told = parse(&filter).unwrap().failed_details(DocBuf::from(&doc).as_raw()).unwrap();
        told.as_raw().to_document()
    };
    assert_eq!(
        details(doc! {"a": {"$gt": 5}}, doc! {"_id": 1, "a": 3}),
        doc! {"failingDocumentId": 1, "details": {
            "operatorName": "$gt",
            "specifiedAs": {"a": {"$gt": 5}},
            "reason": "comparison failed",
            "consideredValue": 3,
        }},
    );
    assert_eq!(
        details(doc! {"a": 1, "b": {"$type": "string"}}, doc! {"_id": 1, "b": 3}),
        doc! {"failingDocumentId": 1, "details": {
            "operatorName": "$and",
            "clausesNotSatisfied": [
                {"index": 0, "details": {
                    "operatorName": "$eq",
                    "specifiedAs": {"a": {"$eq": 1}},
                    "reason": "field was missing",
                }},
                {"index": 1, "details": {
                    "operatorName": "$type",
                    "specifiedAs": {"b": {"$type": [2]}},
                    "reason": "type did not match",
                    "consideredValue": 3,
                    "consideredType": "int",
                }},
            ],
        }},
    );
    assert_eq!(
        details(doc! {"$nor": [{"a": 1}, {"a": 2}]}, doc! {"_id": 1, "a": 1}),
        doc! {"failingDocumentId": 1, "details": {
            "operatorName": "$nor",
            "clausesSatisfied": [
                {"index": 0, "details": {
                    "specifiedAs": {"a": {"$eq": 1}}, "reason": "expression matched",
                }},
            ],
        }},
    );
}
