//! Specifications that are refused, and how accepted ones are kept.

use super::{Conflict, compare, parse};
use quire_bson::{DocBuf, Document, doc};
use quire_documents::{CollectionId, Index, IndexId, IndexPlace, IndexSpec, IndexState};
use quire_errors::CommandError;
use quire_query::{Constants, ValueOrder};
use std::sync::Arc;

fn parsed(given: &Document) -> Result<IndexSpec, CommandError> {
    parse(DocBuf::from(given).as_raw(), &ValueOrder::BYTES, &Arc::new(Constants::default()))
}

#[test]
fn a_specification_that_cannot_be_is_refused_with_its_code() {
    let with = |option: &str, value: quire_bson::Bson| {
        let mut spec = doc! {"key": {"a": 1}, "name": "a_1"};
        spec.insert(option, value);
        spec
    };
    let many: Document = (0..33).map(|n| (format!("f{n}"), 1.into())).collect();
    let partial = |filter: Document| with("partialFilterExpression", filter.into());
    for (given, code, text) in [
        (doc! {"name": "a"}, 9, "'key' field is a required property"),
        (doc! {"key": "a"}, 14, "The field 'key' must be an object, but got string"),
        (doc! {"key": {}}, 67, "Index keys cannot be an empty object"),
        (doc! {"key": many}, 13103, "too many compound keys"),
        (doc! {"key": {"a": 0}}, 67, "cannot be 0"),
        (doc! {"key": {"a": true}}, 67, "cannot be of type bool"),
        (doc! {"key": {"a": "soundex"}}, 67, "Unknown index plugin 'soundex'"),
        (doc! {"key": {"a": "text"}}, 115, "text indexes are not supported yet"),
        (doc! {"key": {"a": "2dsphere"}}, 115, "2dsphere indexes are not supported yet"),
        (doc! {"key": {"$**": 1}}, 115, "wildcard indexes are not supported yet"),
        (doc! {"key": {"a..b": 1}}, 67, "cannot contain an empty field"),
        (doc! {"key": {"a.$b": 1}}, 67, "field name starts with '$'"),
        (doc! {"key": {"a": "hashed", "b": "hashed"}}, 31303, "found 2 for"),
        (doc! {"key": {"_id": -1}}, 2, "for an _id index must be {_id: 1}"),
        (doc! {"key": {"_id": 1}, "unique": true}, 197, "not valid for an _id index"),
        (doc! {"key": {"_id": 1}, "collation": {"locale": "fr"}}, 2, "same collation"),
        (doc! {"key": {"a": 1}, "name": "_id_"}, 2, "is reserved for the _id index"),
        (doc! {"key": {"a": 1}, "name": ""}, 67, "cannot be empty"),
        (doc! {"key": {"a": 1}, "name": "*"}, 2, "not valid"),
        (with("nonesuch", 1.into()), 197, "The field 'nonesuch' is not valid for an index"),
        (with("unique", "yes".into()), 14, "is not convertible to bool"),
        (with("expireAfterSeconds", "1".into()), 14, "must be a number, but got string"),
        (with("expireAfterSeconds", (-1).into()), 67, "cannot be less than 0"),
        (with("expireAfterSeconds", (1i64 << 31).into()), 67, "within an acceptable range"),
        (with("collation", doc! {"locale": "xx"}.into()), 2, "'locale'"),
        (with("v", 3.into()), 67, "cannot create an index with v=3"),
        (
            doc! {"key": {"a": 1, "b": 1}, "expireAfterSeconds": 1},
            67,
            "compound indexes do not support TTL",
        ),
        (doc! {"key": {"a": "hashed"}, "unique": true}, 16764, "cannot guarantee uniqueness"),
        (partial(doc! {"a": {"$ne": 1}}), 67, "Expression not supported in partial index"),
        (partial(doc! {"a": {"$exists": false}}), 67, "Expression not supported"),
        (partial(doc! {"$nor": [{"a": 1}]}), 67, "Expression not supported"),
        (partial(doc! {"$or": [{"a": {"$mod": [2, 0]}}]}), 67, "Expression not supported"),
        (
            doc! {"key": {"a": 1}, "sparse": true, "partialFilterExpression": {"a": 1}},
            67,
            "cannot mix",
        ),
    ] {
        let error = parsed(&given).expect_err(&given.to_string());
        assert_eq!(error.code().number(), code, "{given}: {error}");
        assert!(error.message().contains(text), "{given}: {error}");
    }
}

#[test]
fn a_specification_is_kept_with_version_key_and_name_in_front() {
    for (given, kept) in [
        (doc! {"key": {"a": 1}}, doc! {"v": 2, "key": {"a": 1}, "name": "a_1"}),
        (
            doc! {"unique": 1, "name": "n", "key": {"a": -1.0, "b": "hashed"}, "ns": "x.y", "unique": 0},
            doc! {"v": 2, "key": {"a": -1.0, "b": "hashed"}, "name": "n", "unique": false},
        ),
        (
            doc! {"key": {"a.b": 1, "c": -1}, "sparse": true},
            doc! {"v": 2, "key": {"a.b": 1, "c": -1}, "name": "a.b_1_c_-1", "sparse": true},
        ),
        (
            doc! {"key": {"a": 1}, "expireAfterSeconds": 60.0, "collation": {"locale": "simple"}},
            doc! {"v": 2, "key": {"a": 1}, "name": "a_1", "expireAfterSeconds": 60},
        ),
        (
            doc! {"key": {"a": 1}, "partialFilterExpression": {"$or": [{"b": {"$gt": 1}}, {"c": {"$in": [1]}}]}},
            doc! {"v": 2, "key": {"a": 1}, "name": "a_1",
            "partialFilterExpression": {"$or": [{"b": {"$gt": 1}}, {"c": {"$in": [1]}}]}},
        ),
        (
            doc! {"key": {"_id": 1.0}, "name": "mine"},
            doc! {"v": 2, "key": {"_id": 1}, "name": "_id_"},
        ),
    ] {
        assert_eq!(parsed(&given).unwrap().document.as_raw().to_document(), kept);
    }
}

#[test]
fn an_index_is_compared_by_what_it_holds() {
    let index = |given: &Document| {
        Arc::new(Index {
            id: IndexId(7),
            collection: CollectionId(1),
            spec: parsed(given).unwrap(),
            state: IndexState::Ready,
            place: IndexPlace::Entries,
            multikey: 0,
        })
    };
    let there =
        [index(&doc! {"key": {"a": 1}}), index(&doc! {"key": {"t": 1}, "expireAfterSeconds": 5})];
    for (wanted, code) in [
        (doc! {"key": {"a": 1.0}}, 0),
        (doc! {"key": {"a": 1}, "name": "other"}, 85),
        (doc! {"key": {"a": 1}, "unique": true}, 86),
        (doc! {"key": {"b": 1}, "name": "a_1"}, 86),
        (doc! {"key": {"a": 1}, "unique": true, "name": "u"}, -1),
        (doc! {"key": {"a": 1}, "collation": {"locale": "fr"}, "name": "c"}, -1),
        (doc! {"key": {"a": 1}, "collation": {"locale": "fr"}}, 86),
        (doc! {"key": {"a": 1}, "sparse": true, "name": "s"}, -1),
        (doc! {"key": {"a": 1}, "partialFilterExpression": {"b": 1}, "name": "p"}, -1),
        (doc! {"key": {"t": 1}, "expireAfterSeconds": 6}, 85),
        (doc! {"key": {"t": 1}, "expireAfterSeconds": 6, "name": "other"}, 85),
        (doc! {"key": {"t": 1}, "expireAfterSeconds": 5}, 0),
        (doc! {"key": {"a": -1}}, -1),
    ] {
        let got = match compare(&there, &parsed(&wanted).unwrap()) {
            None => -1,
            Some(Conflict::Same(_)) => 0,
            Some(Conflict::Refused(error)) => error.code().number(),
        };
        assert_eq!(got, code, "{wanted}");
    }
}
