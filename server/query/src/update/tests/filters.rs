//! Where updates meet filters: `$pull`, `arrayFilters` and upserts.

use super::{Outcome, constants, error, parse, update, update_at};
use crate::filter::Filter;
use quire_bson::{Bson, DocBuf, Document, Regex, doc};

#[test]
fn pull_takes_what_a_condition_matches() {
    let regex = Bson::RegularExpression(Regex {
        pattern: "^a".try_into().unwrap(),
        options: "".try_into().unwrap(),
    });
    for (before, change, expected) in [
        (doc! { "a": [1, 5, 9] }, doc! { "$pull": { "a": { "$gte": 5 } } }, Ok(doc! { "a": [1] })),
        (doc! { "a": [1, 5] }, doc! { "$pull": { "a": { "$in": [5, 6] } } }, Ok(doc! { "a": [1] })),
        (
            doc! { "a": ["ab", "b", 1] },
            doc! { "$pull": { "a": regex } },
            Ok(doc! { "a": ["b", 1] }),
        ),
        (
            doc! { "a": [{ "b": 1, "c": 1 }, { "b": 2 }, 1] },
            doc! { "$pull": { "a": { "b": 1 } } },
            Ok(doc! { "a": [{ "b": 2 }, 1] }),
        ),
        (
            doc! { "a": [{ "b": 1 }, { "b": 9 }] },
            doc! { "$pull": { "a": { "b": { "$gt": 5 } } } },
            Ok(doc! { "a": [{ "b": 1 }] }),
        ),
        (
            doc! { "a": [{ "b": [1, 7] }, { "b": [2] }] },
            doc! { "$pull": { "a": { "b": { "$elemMatch": { "$gt": 5 } } } } },
            Ok(doc! { "a": [{ "b": [2] }] }),
        ),
    ] {
        assert_eq!(update(before.clone(), change.clone()), expected, "{before} {change}");
    }
}

#[test]
fn array_filters_choose_elements() {
    let doc = doc! { "a": [{ "b": 1 }, { "b": 7 }, { "b": 9 }] };
    for (change, filters, expected) in [
        (
            doc! { "$set": { "a.$[i].c": 0 } },
            vec![doc! { "i.b": { "$gt": 5 } }],
            Ok(doc! { "a": [{ "b": 1 }, { "b": 7, "c": 0 }, { "b": 9, "c": 0 }] }),
        ),
        (
            doc! { "$set": { "a.$[i].b": 0 } },
            vec![doc! { "$or": [{ "i.b": 1 }, { "i.b": 9 }] }],
            Ok(doc! { "a": [{ "b": 0 }, { "b": 7 }, { "b": 0 }] }),
        ),
        (
            doc! { "$set": { "a.$[i].x": 1, "a.$[j].y": 2 } },
            vec![doc! { "i.b": { "$lt": 8 } }, doc! { "j.b": { "$gt": 5 } }],
            Ok(doc! { "a": [
                { "b": 1, "x": 1 }, { "b": 7, "x": 1, "y": 2 }, { "b": 9, "y": 2 },
            ] }),
        ),
        (
            doc! { "$set": { "a.$[i].b": 1, "a.$[].b": 2 } },
            vec![doc! { "i.b": 7 }],
            error(40, "Update created a conflict at 'a.1.b'"),
        ),
    ] {
        assert_eq!(update_at(&doc, change.clone(), &filters, None), expected, "{change}");
    }
    let numbers = update_at(
        &doc! { "a": [1, 5, 9] },
        doc! { "$set": { "a.$[n]": 0 } },
        &[doc! { "n": { "$gte": 5 } }],
        None,
    );
    assert_eq!(numbers, Ok(doc! { "a": [1, 0, 0] }));
}

#[test]
fn array_filters_must_be_named_used_and_well_formed() {
    let set = |path: &str| doc! { "$set": { path: 1 } };
    for (change, filters, expected) in [
        (
            set("a.$[i]"),
            vec![],
            error(2, "No array filter found for identifier 'i' in path 'a.$[i]'"),
        ),
        (
            set("a"),
            vec![doc! { "i": 1 }],
            error(
                9,
                "The array filter for identifier 'i' was not used in the update { $set: { a: 1 } }",
            ),
        ),
        (
            set("a.$[i]"),
            vec![doc! { "i": 1 }, doc! { "i.b": 1 }],
            error(9, "Found multiple array filters with the same top-level field name i"),
        ),
        (
            set("a.$[i]"),
            vec![doc! { "i": 1, "j": 1 }],
            error(
                9,
                "Error parsing array filter :: caused by :: Expected a single top-level field name, \
             found 'i' and 'j'",
            ),
        ),
        (
            set("a.$[i]"),
            vec![doc! { "I": 1 }],
            error(
                2,
                "Error parsing array filter :: caused by :: The top-level field name must be an \
             alphanumeric string beginning with a lowercase letter, found 'I'",
            ),
        ),
        (
            set("a.$[i]"),
            vec![doc! {}],
            error(9, "Cannot use an expression without a top-level field name in arrayFilters"),
        ),
    ] {
        let found = update_at(&doc! {}, change.clone(), &filters, None);
        assert_eq!(found, expected, "{change} {filters:?}");
    }
}

fn upsert(filter: Document, change: impl Into<Bson>) -> Outcome {
    let filter = DocBuf::from(&filter);
    let made = Filter::parse(filter.as_raw(), &constants())
        .and_then(|filter| parse(change, &[])?.upsert(&filter));
    made.map(|made| made.as_raw().to_document())
        .map_err(|error| (error.code().number(), error.message().to_owned()))
}

#[test]
fn an_upsert_starts_from_what_the_filter_pins() {
    for (filter, change, expected) in [
        (doc! { "a": 1 }, doc! { "$set": { "b": 2 } }, Ok(doc! { "a": 1, "b": 2 })),
        (doc! { "a": 1, "_id": 7 }, doc! { "$inc": { "a": 2 } }, Ok(doc! { "_id": 7, "a": 3 })),
        (
            doc! { "a.b": 1, "c": { "$gt": 5 } },
            doc! { "$set": { "a.d": 2 } },
            Ok(doc! { "a": { "b": 1, "d": 2 } }),
        ),
        (
            doc! { "$and": [{ "a": 1 }, { "b": { "$eq": 2 } }] },
            doc! { "$set": {} },
            Ok(doc! { "a": 1, "b": 2 }),
        ),
        (doc! {}, doc! { "$setOnInsert": { "_id": 5, "x": 1 } }, Ok(doc! { "_id": 5, "x": 1 })),
        (doc! { "x": 1 }, doc! { "$set": { "_id": 5 } }, Ok(doc! { "_id": 5, "x": 1 })),
        (doc! { "_id": 7, "x": 1 }, doc! { "y": 1 }, Ok(doc! { "_id": 7, "y": 1 })),
        (doc! { "x": 1 }, doc! { "y": 1 }, Ok(doc! { "y": 1 })),
        (doc! { "x": 1 }, doc! { "y": 1, "_id": 3 }, Ok(doc! { "_id": 3, "y": 1 })),
    ] {
        assert_eq!(upsert(filter.clone(), change.clone()), expected, "{filter} {change}");
    }
}

#[test]
fn an_upsert_refuses_what_the_filter_cannot_pin() {
    for (filter, change, expected) in [
        (
            doc! { "_id": 1 },
            doc! { "$set": { "_id": 2 } },
            error(
                66,
                "Performing an update on the path '_id' would modify the immutable field '_id'",
            ),
        ),
        (
            doc! { "_id": 1 },
            doc! { "_id": 2 },
            error(
                66,
                "After applying the update, the (immutable) field '_id' was found to have been \
             altered to _id: 2",
            ),
        ),
        (
            doc! { "$and": [{ "a": 1 }, { "a": 2 }] },
            doc! { "$set": { "b": 1 } },
            error(54, "cannot infer query fields to set, path 'a' is matched twice"),
        ),
        (
            doc! { "a": 1, "a.b": 2 },
            doc! { "$set": { "b": 1 } },
            error(54, "cannot infer query fields to set, both paths 'a.b' and 'a' are matched"),
        ),
        (
            doc! { "_id.x": 1 },
            doc! { "$set": { "b": 1 } },
            error(111, "field at '_id' must be exactly specified, field at sub-path '_id.x'found"),
        ),
        (
            doc! {},
            doc! { "$set": { "_id": [1] } },
            error(53, "The '_id' value cannot be of type array"),
        ),
        (
            doc! { "a": 1 },
            doc! { "$set": { "a.$": 1 } },
            error(2, "The positional operator did not find the match needed from the query."),
        ),
    ] {
        assert_eq!(upsert(filter.clone(), change.clone()), expected, "{filter} {change}");
    }
}

#[test]
fn an_upsert_with_stages_starts_from_the_filter_too() {
    let stages = Bson::Array(vec![Bson::Document(doc! { "$set": { "b": "$a" } })]);
    assert_eq!(upsert(doc! { "a": 1, "_id": 7 }, stages), Ok(doc! { "_id": 7, "a": 1, "b": 1 }));
}
