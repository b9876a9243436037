use crate::testing::{Rig, first_batch};
use quire_bson::{Binary, BinarySubtype, Bson, Document, Timestamp, doc};

fn find(rig: &Rig, command: Document) -> Vec<Document> {
    let mut all = doc! {"find": "oplog.rs"};
    all.extend(command);
    first_batch(&rig.ok("local", all))
}

/// The operations on one collection, or its database's commands.
fn of(rig: &Rig, namespace: &str) -> Vec<Document> {
    find(rig, doc! {"filter": {"ns": namespace}, "batchSize": 1_000})
}

fn time(operation: &Document) -> Timestamp {
    operation.get_timestamp("ts").unwrap()
}

fn names(document: &Document) -> Vec<&str> {
    document.keys().map(String::as_str).collect()
}

#[test]
fn writes_are_shown_as_operations_in_their_order() {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2.0, "a": 2}]});
    let update = doc! {"q": {"_id": 1}, "u": {"$set": {"a": 5}}};
    rig.ok("db", doc! {"update": "c", "updates": [update]});
    rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {}, "limit": 0}]});
    let shown = of(&rig, "db.c");
    let told: Vec<(&str, &Document, Option<&Document>)> = shown
        .iter()
        .map(|one| {
            let (o, o2) = (one.get_document("o").unwrap(), one.get_document("o2").ok());
            (one.get_str("op").unwrap(), o, o2)
        })
        .collect();
    let one = doc! {"_id": 1};
    let expected = [
        ("i", &doc! {"_id": 1, "a": 1}, Some(&one)),
        ("i", &doc! {"_id": 2.0, "a": 2}, Some(&doc! {"_id": 2.0})),
        ("u", &doc! {"_id": 1, "a": 5}, Some(&one)),
        ("d", &one, None),
        ("d", &doc! {"_id": 2.0}, None),
    ];
    assert_eq!(told, expected, "a deletion tells the very _id that the document had");
    let first = &shown[0];
    assert_eq!(names(first), ["op", "ns", "ui", "o", "o2", "ts", "t", "v", "wall"]);
    assert!(matches!(first.get("wall"), Some(Bson::DateTime(_))));
    assert_eq!((first.get("v"), first.get("t")), (Some(&Bson::Int64(2)), Some(&Bson::Int64(1))));
    assert!(shown.windows(2).all(|pair| time(&pair[0]) < time(&pair[1])), "{shown:?}");
    let listed = rig.ok("db", doc! {"listCollections": 1});
    let uuid = first_batch(&listed)[0].get_document("info").unwrap().get("uuid").cloned();
    assert_eq!(first.get("ui"), uuid.as_ref());
}

#[test]
fn changes_of_the_catalogue_are_shown_as_commands() {
    let rig = Rig::primary();
    rig.ok("db", doc! {"create": "c", "capped": true, "size": 4096});
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]});
    let hide = doc! {"name": "a_1", "hidden": true};
    rig.ok("db", doc! {"collMod": "c", "index": hide});
    rig.ok("db", doc! {"dropIndexes": "c", "index": "a_1"});
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": []});
    rig.ok("db", doc! {"create": "d"});
    rig.ok("admin", doc! {"renameCollection": "db.c", "to": "db.d", "dropTarget": true});
    rig.ok("db", doc! {"drop": "d"});
    let shown = of(&rig, "db.$cmd");
    let told: Vec<Document> =
        shown.iter().map(|one| one.get_document("o").unwrap().clone()).collect();
    let id_index = doc! {"v": 2, "key": {"_id": 1}, "name": "_id_"};
    let dropped = shown[5].get("ui").cloned();
    let expected = [
        doc! {"create": "c", "capped": true, "size": 4096, "idIndex": &id_index},
        doc! {"createIndexes": "c", "v": 2, "key": {"a": 1}, "name": "a_1"},
        doc! {"collMod": "c", "index": {"name": "a_1", "hidden": true}},
        doc! {"dropIndexes": "c", "index": "a_1"},
        doc! {"create": "v", "viewOn": "c", "pipeline": []},
        doc! {"create": "d", "idIndex": &id_index},
        doc! {"renameCollection": "db.c", "to": "db.d", "stayTemp": false, "dropTarget": dropped},
        doc! {"drop": "d"},
    ];
    assert_eq!(told, expected);
    assert!(shown.iter().all(|one| one.get_str("op").unwrap() == "c" && one.get("ui").is_some()));
    assert_eq!(shown[7].get("ui"), shown[0].get("ui"), "by any name it is the same collection");
    let spec = shown[3].get_document("o2").unwrap();
    assert_eq!(spec.get_document("key").unwrap(), &doc! {"a": 1});
    assert!(shown.windows(2).all(|pair| time(&pair[0]) < time(&pair[1])));
}

#[test]
fn a_name_is_the_one_of_that_time() {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "old", "documents": [{"_id": 1}]});
    rig.ok("admin", doc! {"renameCollection": "db.old", "to": "db.new"});
    rig.ok("db", doc! {"insert": "new", "documents": [{"_id": 2}]});
    rig.ok("db", doc! {"drop": "new"});
    assert_eq!(of(&rig, "db.old").len(), 1);
    assert_eq!(of(&rig, "db.new").len(), 1);
}

#[test]
fn numbered_writes_tell_session_and_statement() {
    let rig = Rig::primary();
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![7; 16] };
    let numbered = |mut command: Document, number: i64| {
        command.extend(doc! {"lsid": {"id": id.clone()}, "txnNumber": number});
        rig.ok("db", command);
    };
    numbered(doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]}, 3);
    numbered(doc! {"delete": "c", "deletes": [{"q": {"_id": 2}, "limit": 1}]}, 4);
    let shown = of(&rig, "db.c");
    let told: Vec<(i64, i32)> = shown
        .iter()
        .map(|one| (one.get_i64("txnNumber").unwrap(), one.get_i32("stmtId").unwrap()))
        .collect();
    assert_eq!(told, [(3, 0), (3, 1), (4, 0)]);
    assert_eq!(
        names(&shown[1]),
        [
            "lsid",
            "txnNumber",
            "op",
            "ns",
            "ui",
            "o",
            "o2",
            "stmtId",
            "ts",
            "t",
            "v",
            "wall",
            "prevOpTime"
        ]
    );
    let lsid = shown[0].get_document("lsid").unwrap();
    assert_eq!(lsid.get("id"), Some(&Bson::Binary(id.clone())));
    let previous = shown[1].get_document("prevOpTime").unwrap();
    assert_eq!(previous.get_timestamp("ts").unwrap(), time(&shown[0]));
    let none = doc! {"ts": Timestamp { time: 0, increment: 0 }, "t": -1_i64};
    assert_eq!(shown[0].get_document("prevOpTime").unwrap(), &none);
}

#[test]
fn everything_that_has_a_time_is_shown() {
    let rig = Rig::primary();
    rig.ok("admin", doc! {"appendOplogNote": 1, "data": {"why": "a mark"}});
    let all = find(&rig, doc! {"batchSize": 1_000});
    let notes: Vec<&Document> = all.iter().map(|one| one.get_document("o").unwrap()).collect();
    assert_eq!(notes[0], &doc! {"msg": "initiating set"});
    assert_eq!(notes.last().unwrap(), &&doc! {"why": "a mark"});
    let status = rig.ok("admin", doc! {"replSetGetStatus": 1});
    let applied = status.get_document("optimes").unwrap().get_document("appliedOpTime").unwrap();
    assert_eq!(applied.get_timestamp("ts").unwrap(), time(all.last().unwrap()));
}

#[test]
fn the_newest_operation_is_read_first_against_the_order() {
    let rig = Rig::primary();
    for n in 0..600 {
        rig.ok("db", doc! {"insert": "c", "documents": [{"_id": n}]});
    }
    let forward = find(&rig, doc! {"batchSize": 2_000});
    for way in [
        doc! {"sort": {"$natural": -1}},
        doc! {"hint": {"$natural": -1}},
        doc! {"sort": {"ts": -1}},
    ] {
        let mut command = doc! {"batchSize": 2_000};
        command.extend(way);
        let mut backward = find(&rig, command);
        backward.reverse();
        assert_eq!(backward, forward);
    }
    let newest = find(&rig, doc! {"sort": {"$natural": -1}, "limit": 1});
    assert_eq!(newest, forward[forward.len() - 1..]);
    let oldest = find(&rig, doc! {"sort": {"$natural": 1}, "limit": 1});
    assert_eq!(oldest, forward[..1]);
    let by_name = find(&rig, doc! {"sort": {"ns": -1, "ts": 1}, "limit": 2, "skip": 1});
    assert_eq!(by_name, forward[forward.len() - 599..forward.len() - 597]);
}

#[test]
fn a_reader_goes_on_from_a_time() {
    let rig = Rig::primary();
    let documents: Vec<Document> = (0..50).map(|n| doc! {"_id": n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": &documents[..25]});
    rig.ok("db", doc! {"insert": "c", "documents": &documents[25..]});
    let all = find(&rig, doc! {"batchSize": 1_000});
    for position in [0, 1, 10, 26, 27, 28, 40, all.len() - 1] {
        let at = time(&all[position]);
        let bounded = |filter: Document| find(&rig, doc! {"filter": filter, "batchSize": 1_000});
        assert_eq!(bounded(doc! {"ts": {"$gte": at}}), all[position..]);
        assert_eq!(bounded(doc! {"ts": {"$gt": at}}), all[position + 1..]);
        assert_eq!(bounded(doc! {"ts": at}), all[position..=position]);
        assert_eq!(bounded(doc! {"ts": {"$lte": at}}), all[..=position]);
        let back = doc! {"filter": {"ts": {"$lt": at}}, "sort": {"$natural": -1}, "limit": 1};
        assert_eq!(find(&rig, back).first(), all[..position].last());
    }
    let command = doc! {
        "aggregate": "oplog.rs", "cursor": {},
        "pipeline": [{"$match": {"ts": {"$gt": time(&all[1])}, "op": "i"}}, {"$count": "n"}],
    };
    assert_eq!(first_batch(&rig.ok("local", command)), [doc! {"n": 50}]);
    let shown = find(&rig, doc! {"projection": {"op": 1, "_id": 0}, "limit": 1});
    assert_eq!(shown, [doc! {"op": "n"}]);
}

#[test]
fn a_tailing_cursor_gets_what_comes() {
    let rig = Rig::primary();
    let command = doc! {"find": "oplog.rs", "tailable": true, "awaitData": true};
    let reply = rig.ok("local", command);
    let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    assert_ne!(id, 0);
    let more = |millis: i32| {
        let more = doc! {"getMore": id, "collection": "oplog.rs", "maxTimeMS": millis};
        let reply = rig.ok("local", more);
        reply.get_document("cursor").unwrap().get_array("nextBatch").unwrap().clone()
    };
    assert!(more(1).is_empty());
    let other = rig.connect();
    std::thread::scope(|scope| {
        scope.spawn(|| other.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]}));
        let created = more(60_000);
        assert!(!created.is_empty());
    });
}

#[test]
fn it_looks_like_a_capped_collection_that_nobody_writes_to() {
    let rig = Rig::primary();
    let listed = rig.ok("local", doc! {"listCollections": 1, "filter": {"name": "oplog.rs"}});
    let options = first_batch(&listed)[0].get_document("options").unwrap().clone();
    assert!(options.get_bool("capped").unwrap());
    assert!(options.get_i64("size").unwrap() > 0);
    let stats = rig.ok("local", doc! {"collStats": "oplog.rs"});
    assert!(stats.get_bool("capped").unwrap());
    assert!(stats.get_i32("maxSize").unwrap() > 0, "{stats}");
    let staged = doc! {
        "aggregate": "oplog.rs", "cursor": {},
        "pipeline": [{"$collStats": {"storageStats": {}, "count": {}}}],
    };
    let staged = first_batch(&rig.ok("local", staged));
    assert!(staged[0].get_document("storageStats").unwrap().get_bool("capped").unwrap());
    let table = [
        (doc! {"insert": "oplog.rs", "documents": [{"_id": 1}]}, 73),
        (doc! {"update": "oplog.rs", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]}, 73),
        (doc! {"delete": "oplog.rs", "deletes": [{"q": {}, "limit": 0}]}, 73),
        (doc! {"create": "oplog.rs"}, 73),
        (doc! {"drop": "oplog.rs"}, 20),
        (doc! {"find": "oplog.rs", "hint": "ts_1"}, 2),
    ];
    for (command, code) in table {
        assert_eq!(rig.refused("local", command.clone()).0, code, "{command}");
    }
}

#[test]
fn a_standalone_has_none() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    assert!(find(&rig, doc! {}).is_empty());
    let listed = rig.ok("local", doc! {"listCollections": 1});
    assert!(first_batch(&listed).is_empty());
}
