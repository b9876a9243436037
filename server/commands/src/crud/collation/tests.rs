//! Commands with collations, from the reply's end.

use crate::testing::Rig;
use quire_bson::{Bson, Document, doc};

fn base() -> Document {
    doc! {"locale": "en", "strength": 2}
}

/// Documents whose `a` differs in case and in nothing else by twos.
fn filled(rig: &Rig) {
    let words = ["b", "A", "B", "a", "c10", "C9"];
    let documents: Vec<Document> = words
        .iter()
        .zip(0..)
        .map(|(word, n)| doc! {"_id": n, "a": *word, "l": [{"w": *word}, {"w": "z"}]})
        .collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
}

fn batch(reply: &Document) -> Vec<Document> {
    let list = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    list.iter().map(|doc| doc.as_document().unwrap().clone()).collect()
}

fn ids(reply: &Document) -> Vec<i32> {
    batch(reply).iter().map(|doc| doc.get_i32("_id").unwrap()).collect()
}

fn find(filter: Document, sort: Document, collation: Document) -> Document {
    doc! {"find": "c", "filter": filter, "sort": sort, "collation": collation}
}

#[test]
fn finding_compares_and_sorts_by_the_collation() {
    let rig = Rig::new();
    filled(&rig);
    let by_id = || doc! {"_id": 1};
    for (filter, expected) in [
        (doc! {"a": "A"}, vec![1, 3]),
        (doc! {"a": {"$in": ["B", "x"]}}, vec![0, 2]),
        (doc! {"a": {"$gt": "A", "$lt": "c"}}, vec![0, 2]),
        (doc! {"a": {"$ne": "a"}}, vec![0, 2, 4, 5]),
        (doc! {"a": {"$regex": "^A"}}, vec![1]),
        (doc! {"l": {"$elemMatch": {"w": "B"}}}, vec![0, 2]),
        (doc! {"l.0": {"w": "A"}}, vec![1, 3]),
        (doc! {"$expr": {"$eq": ["$a", "A"]}}, vec![1, 3]),
        (doc! {"$or": [{"a": "A"}, {"a": "C9"}]}, vec![1, 3, 5]),
        (doc! {"a": {"$all": ["a"]}}, vec![1, 3]),
    ] {
        let found = rig.ok("db", find(filter.clone(), by_id(), base()));
        assert_eq!(ids(&found), expected, "{filter}");
    }
    let sorted = |collation| ids(&rig.ok("db", find(doc! {}, doc! {"a": 1, "_id": 1}, collation)));
    assert_eq!(sorted(base()), [1, 3, 0, 2, 4, 5]);
    assert_eq!(sorted(doc! {"locale": "simple"}), [1, 2, 5, 3, 0, 4]);
    let numeric = doc! {"locale": "en", "numericOrdering": true, "caseFirst": "upper"};
    assert_eq!(sorted(numeric), [1, 3, 2, 0, 5, 4]);
}

#[test]
fn other_reading_commands_do_too() {
    let rig = Rig::new();
    filled(&rig);
    let counted = rig.ok("db", doc! {"count": "c", "query": {"a": "B"}, "collation": base()});
    assert_eq!(counted.get_i32("n").unwrap(), 2);
    let distinct = rig.ok("db", doc! {"distinct": "c", "key": "a", "collation": base()});
    let values: Vec<&str> =
        distinct.get_array("values").unwrap().iter().filter_map(Bson::as_str).collect();
    assert_eq!(values, ["b", "A", "c10", "C9"]);
    let pipeline = vec![
        doc! {"$match": {"a": {"$lt": "c"}}},
        doc! {"$group": {"_id": "$a", "n": {"$sum": 1}, "least": {"$min": "$a"}}},
        doc! {"$sort": {"_id": 1}},
        doc! {"$project": {"n": 1, "is": {"$in": ["$_id", ["a"]]}, "union": {
            "$setUnion": [["$_id"], ["a", "A"]],
        }}},
    ];
    let grouped = rig
        .ok("db", doc! {"aggregate": "c", "pipeline": pipeline, "cursor": {}, "collation": base()});
    assert_eq!(
        batch(&grouped),
        [
            doc! {"_id": "A", "n": 2, "is": true, "union": ["A"]},
            doc! {"_id": "b", "n": 2, "is": false, "union": ["a", "b"]},
        ]
    );
}

#[test]
fn each_statement_of_a_write_has_its_own() {
    let rig = Rig::new();
    filled(&rig);
    let set = |filter: Document| doc! {"q": filter, "u": {"$set": {"x": 1}}, "multi": true};
    let mut collated = set(doc! {"a": "A"});
    collated.insert("collation", base());
    let updates = vec![collated, set(doc! {"a": "B"})];
    let updated = rig.ok("db", doc! {"update": "c", "updates": updates});
    assert_eq!(updated.get_i32("n").unwrap(), 3);
    let positional = doc! {
        "q": {"l.w": "A"}, "u": {"$set": {"l.$.hit": true}}, "collation": base(), "multi": true,
    };
    let filtered = doc! {
        "q": {}, "u": {"$set": {"l.$[z].last": true}}, "arrayFilters": [{"z.w": "Z"}],
        "collation": base(), "multi": true,
    };
    rig.ok("db", doc! {"update": "c", "updates": [positional, filtered]});
    let found = batch(&rig.ok("db", doc! {"find": "c", "filter": {"_id": 3}}));
    let list: Vec<Bson> =
        vec![doc! {"w": "a", "hit": true}.into(), doc! {"w": "z", "last": true}.into()];
    assert_eq!(found[0].get_array("l").unwrap(), &list);
    let modified = rig.ok(
        "db",
        doc! {
            "findAndModify": "c", "query": {"a": "C10"}, "update": {"$set": {"y": 1}},
            "collation": base(), "new": true,
        },
    );
    assert_eq!(modified.get_document("value").unwrap().get_i32("_id").unwrap(), 4);
    let deletes = vec![
        doc! {"q": {"a": "b"}, "limit": 0, "collation": base()},
        doc! {"q": {"a": "c9"}, "limit": 0},
    ];
    let deleted = rig.ok("db", doc! {"delete": "c", "deletes": deletes});
    assert_eq!(deleted.get_i32("n").unwrap(), 2);
}

#[test]
fn a_document_named_by_a_string_is_found_in_any_case() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": "Ann"}, {"_id": "Bob"}]});
    let found = rig.ok("db", find(doc! {"_id": "ANN"}, doc! {}, base()));
    assert_eq!(batch(&found), [doc! {"_id": "Ann"}]);
    let update = doc! {"q": {"_id": "BOB"}, "u": {"$set": {"x": 1}}, "collation": base()};
    let updated = rig.ok("db", doc! {"update": "c", "updates": [update]});
    assert_eq!(updated.get_i32("n").unwrap(), 1);
}

#[test]
fn a_collection_hands_its_collation_on() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "collation": base()});
    filled(&rig);
    rig.ok(
        "db",
        doc! {"createIndexes": "c", "indexes": [
            {"key": {"a": 1}, "name": "a_1"},
            {"key": {"b": 1}, "name": "b_1", "collation": {"locale": "simple"}},
        ]},
    );
    let full = doc! {
        "locale": "en", "caseLevel": false, "caseFirst": "off", "strength": 2,
        "numericOrdering": false, "alternate": "non-ignorable", "maxVariable": "punct",
        "normalization": false, "backwards": false, "version": "57.1",
    };
    let indexes = batch(&rig.ok("db", doc! {"listIndexes": "c"}));
    let shown: Vec<_> = indexes.iter().map(|index| index.get_document("collation").ok()).collect();
    assert_eq!(shown, [Some(&full), Some(&full), None]);
    let listed = batch(&rig.ok("db", doc! {"listCollections": 1}));
    let options = listed[0].get_document("options").unwrap();
    assert_eq!(options.get_document("collation").unwrap(), &full);
    let found = rig.ok("db", doc! {"find": "c", "filter": {"a": "A"}, "sort": {"_id": 1}});
    assert_eq!(ids(&found), [1, 3]);
    let simple = rig.ok("db", find(doc! {"a": "A"}, doc! {}, doc! {"locale": "simple"}));
    assert_eq!(ids(&simple), [1]);
    let again = doc! {"create": "c", "collation": {"locale": "en", "strength": 2}};
    rig.ok("db", again);
    assert_eq!(rig.refused("db", doc! {"create": "c"}).0, 48);
}

#[test]
fn names_of_a_collection_with_a_collation_are_unique_by_it() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "collation": base()});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": "Ann"}, {"_id": 1}]});
    assert_eq!(rig.refused("db", doc! {"insert": "c", "documents": [{"_id": "ANN"}]}).0, 11000);
    let found = rig.ok("db", doc! {"find": "c", "filter": {"_id": "aNN"}});
    assert_eq!(batch(&found), [doc! {"_id": "Ann"}]);
    let deleted =
        rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {"_id": "ann"}, "limit": 1}]});
    assert_eq!(deleted.get_i32("n").unwrap(), 1);
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": "ANN"}]});
}

#[test]
fn a_unique_index_refuses_what_is_equal_by_its_collation() {
    let rig = Rig::new();
    let index = doc! {"key": {"u": 1}, "name": "u_1", "unique": true, "collation": base()};
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [index]});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "u": "Ann"}, {"_id": 2, "u": 2}]});
    let (code, message) =
        rig.refused("db", doc! {"insert": "c", "documents": [{"_id": 3, "u": "ann"}]});
    assert_eq!(code, 11000, "{message}");
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 3, "u": "anne"}]});
    let explained = rig.ok("db", doc! {"explain": find(doc! {"u": "ANN"}, doc! {}, base())});
    assert!(explained.to_string().contains("\"u_1\""), "{explained}");
    let simple = rig.ok("db", doc! {"explain": {"find": "c", "filter": {"u": "ANN"}}});
    assert!(!simple.to_string().contains("\"u_1\""), "{simple}");
    assert_eq!(ids(&rig.ok("db", find(doc! {"u": "ANN"}, doc! {}, base()))), [1]);
    let sorted = rig.ok("db", find(doc! {"u": {"$gte": "A"}}, doc! {"u": -1}, base()));
    assert_eq!(ids(&sorted), [3, 1]);
}

#[test]
fn a_view_keeps_its_own() {
    let rig = Rig::new();
    filled(&rig);
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": [], "collation": base()});
    let count = |collation: Option<Document>| {
        let mut count = doc! {"count": "v", "query": {"a": "A"}};
        count.extend(collation.map(|collation| ("collation".to_owned(), collation.into())));
        count
    };
    assert_eq!(rig.ok("db", count(None)).get_i32("n").unwrap(), 2);
    assert_eq!(rig.ok("db", count(Some(base()))).get_i32("n").unwrap(), 2);
    assert_eq!(rig.refused("db", count(Some(doc! {"locale": "fr"}))).0, 167);
    assert_eq!(rig.refused("db", doc! {"create": "w", "viewOn": "v", "pipeline": []}).0, 167);
}

#[test]
fn partial_indexes_and_validators_compare_as_they_were_made() {
    let rig = Rig::new();
    let validator = doc! {"kind": {"$in": ["x", "y"]}};
    rig.ok("db", doc! {"create": "c", "collation": base(), "validator": validator});
    rig.ok(
        "db",
        doc! {"createIndexes": "c", "indexes": [{
            "key": {"n": 1}, "name": "n_1", "unique": true,
            "partialFilterExpression": {"kind": "x"},
        }]},
    );
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "kind": "X", "n": 1}]});
    let twice = doc! {"insert": "c", "documents": [{"_id": 2, "kind": "x", "n": 1}]};
    assert_eq!(rig.refused("db", twice).0, 11000);
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 2, "kind": "Y", "n": 1}]});
    let invalid = doc! {"insert": "c", "documents": [{"_id": 3, "kind": "z"}]};
    assert_eq!(rig.refused("db", invalid).0, 121);
}
