//! Indexes are created, shown and dropped.

use crate::testing::Rig;
use quire_bson::{Document, doc};

fn names(rig: &Rig) -> Vec<String> {
    let reply = rig.ok("db", doc! {"listIndexes": "c"});
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_str("ns").unwrap(), "db.c");
    let batch = cursor.get_array("firstBatch").unwrap();
    let name =
        |value: &quire_bson::Bson| value.as_document().unwrap().get_str("name").unwrap().to_owned();
    batch.iter().map(name).collect()
}

fn create(spec: Document) -> Document {
    doc! {"createIndexes": "c", "indexes": [spec]}
}

/// Every row has its entries and every entry its row.
fn check(rig: &Rig) {
    let view = rig.server.documents.view();
    let collection = view.catalog().find_by_name("db", "c").unwrap();
    let report = view.validate(collection, None).unwrap();
    assert!(report.is_valid(), "{:?}", report.findings);
}

#[test]
fn an_index_on_a_missing_collection_creates_it() {
    let rig = Rig::new();
    let reply = rig.ok("db", create(doc! {"key": {"a": 1}, "name": "a_1"}));
    assert_eq!(
        reply,
        doc! {
            "numIndexesBefore": 1, "numIndexesAfter": 2,
            "createdCollectionAutomatically": true, "ok": 1.0,
        }
    );
    assert_eq!(names(&rig), ["_id_", "a_1"]);
    let again = rig.ok("db", create(doc! {"key": {"a": 1}, "name": "a_1"}));
    assert_eq!(again.get_str("note").unwrap(), "all indexes already exist");
    assert_eq!(again.get_i32("numIndexesAfter").unwrap(), 2);
}

#[test]
fn rows_that_are_there_are_indexed() {
    let rig = Rig::new();
    let docs: Vec<Document> =
        (0..1500).map(|n| doc! {"_id": n, "a": n % 7, "b": [n, n + 1]}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": docs});
    rig.ok(
        "db",
        doc! {"createIndexes": "c", "indexes": [
            {"key": {"a": 1, "b": -1}, "name": "ab"},
            {"key": {"_id": -1, "a": 1}, "name": "u", "unique": true},
            {"key": {"a": 1}, "name": "p", "partialFilterExpression": {"_id": {"$lt": 10}}},
        ]},
    );
    let view = rig.server.documents.view();
    let collection = view.catalog().find_by_name("db", "c").unwrap();
    let report = view.validate(collection, None).unwrap();
    assert!(report.is_valid(), "{:?}", report.findings);
    assert_eq!(report.keys_per_index["ab"], 3000);
    assert_eq!(report.keys_per_index["u"], 1500);
    assert_eq!(report.keys_per_index["p"], 10);
}

#[test]
fn a_build_that_meets_a_duplicate_leaves_nothing() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "a": 5}, {"_id": 2, "a": 5}]});
    let command = create(doc! {"key": {"a": 1}, "name": "a_1", "unique": true});
    let reply = rig.run("db", command);
    assert_eq!(reply.get_i32("code").unwrap(), 11000, "{reply}");
    assert_eq!(reply.get_document("keyPattern").unwrap(), &doc! {"a": 1});
    assert_eq!(reply.get_document("keyValue").unwrap(), &doc! {"a": 5});
    let message = reply.get_str("errmsg").unwrap();
    assert!(message.contains("E11000 duplicate key error collection: db.c index: a_1 dup key"));
    assert_eq!(names(&rig), ["_id_"]);
    check(&rig);
}

#[test]
fn a_document_that_cannot_be_indexed_fails_the_build() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"a": [1], "b": [2]}]});
    let (code, message) = rig.refused("db", create(doc! {"key": {"a": 1, "b": 1}, "name": "ab"}));
    assert_eq!(code, 171, "{message}");
    assert_eq!(names(&rig), ["_id_"]);
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "v", "viewOn": "c"});
    for (command, code) in [
        (doc! {"createIndexes": "c"}, 40414),
        (doc! {"createIndexes": "c", "indexes": []}, 2),
        (doc! {"createIndexes": "c", "indexes": [1]}, 14),
        (doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}}], "commitQuorum": 1}, 2),
        (doc! {"createIndexes": "v", "indexes": [{"key": {"a": 1}}]}, 166),
        (doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}}, {"key": {"a": 1}}]}, 68),
        (doc! {"listIndexes": "v"}, 166),
        (doc! {"listIndexes": "none"}, 26),
        (doc! {"dropIndexes": "none", "index": "*"}, 26),
    ] {
        let (refused, message) = rig.refused("db", command.clone());
        assert_eq!(refused, code, "{command}: {message}");
    }
}

#[test]
fn the_number_of_indexes_is_bounded() {
    let rig = Rig::new();
    let specs: Vec<Document> =
        (0..63).map(|n| doc! {"key": {format!("f{n}"): 1}, "name": format!("f{n}")}).collect();
    rig.ok("db", doc! {"createIndexes": "c", "indexes": specs});
    let (code, message) = rig.refused("db", create(doc! {"key": {"g": 1}}));
    assert_eq!(
        (code, message.as_str()),
        (67, "add index fails, too many indexes for db.c key:{ g: 1 }")
    );
}

#[test]
fn indexes_are_dropped_by_name_key_list_or_all() {
    let rig = Rig::new();
    let specs: Vec<Document> =
        ["a", "b", "c", "d", "e"].iter().map(|f| doc! {"key": {*f: 1}}).collect();
    rig.ok("db", doc! {"createIndexes": "c", "indexes": specs});
    rig.ok("db", create(doc! {"key": {"e": 1}, "unique": true, "name": "unique_e"}));
    let drop = |index: quire_bson::Bson| doc! {"dropIndexes": "c", "index": index};
    let reply = rig.ok("db", drop("a_1".into()));
    assert_eq!(reply, doc! {"nIndexesWas": 7, "ok": 1.0});
    rig.ok("db", drop(doc! {"b": 1.0}.into()));
    assert_eq!(rig.refused("db", drop(doc! {"e": 1}.into())).0, 181);
    rig.ok("db", drop(vec!["c_1", "d_1"].into()));
    assert_eq!(names(&rig), ["_id_", "e_1", "unique_e"]);
    for (index, code) in [
        ("nonesuch".into(), 27),
        (doc! {"z": 1}.into(), 27),
        ("_id_".into(), 72),
        (doc! {"_id": 1}.into(), 72),
        (3.into(), 14),
        (quire_bson::Bson::from(vec!["e_1", "nonesuch"]), 27),
    ] {
        assert_eq!(rig.refused("db", drop(index)).0, code);
    }
    let reply = rig.ok("db", drop("*".into()));
    assert_eq!(reply.get_str("msg").unwrap(), "non-_id indexes dropped for collection");
    assert_eq!(names(&rig), ["_id_"]);
}
