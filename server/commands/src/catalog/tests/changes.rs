//! Collections and indexes change their names and options.

use crate::testing::Rig;
use quire_bson::{Document, doc};

fn options(rig: &Rig, name: &str) -> Document {
    let reply = rig.ok("db", doc! {"listCollections": 1, "filter": {"name": name}});
    let batch = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    batch[0].as_document().unwrap().get_document("options").unwrap().clone()
}

fn index_spec(rig: &Rig, name: &str) -> Document {
    let reply = rig.ok("db", doc! {"listIndexes": "c"});
    let batch = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let mut specs = batch.iter().map(|spec| spec.as_document().unwrap());
    specs.find(|spec| spec.get_str("name").unwrap() == name).unwrap().clone()
}

#[test]
fn a_collection_takes_its_documents_and_indexes_to_its_new_name() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "a": 2}]});
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}}]});
    let rename = |to: &str| doc! {"renameCollection": "db.c", "to": to};
    rig.ok("db", doc! {"create": "other"});
    rig.ok("db", doc! {"create": "view", "viewOn": "c"});
    for (command, code) in [
        (rename("db.other"), 48),
        (rename("db.view"), 48),
        (rename("db.c"), 20),
        (rename("other.c"), 115),
        (rename("nodot"), 73),
        (rename("db.system.mine"), 20),
        (doc! {"renameCollection": "db.none", "to": "db.x"}, 26),
        (doc! {"renameCollection": "db.view", "to": "db.x"}, 166),
        (doc! {"renameCollection": "db.c"}, 40414),
    ] {
        let (refused, message) = rig.refused("admin", command.clone());
        assert_eq!(refused, code, "{command}: {message}");
    }
    assert_eq!(rig.refused("db", rename("db.x")).0, 13);
    rig.ok("admin", doc! {"renameCollection": "db.c", "to": "db.other", "dropTarget": true});
    assert_eq!(rig.stored("db", "other"), [doc! {"_id": 1, "a": 2}]);
    assert!(rig.stored("db", "c").is_empty());
    let indexes = rig.ok("db", doc! {"listIndexes": "other"});
    assert_eq!(indexes.get_document("cursor").unwrap().get_array("firstBatch").unwrap().len(), 2);
}

#[test]
fn a_validator_is_changed_and_taken_away() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "validator": {"a": 1}, "validationLevel": "strict"});
    rig.ok("db", doc! {"collMod": "c", "validator": {"a": 2}, "validationAction": "warn"});
    assert_eq!(
        options(&rig, "c"),
        doc! {"validationLevel": "strict", "validator": {"a": 2}, "validationAction": "warn"}
    );
    rig.ok("db", doc! {"collMod": "c", "validator": {}});
    assert!(!options(&rig, "c").contains_key("validator"));
}

#[test]
fn a_view_and_a_cap_are_changed() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "v", "viewOn": "a"});
    rig.ok("db", doc! {"collMod": "v", "viewOn": "b", "pipeline": [{"$match": {"x": 1}}]});
    assert_eq!(options(&rig, "v"), doc! {"viewOn": "b", "pipeline": [{"$match": {"x": 1}}]});
    rig.ok("db", doc! {"create": "k", "capped": true, "size": 4096});
    rig.ok("db", doc! {"collMod": "k", "cappedSize": 5000, "cappedMax": 3});
    assert_eq!(options(&rig, "k"), doc! {"capped": true, "size": 5120, "max": 3});
    rig.ok("db", doc! {"create": "c"});
    for (command, code) in [
        (doc! {"collMod": "none"}, 26),
        (doc! {"collMod": "v", "validator": {}}, 167),
        (doc! {"collMod": "v", "viewOn": "v"}, 5),
        (doc! {"collMod": "c", "viewOn": "a"}, 72),
        (doc! {"collMod": "c", "cappedMax": 1}, 72),
        (doc! {"collMod": "c", "expireAfterSeconds": 1}, 72),
        (doc! {"collMod": "c", "validationLevel": "hard"}, 2),
        (doc! {"collMod": "c", "nonesuch": 1}, 40415),
        (doc! {"collMod": "c", "dryRun": true}, 72),
    ] {
        let (refused, message) = rig.refused("db", command.clone());
        assert_eq!(refused, code, "{command}: {message}");
    }
}

#[test]
fn an_index_is_hidden_and_expires_differently() {
    let rig = Rig::new();
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "expireAfterSeconds": 5}, {"key": {"b": 1, "c": 1}}]});
    let change = |index: Document| doc! {"collMod": "c", "index": index};
    assert_eq!(
        rig.ok("db", change(doc! {"name": "a_1", "expireAfterSeconds": 7})),
        doc! {"expireAfterSeconds_old": 5i64, "expireAfterSeconds_new": 7i64, "ok": 1.0}
    );
    assert_eq!(
        rig.ok("db", change(doc! {"keyPattern": {"b": 1, "c": 1}, "hidden": true})),
        doc! {"hidden_old": false, "hidden_new": true, "ok": 1.0}
    );
    assert_eq!(rig.ok("db", change(doc! {"name": "b_1_c_1", "hidden": true})), doc! {"ok": 1.0});
    assert_eq!(
        index_spec(&rig, "b_1_c_1"),
        doc! {"v": 2, "key": {"b": 1, "c": 1}, "name": "b_1_c_1", "hidden": true}
    );
    rig.ok("db", change(doc! {"name": "b_1_c_1", "hidden": false}));
    assert!(!index_spec(&rig, "b_1_c_1").contains_key("hidden"));
    for (index, code) in [
        (doc! {"name": "none", "hidden": true}, 27),
        (doc! {"keyPattern": {"z": 1}, "hidden": true}, 27),
        (doc! {"name": "_id_", "hidden": true}, 2),
        (doc! {"name": "_id_", "expireAfterSeconds": 1}, 72),
        (doc! {"name": "b_1_c_1", "expireAfterSeconds": 1}, 72),
        (doc! {"name": "a_1", "expireAfterSeconds": -1}, 72),
        (doc! {"name": "a_1"}, 72),
        (doc! {"hidden": true}, 72),
        (doc! {"name": "a_1", "unique": true}, 72),
    ] {
        let (refused, message) = rig.refused("db", change(index.clone()));
        assert_eq!(refused, code, "{index}: {message}");
    }
}

#[test]
fn an_index_becomes_unique_once_no_value_is_there_twice() {
    let rig = Rig::new();
    let docs = [doc! {"_id": 1, "a": 5}, doc! {"_id": 2, "a": 5}, doc! {"_id": 3, "a": 6}];
    rig.ok("db", doc! {"insert": "c", "documents": docs.to_vec()});
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}}]});
    let change = |option: &str| doc! {"collMod": "c", "index": {"name": "a_1", option: true}};
    assert_eq!(
        rig.ok("db", change("prepareUnique")),
        doc! {"prepareUnique_old": false, "prepareUnique_new": true, "ok": 1.0}
    );
    let taken = rig.refused("db", doc! {"insert": "c", "documents": [{"_id": 4, "a": 6}]});
    assert_eq!(taken.0, 11000);
    let reply = rig.run("db", change("unique"));
    assert_eq!(reply.get_i32("code").unwrap(), 359, "{reply}");
    let violations = reply.get_array("violations").unwrap();
    assert_eq!(violations, &[doc! {"ids": [1, 2]}.into()]);
    rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]});
    let mut dry = change("unique");
    dry.insert("dryRun", true);
    assert_eq!(rig.ok("db", dry), doc! {"ok": 1.0});
    assert_eq!(rig.ok("db", change("unique")), doc! {"unique_new": true, "ok": 1.0});
    assert_eq!(
        index_spec(&rig, "a_1"),
        doc! {"v": 2, "key": {"a": 1}, "name": "a_1", "unique": true}
    );
}
