use super::{Mode, Projection};
use crate::Constants;
use quire_bson::{Bson, DocBuf, Document, doc};
use quire_errors::Result;
use std::sync::Arc;

fn parse(spec: &Document, filter: Option<&Document>, mode: Mode) -> Result<Projection> {
    let filter = filter.map(DocBuf::from);
    let constants = Arc::new(Constants::default());
    let spec = DocBuf::from(spec);
    Projection::parse(spec.as_raw(), filter.as_ref().map(DocBuf::as_raw), &constants, mode)
}

fn find(spec: Document, doc: Document) -> Document {
    let projection = parse(&spec, None, Mode::Find).unwrap();
    projection.apply(DocBuf::from(&doc).as_raw(), None).unwrap().as_raw().to_document()
}

fn refused(spec: Document, filter: Option<Document>, mode: Mode) -> (i32, String) {
    let error = parse(&spec, filter.as_ref(), mode).unwrap_err();
    (error.code().number(), error.message().to_owned())
}

#[test]
fn included_fields_keep_the_order_of_the_document_and_id_comes_along() {
    for (spec, expected) in [
        (doc! { "c": 1, "a": 1 }, doc! { "_id": 1, "a": 2, "c": 4 }),
        (doc! { "c": true, "_id": 0 }, doc! { "c": 4 }),
        (doc! { "_id": 1 }, doc! { "_id": 1 }),
        (doc! { "x": 1 }, doc! { "_id": 1 }),
        (doc! { "a": 2.5 }, doc! { "_id": 1, "a": 2 }),
    ] {
        assert_eq!(
            find(spec.clone(), doc! { "_id": 1, "a": 2, "b": 3, "c": 4 }),
            expected,
            "{spec}"
        );
    }
}

#[test]
fn excluded_fields_go_and_the_rest_stays() {
    for (spec, expected) in [
        (doc! { "a": 0 }, doc! { "_id": 1, "b": { "x": 1, "y": 2 } }),
        (doc! { "_id": 0 }, doc! { "a": 2, "b": { "x": 1, "y": 2 } }),
        (doc! { "_id": 1, "a": 0 }, doc! { "_id": 1, "b": { "x": 1, "y": 2 } }),
        (doc! { "_id": 0, "b.x": false }, doc! { "a": 2, "b": { "y": 2 } }),
        (doc! { "b": { "y": 0 } }, doc! { "_id": 1, "a": 2, "b": { "x": 1 } }),
        (doc! {}, doc! { "_id": 1, "a": 2, "b": { "x": 1, "y": 2 } }),
    ] {
        let doc = doc! { "_id": 1, "a": 2, "b": { "x": 1, "y": 2 } };
        assert_eq!(find(spec.clone(), doc), expected, "{spec}");
    }
}

#[test]
fn dotted_and_nested_specifications_mean_the_same() {
    let doc = doc! { "a": { "b": 1, "c": 2 }, "d": 3 };
    for spec in [doc! { "a.b": 1 }, doc! { "a": { "b": 1 } }] {
        assert_eq!(find(spec, doc.clone()), doc! { "a": { "b": 1 } });
    }
    assert_eq!(
        find(doc! { "a": { "b.c": 1 } }, doc! { "a": { "b": { "c": 1, "d": 2 } } }),
        doc! { "a": { "b": { "c": 1 } } }
    );
}

#[test]
fn arrays_are_projected_element_by_element() {
    let doc = doc! { "a": [{ "b": 1, "c": 2 }, 5, [{ "b": 3, "c": 4 }], {}] };
    assert_eq!(find(doc! { "a.b": 1 }, doc.clone()), doc! { "a": [{ "b": 1 }, [{ "b": 3 }], {}] });
    assert_eq!(find(doc! { "a.b": 0 }, doc), doc! { "a": [{ "c": 2 }, 5, [{ "c": 4 }], {}] });
    assert_eq!(find(doc! { "a.b": 1 }, doc! { "a": 5 }), doc! {});
    assert_eq!(find(doc! { "a.b": 0 }, doc! { "a": 5 }), doc! { "a": 5 });
}

#[test]
fn slice_cuts_arrays_and_keeps_the_rest() {
    let doc = doc! { "_id": 1, "a": [1, 2, 3, 4], "b": 2 };
    for (spec, expected) in [
        (doc! { "a": { "$slice": 2 } }, doc! { "_id": 1, "a": [1, 2], "b": 2 }),
        (doc! { "a": { "$slice": -1 } }, doc! { "_id": 1, "a": [4], "b": 2 }),
        (doc! { "a": { "$slice": [1, 2] } }, doc! { "_id": 1, "a": [2, 3], "b": 2 }),
        (doc! { "a": { "$slice": [-3, 1] } }, doc! { "_id": 1, "a": [2], "b": 2 }),
        (doc! { "a": { "$slice": 0 }, "b": 0 }, doc! { "_id": 1, "a": [] }),
        (doc! { "a": { "$slice": 1 }, "_id": 1 }, doc! { "_id": 1, "a": [1] }),
        (doc! { "a": { "$slice": 1 }, "x": 1 }, doc! { "_id": 1, "a": [1] }),
        (doc! { "b": { "$slice": 1 } }, doc! { "_id": 1, "a": [1, 2, 3, 4], "b": 2 }),
    ] {
        assert_eq!(find(spec.clone(), doc.clone()), expected, "{spec}");
    }
    assert_eq!(
        find(doc! { "a.b": { "$slice": 1 } }, doc! { "a": [{ "b": [1, 2] }, { "b": 3 }] }),
        doc! { "a": [{ "b": [1] }, { "b": 3 }] }
    );
}

#[test]
fn the_positional_operator_keeps_the_matched_element() {
    let filter = doc! { "a": { "$gt": 1 } };
    let project = |spec: Document, doc: Document, position| {
        let projection = parse(&spec, Some(&filter), Mode::Find).unwrap();
        assert!(projection.needs_position());
        projection
            .apply(DocBuf::from(&doc).as_raw(), position)
            .map(|out| out.as_raw().to_document())
            .map_err(|error| error.code().number())
    };
    let doc = doc! { "_id": 1, "a": [1, 2, 3], "b": 1 };
    assert_eq!(project(doc! { "a.$": 1 }, doc.clone(), Some(1)), Ok(doc! { "_id": 1, "a": [2] }));
    assert_eq!(project(doc! { "a.$": 1 }, doc.clone(), None), Err(51246));
    assert_eq!(project(doc! { "a.$": 1 }, doc, Some(9)), Err(51247));
    let doc = doc! { "a": [{ "b": [1, 2], "c": 1 }, { "b": [3, 4], "c": 2 }] };
    assert_eq!(project(doc! { "a.b.$": 1 }, doc, Some(1)), Ok(doc! { "a": [{ "b": [3, 4] }] }));
}

#[test]
fn inclusion_and_exclusion_do_not_mix() {
    for (spec, code, message) in [
        (doc! { "a": 1, "b": 0 }, 31254, "Cannot do exclusion on field b in inclusion projection"),
        (doc! { "a": 0, "b": 1 }, 31253, "Cannot do inclusion on field b in exclusion projection"),
        (
            doc! { "a": { "x": 1, "y": 0 } },
            31254,
            "Cannot do exclusion on field y in inclusion projection",
        ),
    ] {
        assert_eq!(refused(spec, None, Mode::Find), (code, message.to_owned()));
    }
}

#[test]
fn paths_that_collide_are_refused() {
    for (spec, code, message) in [
        (doc! { "a.b": 1, "a": 1 }, 31250, "Path collision at a"),
        (doc! { "a": 1, "a.b.c": 1 }, 31249, "Path collision at a.b.c remaining portion b.c"),
        (doc! { "a.b": 1, "a.b.c": 1 }, 31249, "Path collision at a.b.c remaining portion c"),
        (doc! { "a.b": 1, "a": { "c": 1 } }, 31250, "Path collision at a"),
    ] {
        assert_eq!(refused(spec, None, Mode::Find), (code, message.to_owned()));
    }
}

#[test]
fn malformed_specifications_are_refused_with_their_codes() {
    let empty = "An empty sub-projection is not a valid value. Found empty object at path";
    for (spec, code, message) in [
        (doc! { "a": {} }, 51270, empty),
        (doc! { "": 1 }, 40352, "FieldPath cannot be constructed with empty string"),
        (doc! { "a.": 1 }, 40353, "FieldPath must not end with a '.'."),
        (doc! { "a..b": 1 }, 15998, "FieldPath field names may not be empty strings."),
        (
            doc! { "$a": 1 },
            16410,
            "FieldPath field names may not start with '$'. Consider using $getField or $setField.",
        ),
        (
            doc! { "a.b": { "$elemMatch": { "c": 1 } } },
            31275,
            "Cannot use $elemMatch projection on a nested field.",
        ),
        (
            doc! { "a": { "$elemMatch": 1 } },
            31274,
            "elemMatch: Invalid argument, object required, but got int",
        ),
        (
            doc! { "a": { "$meta": "textScore" } },
            40218,
            "query requires text score metadata, but it is not available",
        ),
        (doc! { "a": { "$meta": "x" } }, 17308, "Unsupported argument to $meta: x"),
    ] {
        assert_eq!(refused(spec, None, Mode::Find), (code, message.to_owned()));
    }
}

#[test]
fn misplaced_positional_operators_are_refused_with_their_codes() {
    let filter = || Some(doc! { "$and": [{ "a": 1 }, { "b": 1 }] });
    for (spec, code) in [
        (doc! { "a.$": 1, "b.$": 1 }, 31276),
        (doc! { "a.$.b": 1 }, 31394),
        (doc! { "a.$.b.$": 1 }, 31287),
        (doc! { "c.$": 1 }, 31277),
        (doc! { "a.$": "x" }, 31308),
        (doc! { "a.$": { "b": 1 } }, 31271),
        (doc! { "b": 0, "a.$": 1 }, 31253),
        (doc! { "a.$": 0 }, 16410),
    ] {
        assert_eq!(refused(spec.clone(), filter(), Mode::Find).0, code, "{spec}");
    }
    assert_eq!(refused(doc! { "a.$": 1 }, None, Mode::Find).0, 51050);
    assert_eq!(refused(doc! { "a.$": 1 }, filter(), Mode::Aggregate).0, 31324);
}

#[test]
fn aggregation_knows_no_find_operators() {
    let spec = doc! { "a": { "$elemMatch": { "b": 1 } } };
    assert_eq!(refused(spec, None, Mode::Aggregate).0, 168);
    assert_eq!(refused(doc! {}, None, Mode::Aggregate).0, 51272);
}

#[test]
fn a_slice_of_no_window_tells_both_readings() {
    let (code, message) = refused(doc! { "a": { "$slice": "x" } }, None, Mode::Find);
    assert_ne!(code, 31273);
    assert!(message.starts_with("Invalid $slice syntax. The given syntax { $slice: \"x\" }"));
    assert!(message.contains("Location31273: $slice only supports numbers and [skip, limit]"));
}

#[test]
fn an_identity_is_recognised() {
    assert!(parse(&doc! {}, None, Mode::Find).unwrap().is_identity());
    assert!(parse(&doc! { "_id": 0 }, None, Mode::Find).is_ok_and(|p| !p.is_identity()));
}

#[test]
fn kept_values_of_every_type_are_copied_unchanged() {
    let doc = doc! {
        "s": "x", "d": 1.5, "n": Bson::Null, "m": Bson::MinKey, "a": [1, { "x": [] }],
        "t": Bson::Timestamp(quire_bson::Timestamp { time: 1, increment: 2 }),
    };
    let spec = doc! { "s": 1, "d": 1, "n": 1, "m": 1, "a": 1, "t": 1 };
    assert_eq!(find(spec, doc.clone()), doc);
}

#[test]
fn elem_match_keeps_the_first_matching_element_behind_the_other_fields() {
    for (spec, doc, expected) in [
        (
            doc! { "a": { "$elemMatch": { "b": { "$gt": 1 } } } },
            doc! { "_id": 1, "a": [{ "b": 1 }, { "b": 2 }, { "b": 3 }], "c": 1 },
            doc! { "_id": 1, "a": [{ "b": 2 }] },
        ),
        (
            doc! { "a": { "$elemMatch": { "$gt": 1 } }, "z": 1 },
            doc! { "_id": 1, "a": [1, 2, 3], "z": 1 },
            doc! { "_id": 1, "z": 1, "a": [2] },
        ),
        (
            doc! { "a": { "$elemMatch": { "b": 9 } } },
            doc! { "_id": 1, "a": [{ "b": 1 }] },
            doc! { "_id": 1 },
        ),
        (doc! { "a": { "$elemMatch": { "b": 9 } } }, doc! { "_id": 1, "a": 5 }, doc! { "_id": 1 }),
    ] {
        assert_eq!(find(spec.clone(), doc), expected, "{spec}");
    }
}

#[test]
fn elem_match_and_the_positional_operator_exclude_each_other() {
    let filter = || Some(doc! { "b": 1 });
    let elem_match = doc! { "$elemMatch": { "x": 1 } };
    let first = doc! { "a": elem_match.clone(), "b.$": 1 };
    assert_eq!(refused(first, filter(), Mode::Find).0, 31256);
    let second = doc! { "b.$": 1, "a": elem_match };
    assert_eq!(refused(second, filter(), Mode::Find).0, 31255);
}

fn project(spec: Document, doc: Document) -> Document {
    let projection = parse(&spec, None, Mode::Aggregate).unwrap();
    projection.apply(DocBuf::from(&doc).as_raw(), None).unwrap().as_raw().to_document()
}

#[test]
fn computed_fields_follow_the_included_ones_in_the_order_of_the_specification() {
    let doc = doc! { "_id": 1, "a": 2, "b": 3 };
    for (spec, expected) in [
        (doc! { "s": { "$add": ["$a", "$b"] }, "b": 1 }, doc! { "_id": 1, "b": 3, "s": 5 }),
        (doc! { "x": "$a" }, doc! { "_id": 1, "x": 2 }),
        (doc! { "x": "text" }, doc! { "_id": 1, "x": "text" }),
        (doc! { "x": { "$literal": 1 } }, doc! { "_id": 1, "x": 1 }),
        (doc! { "x": ["$a", "$missing"] }, doc! { "_id": 1, "x": [2, Bson::Null] }),
        (doc! { "x": "$missing", "a": 1 }, doc! { "_id": 1, "a": 2 }),
        (doc! { "_id": 0, "n": { "m": "$a" } }, doc! { "n": { "m": 2 } }),
        (doc! { "_id": "$a", "b": 1 }, doc! { "b": 3, "_id": 2 }),
        (doc! { "a": "$$REMOVE", "b": 1 }, doc! { "_id": 1, "b": 3 }),
    ] {
        assert_eq!(project(spec.clone(), doc.clone()), expected, "{spec}");
        assert_eq!(find(spec.clone(), doc.clone()), expected, "{spec}");
    }
}

#[test]
fn computed_fields_reach_into_documents_and_arrays() {
    for (doc, expected) in [
        (doc! { "a": { "b": 1, "c": 2 }, "v": 7 }, doc! { "a": { "c": 2, "b": 7 } }),
        (
            doc! { "a": [{ "b": 1, "c": 2 }, {}], "v": 7 },
            doc! { "a": [{ "c": 2, "b": 7 }, { "b": 7 }] },
        ),
        (doc! { "a": 5, "v": 7 }, doc! { "a": { "b": 7 } }),
        (doc! { "v": 7 }, doc! { "a": { "b": 7 } }),
    ] {
        assert_eq!(project(doc! { "a.b": "$v", "a.c": 1 }, doc.clone()), expected, "{doc}");
    }
}

#[test]
fn expressions_do_not_fit_exclusions_and_unknown_ones_are_named() {
    for (spec, code) in [
        (doc! { "a": 0, "b": { "$add": [1, 2] } }, 31252),
        (doc! { "a": 0, "b": "$x" }, 31310),
        (doc! { "a": { "$foo": 1 } }, 31325),
        (doc! { "b": { "$add": [1, 2] }, "a": 0 }, 31254),
    ] {
        assert_eq!(refused(spec.clone(), None, Mode::Find).0, code, "{spec}");
    }
}

#[test]
fn a_slice_of_three_arguments_is_the_expression() {
    let spec = doc! { "a": { "$slice": ["$a", 1, 1] } };
    assert_eq!(find(spec, doc! { "_id": 1, "a": [1, 2, 3] }), doc! { "_id": 1, "a": [2] });
}
