//! Collections, views and databases come, are shown and go.

use crate::testing::Rig;
use quire_bson::{Bson, Document, doc};

fn first_batch(reply: &Document) -> Vec<Document> {
    let cursor = reply.get_document("cursor").unwrap();
    let batch = cursor.get_array("firstBatch").unwrap();
    batch.iter().map(|value| value.as_document().unwrap().clone()).collect()
}

#[test]
fn a_collection_is_created_shown_and_dropped() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c"});
    let reply = rig.ok("db", doc! {"listCollections": 1});
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_i64("id").unwrap(), 0);
    assert_eq!(cursor.get_str("ns").unwrap(), "db.$cmd.listCollections");
    let [shown] = &first_batch(&reply)[..] else { panic!("{reply}") };
    assert_eq!(shown.get_str("name").unwrap(), "c");
    assert_eq!(shown.get_str("type").unwrap(), "collection");
    assert_eq!(shown.get_document("options").unwrap(), &doc! {});
    assert!(!shown.get_document("info").unwrap().get_bool("readOnly").unwrap());
    assert_eq!(
        shown.get_document("idIndex").unwrap(),
        &doc! {"v": 2, "key": {"_id": 1}, "name": "_id_"}
    );
    let dropped = rig.ok("db", doc! {"drop": "c"});
    assert_eq!(dropped, doc! {"nIndexesWas": 1, "ns": "db.c", "ok": 1.0});
    assert_eq!(rig.ok("db", doc! {"drop": "c"}), doc! {"ok": 1.0});
    assert!(first_batch(&rig.ok("db", doc! {"listCollections": 1})).is_empty());
}

#[test]
fn creating_again_succeeds_only_with_the_same_options() {
    let rig = Rig::new();
    let capped = doc! {"create": "c", "capped": true, "size": 1000, "max": 5};
    rig.ok("db", capped.clone());
    rig.ok("db", capped);
    let (code, message) = rig.refused("db", doc! {"create": "c"});
    assert_eq!(code, 48);
    assert!(message.starts_with("namespace db.c already exists, but with different options: {"));
    let shown = first_batch(&rig.ok("db", doc! {"listCollections": 1}));
    assert_eq!(
        shown[0].get_document("options").unwrap(),
        &doc! {"capped": true, "size": 1024, "max": 5}
    );
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let rig = Rig::new();
    for (options, code) in [
        (doc! {"nonesuch": 1}, 40415),
        (doc! {"capped": true}, 72),
        (doc! {"size": 5}, 72),
        (doc! {"capped": true, "size": 0}, 2),
        (doc! {"pipeline": []}, 72),
        (doc! {"viewOn": "a", "capped": true, "size": 1}, 72),
        (doc! {"viewOn": "a", "pipeline": [{"$nonesuch": 1}]}, 40324),
        (doc! {"viewOn": "c"}, 5),
        (doc! {"timeseries": {"timeField": "t"}}, 115),
        (doc! {"expireAfterSeconds": 5}, 72),
        (doc! {"encryptedFields": {}}, 115),
        (doc! {"changeStreamPreAndPostImages": {"enabled": true}}, 115),
        (doc! {"validator": {"$nonesuch": 1}}, 2),
        (doc! {"validationLevel": "hard"}, 2),
        (doc! {"validationAction": "shrug"}, 2),
        (doc! {"collation": {"locale": "xx"}}, 2),
        (doc! {"storageEngine": {"wiredTiger": 1}}, 2),
        (doc! {"clusteredIndex": {"key": {"a": 1}, "unique": true}}, 197),
        (doc! {"clusteredIndex": {"key": {"_id": 1}, "unique": false}}, 197),
        (doc! {"autoIndexId": false}, 72),
    ] {
        let mut command = doc! {"create": "c"};
        command.extend(options);
        let (refused, message) = rig.refused("db", command.clone());
        assert_eq!(refused, code, "{command}: {message}");
    }
    assert_eq!(rig.refused("db", doc! {"create": "system.mine"}).0, 73);
}

#[test]
fn a_view_is_shown_as_one_and_cannot_stand_on_itself() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "a", "viewOn": "b", "pipeline": [{"$match": {"x": 1}}]});
    let shown = first_batch(&rig.ok("db", doc! {"listCollections": 1}));
    assert_eq!(
        shown[0],
        doc! {
            "name": "a", "type": "view",
            "options": {"viewOn": "b", "pipeline": [{"$match": {"x": 1}}]},
            "info": {"readOnly": true},
        }
    );
    let (code, message) = rig.refused("db", doc! {"create": "b", "viewOn": "a"});
    assert_eq!((code, message.as_str()), (5, "View cycle detected: db.b => db.a => db.b"));
    let mut below = "b".to_owned();
    for n in 0..19 {
        let name = format!("v{n}");
        rig.ok("db", doc! {"create": &name, "viewOn": &below});
        below = name;
    }
    rig.ok("db", doc! {"create": "v19", "viewOn": &below});
    assert_eq!(rig.refused("db", doc! {"create": "v20", "viewOn": "v19"}).0, 165);
    assert_eq!(rig.ok("db", doc! {"drop": "a"}), doc! {"ns": "db.a", "ok": 1.0});
}

#[test]
fn a_filter_sees_what_name_only_hides() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "capped": true, "size": 4096});
    rig.ok("db", doc! {"create": "d"});
    let filtered =
        doc! {"listCollections": 1, "filter": {"options.capped": true}, "nameOnly": true};
    let shown = first_batch(&rig.ok("db", filtered));
    assert_eq!(shown, [doc! {"name": "c", "type": "collection"}]);
}

#[test]
fn a_long_list_comes_in_batches() {
    let rig = Rig::new();
    for name in ["a", "b", "c"] {
        rig.ok("db", doc! {"create": name});
    }
    let reply = rig.ok("db", doc! {"listCollections": 1, "cursor": {"batchSize": 2}});
    assert_eq!(first_batch(&reply).len(), 2);
    assert_ne!(reply.get_document("cursor").unwrap().get_i64("id").unwrap(), 0);
    assert_eq!(rig.server.cursors.counts().open, 1);
}

#[test]
fn databases_are_listed_with_their_sizes_and_dropped() {
    let rig = Rig::new();
    rig.ok("one", doc! {"create": "c"});
    rig.ok("two", doc! {"create": "c"});
    let reply = rig.ok("admin", doc! {"listDatabases": 1});
    let databases = reply.get_array("databases").unwrap();
    let names: Vec<_> =
        databases.iter().map(|db| db.as_document().unwrap().get_str("name").unwrap()).collect();
    assert_eq!(names, ["admin", "config", "local", "one", "two"]);
    let empty = |n: usize| databases[n].as_document().unwrap().get_bool("empty").unwrap();
    assert!(empty(0) && !empty(3));
    let one = databases[3].as_document().unwrap();
    assert!(matches!(one.get("sizeOnDisk"), Some(Bson::Int64(_))));
    assert!(matches!(reply.get("totalSize"), Some(Bson::Int64(_))));
    let named =
        rig.ok("admin", doc! {"listDatabases": 1, "nameOnly": true, "filter": {"name": "two"}});
    assert_eq!(named, doc! {"databases": [{"name": "two"}], "ok": 1.0});
    assert_eq!(rig.refused("one", doc! {"listDatabases": 1}).0, 13);
    assert_eq!(rig.ok("one", doc! {"dropDatabase": 1}), doc! {"dropped": "one", "ok": 1.0});
    assert_eq!(rig.ok("one", doc! {"dropDatabase": 1}), doc! {"ok": 1.0});
    assert_eq!(rig.refused("admin", doc! {"dropDatabase": 1}).0, 20);
    assert_eq!(rig.refused("two", doc! {"dropDatabase": 2}).0, 5_255_100);
}
