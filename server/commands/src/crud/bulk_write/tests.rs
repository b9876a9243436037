use crate::testing::{Rig, first_batch, request};
use quire_bson::{Binary, BinarySubtype, Bson, Document, doc};
use std::sync::atomic::Ordering;

/// Operations over `db.c` and `other.d`.
fn bulk(operations: Vec<Document>) -> Document {
    let namespaces = vec![doc! {"ns": "db.c"}, doc! {"ns": "other.d"}];
    doc! {"bulkWrite": 1, "ops": operations, "nsInfo": namespaces}
}

fn with(mut command: Document, options: Document) -> Document {
    command.extend(options);
    command
}

fn insert(target: i32, id: i32) -> Document {
    doc! {"insert": target, "document": {"_id": id}}
}

fn increment(target: i32, id: i32) -> Document {
    doc! {"update": target, "filter": {"_id": id}, "updateMods": {"$inc": {"n": 1}}}
}

fn delete(target: i32, id: i32) -> Document {
    doc! {"delete": target, "filter": {"_id": id}}
}

fn numbered(command: &Document, number: i64) -> Document {
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] };
    with(command.clone(), doc! {"lsid": {"id": id}, "txnNumber": number})
}

/// The counts in the order of the reply: errors, inserted, matched, modified, upserted, deleted.
fn counts(reply: &Document) -> [i32; 6] {
    ["nErrors", "nInserted", "nMatched", "nModified", "nUpserted", "nDeleted"]
        .map(|name| reply.get_i32(name).unwrap_or_else(|_| panic!("no {name} in {reply}")))
}

fn ids(rig: &Rig, database: &str, collection: &str) -> Vec<i32> {
    let stored = rig.stored(database, collection);
    stored.iter().map(|document| document.get_i32("_id").unwrap()).collect()
}

#[test]
fn operations_of_every_kind_write_to_several_databases() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "n": 1}, {"_id": 2}]});
    let upsert = with(increment(1, 7), doc! {"upsert": true});
    let all = doc! {"delete": 1, "filter": {}, "multi": true};
    let operations =
        vec![insert(0, 3), increment(0, 1), delete(0, 2), upsert, insert(1, 8), all, insert(1, 9)];
    let reply = rig.ok("admin", bulk(operations));
    let results = vec![
        doc! {"ok": 1.0, "idx": 0, "n": 1},
        doc! {"ok": 1.0, "idx": 1, "n": 1, "nModified": 1},
        doc! {"ok": 1.0, "idx": 2, "n": 1},
        doc! {"ok": 1.0, "idx": 3, "n": 1, "nModified": 0, "upserted": {"_id": 7}},
        doc! {"ok": 1.0, "idx": 4, "n": 1},
        doc! {"ok": 1.0, "idx": 5, "n": 2},
        doc! {"ok": 1.0, "idx": 6, "n": 1},
    ];
    let cursor = doc! {"id": 0_i64, "ns": "admin.$cmd.bulkWrite", "firstBatch": results};
    let wanted = doc! {
        "cursor": cursor,
        "nErrors": 0, "nInserted": 3, "nMatched": 1, "nModified": 1, "nUpserted": 1, "nDeleted": 3,
        "ok": 1.0,
    };
    assert_eq!(reply, wanted);
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "n": 2}, doc! {"_id": 3}]);
    assert_eq!(rig.stored("other", "d"), [doc! {"_id": 9}]);
}

#[test]
fn operations_and_namespaces_may_come_in_sequences() {
    let rig = Rig::new();
    let (operations, namespaces) = ([insert(0, 1), insert(1, 2)], bulk(vec![]));
    let namespaces: Vec<Document> = namespaces
        .get_array("nsInfo")
        .unwrap()
        .iter()
        .map(|one| one.as_document().unwrap().clone())
        .collect();
    let command = doc! {"bulkWrite": 1};
    let sequences: [(&str, &[Document]); 2] = [("ops", &operations), ("nsInfo", &namespaces)];
    let reply = rig.run_with("admin", command.clone(), &sequences);
    assert_eq!(counts(&reply), [0, 2, 0, 0, 0, 0]);
    let sequences: [(&str, &[Document]); 2] = [("ops", &operations), ("more", &namespaces)];
    let reply = rig.run_with("admin", command, &sequences);
    assert_eq!(reply.get_i32("code").ok(), Some(40415));
}

#[test]
fn an_error_ends_an_ordered_command_and_no_unordered_one() {
    let table = [
        (true, vec![insert(0, 1), insert(0, 1), insert(0, 2)], [1, 1, 0, 0, 0, 0], vec![1.0, 0.0]),
        (
            false,
            vec![insert(0, 1), insert(0, 1), insert(0, 2)],
            [1, 2, 0, 0, 0, 0],
            vec![1.0, 0.0, 1.0],
        ),
        (
            true,
            vec![
                insert(0, 1),
                doc! {"update": 0, "filter": {}, "updateMods": {"$no": 1}},
                delete(0, 1),
            ],
            [1, 1, 0, 0, 0, 0],
            vec![1.0, 0.0],
        ),
        (
            false,
            vec![doc! {"delete": 0, "filter": {"$no": 1}}, insert(0, 1), delete(0, 1)],
            [1, 1, 0, 0, 0, 1],
            vec![0.0, 1.0, 1.0],
        ),
    ];
    for (ordered, operations, wanted, oks) in table {
        let rig = Rig::new();
        let reply = rig.run("admin", with(bulk(operations.clone()), doc! {"ordered": ordered}));
        assert_eq!(counts(&reply), wanted, "{operations:?}");
        let results = first_batch(&reply);
        let got: Vec<f64> = results.iter().map(|one| one.get_f64("ok").unwrap()).collect();
        assert_eq!(got, oks, "{operations:?}");
    }
}

#[test]
fn a_failed_operation_is_told_with_all_that_is_known() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    rig.create("other", "d", doc! {"viewOn": "c", "pipeline": []});
    let operations = vec![
        insert(0, 1),
        insert(1, 5),
        doc! {"update": 1, "filter": {"_id": 1}, "updateMods": {"a": 1}},
        doc! {"update": 0, "filter": {}, "updateMods": [], "sort": {"a": 1}, "multi": true},
        doc! {"update": 0, "filter": {}, "updateMods": {"a": 1}, "constants": {"x": 1}},
    ];
    let reply = rig.run("admin", with(bulk(operations), doc! {"ordered": false}));
    let results = first_batch(&reply);
    let view = "Namespace other.d is a view, not a collection";
    let duplicate = "E11000 duplicate key error collection: db.c index: _id_ dup key: { _id: 1 }";
    let failed = |idx: i32, code: i32, errmsg: &str| {
        doc! {"ok": 0.0, "idx": idx, "code": code, "errmsg": errmsg}
    };
    let known = doc! {"keyPattern": {"_id": 1}, "keyValue": {"_id": 1}, "n": 0};
    assert_eq!(results[0], with(failed(0, 11000, duplicate), known));
    assert_eq!(results[1], with(failed(1, 166, view), doc! {"n": 0}));
    let of_update = doc! {"n": 0, "nModified": 0};
    assert_eq!(results[2], with(failed(2, 166, view), of_update.clone()));
    let both = "Cannot specify sort with multi=true";
    assert_eq!(results[3], with(failed(3, 9, both), of_update.clone()));
    let constants = "Constant values may only be specified for pipeline updates";
    assert_eq!(results[4], with(failed(4, 51198, constants), of_update));
    assert_eq!(counts(&reply), [5, 0, 0, 0, 0, 0]);
}

#[test]
fn successes_are_counted_and_not_told_of_when_only_errors_are_asked_for() {
    let rig = Rig::new();
    let operations = vec![insert(0, 1), insert(0, 1)];
    let told = |options: Document| {
        let rig = Rig::new();
        let reply = rig.run("admin", with(bulk(operations.clone()), options));
        assert_eq!(counts(&reply), [1, 1, 0, 0, 0, 0]);
        first_batch(&reply).iter().map(|one| one.get_i32("idx").unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(told(doc! {}), [0, 1]);
    assert_eq!(told(doc! {"errorsOnly": true}), [1]);
    assert!(told(doc! {"writeConcern": {"w": 0}}).is_empty());
    let reply = rig.ok("admin", with(bulk(vec![insert(0, 1)]), doc! {"errorsOnly": true}));
    assert!(first_batch(&reply).is_empty());
}

#[test]
fn everything_is_read_before_anything_is_written() {
    let missing = |field: &str| {
        (40414, format!("BSON field 'bulkWrite.ops.{field}' is missing but a required field"))
    };
    let unknown =
        |path: &str| (40415, format!("BSON field 'bulkWrite.{path}' is an unknown field."));
    let text = |code: i32, text: &str| (code, text.to_owned());
    let kinds = "BSON field 'bulkWrite.ops.insert' is the wrong type 'string', expected types \
                 '[long, int, decimal, double]'";
    let table = [
        (doc! {"insert": 0}, missing("document")),
        (doc! {"update": 0, "updateMods": {}}, missing("filter")),
        (doc! {"update": 0, "filter": {}}, missing("updateMods")),
        (doc! {"delete": 0}, missing("filter")),
        (doc! {"delete": 0, "filter": {}, "limit": 1}, unknown("ops.limit")),
        (doc! {"replace": 0, "document": {}}, unknown("replace")),
        (doc! {"document": {}, "insert": 0}, unknown("document")),
        (doc! {"insert": "0", "document": {}}, text(14, kinds)),
        (
            doc! {"insert": -1, "document": {}},
            text(2, "BSON field 'insert' value must be >= 0, actual value '-1'"),
        ),
        (
            doc! {"insert": 2, "document": {"_id": 2}},
            text(
                2,
                "BulkWrite ops entry { insert: 2, document: { _id: 2 } } has an invalid nsInfo \
                 index.",
            ),
        ),
        (
            doc! {"update": 0, "filter": {}, "updateMods": 5},
            text(9, "Update argument must be either an object or an array"),
        ),
        (
            doc! {"delete": 0, "filter": {}, "hint": 5},
            text(9, "Hint must be a string or an object"),
        ),
        (
            doc! {"delete": 0, "filter": {}, "multi": 1},
            text(
                14,
                "BSON field 'bulkWrite.ops.multi' is the wrong type 'int', expected type 'bool'",
            ),
        ),
    ];
    let rig = Rig::new();
    for (operation, wanted) in table {
        let refused = rig.refused("admin", bulk(vec![insert(0, 1), operation.clone()]));
        assert_eq!(refused, wanted, "{operation}");
    }
    assert!(rig.stored("db", "c").is_empty());
}

#[test]
fn the_command_itself_is_held_to_its_form() {
    let (operation, namespace) = (vec![insert(0, 1)], vec![doc! {"ns": "db.c"}]);
    let command = |operations: Bson, namespaces: Bson| {
        doc! {"bulkWrite": 1, "ops": operations, "nsInfo": namespaces}
    };
    let with_ns = |ns: &str| {
        command(operation.clone().into(), vec![doc! {"ns": "db.c"}, doc! {"ns": ns}].into())
    };
    let good = command(operation.clone().into(), namespace.clone().into());
    let none: Vec<Document> = Vec::new();
    let many = vec![insert(0, 1); 100_001];
    let invalid = "Invalid namespace specified for bulkWrite:";
    let table = [
        (
            command(none.clone().into(), namespace.clone().into()),
            16,
            "Write batch sizes must be between 1 and 100000. Got 0 operations.".to_owned(),
        ),
        (
            command(many.into(), namespace.clone().into()),
            16,
            "Write batch sizes must be between 1 and 100000. Got 100001 operations.".to_owned(),
        ),
        (
            doc! {"bulkWrite": 1, "ops": operation.clone()},
            40414,
            "BSON field 'bulkWrite.nsInfo' is missing but a required field".to_owned(),
        ),
        (
            command(none.into(), 5.into()),
            14,
            "BSON field 'bulkWrite.nsInfo' is the wrong type 'int', expected type 'array'"
                .to_owned(),
        ),
        (
            command(operation.clone().into(), vec![Bson::Int32(5)].into()),
            14,
            "BSON field 'bulkWrite.nsInfo.0' is the wrong type 'int', expected type 'object'"
                .to_owned(),
        ),
        (
            command(operation.clone().into(), vec![doc! {"x": 1}].into()),
            40415,
            "BSON field 'bulkWrite.nsInfo.x' is an unknown field.".to_owned(),
        ),
        (with_ns("nodot"), 73, format!("{invalid} 'nodot'")),
        (with_ns("db."), 73, format!("{invalid} 'db'")),
        (with_ns("."), 73, format!("{invalid} ''")),
        (
            with(good.clone(), doc! {"more": 1}),
            40415,
            "BSON field 'bulkWrite.more' is an unknown field.".to_owned(),
        ),
        (
            with(good.clone(), doc! {"cursor": {"batchSize": -1}}),
            2,
            "BSON field 'batchSize' value must be >= 0, actual value '-1'".to_owned(),
        ),
    ];
    let rig = Rig::new();
    for (command, code, message) in table {
        assert_eq!(rig.refused("admin", command), (code, message));
    }
    let elsewhere = "bulkWrite may only be run against the admin database.".to_owned();
    assert_eq!(rig.refused("db", good), (13, elsewhere));
    assert!(rig.stored("db", "c").is_empty());
}

#[test]
fn a_collection_that_clients_may_not_write_to_is_refused_if_it_is_used() {
    let rig = Rig::new();
    let command = |operations: Vec<Document>| {
        let namespaces = vec![doc! {"ns": "db.c"}, doc! {"ns": "db.system.views"}];
        doc! {"bulkWrite": 1, "ops": operations, "nsInfo": namespaces}
    };
    assert_eq!(rig.refused("admin", command(vec![insert(0, 1), insert(1, 1)])).0, 73);
    assert!(rig.stored("db", "c").is_empty());
    rig.ok("admin", command(vec![insert(0, 1)]));
}

#[test]
fn options_of_operations_and_of_the_command_have_their_effect() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {"validator": {"n": {"$lt": 100}}});
    let documents = vec![doc! {"_id": 1, "s": "A", "n": 5, "l": [1, 5]}, doc! {"_id": 2, "n": 3}];
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    let set = |field: &str| doc! {"$set": {field: 1}};
    let english = doc! {"locale": "en", "strength": 2};
    let operations = vec![
        doc! {"update": 0, "filter": {}, "updateMods": set("first"), "sort": {"n": 1}},
        doc! {"update": 0, "filter": {"s": "a"}, "updateMods": set("any"), "collation": english},
        doc! {"update": 0, "filter": {"_id": 1}, "updateMods": {"$set": {"l.$[x]": 0}},
        "arrayFilters": [{"x": 5}]},
        doc! {"update": 0, "filter": {"_id": 2}, "updateMods": [{"$set": {"c": "$$mine"}}],
        "constants": {"mine": 4}},
        doc! {"update": 0, "filter": {"$expr": {"$eq": ["$_id", "$$two"]}},
        "updateMods": set("let"), "hint": "_id_"},
    ];
    let reply = rig.ok("admin", with(bulk(operations), doc! {"let": {"two": 2}}));
    assert_eq!(counts(&reply), [0, 0, 5, 5, 0, 0], "{reply}");
    let first = doc! {"_id": 1, "s": "A", "n": 5, "l": [1, 0], "any": 1};
    let second = doc! {"_id": 2, "n": 3, "first": 1, "c": 4, "let": 1};
    assert_eq!(rig.stored("db", "c"), [first, second]);
    let invalid = bulk(vec![doc! {"insert": 0, "document": {"_id": 3, "n": 100}}]);
    let refused = &first_batch(&rig.run("admin", invalid.clone()))[0];
    assert_eq!(refused.get_i32("code").unwrap(), 121);
    assert!(refused.get_document("errInfo").is_ok());
    let reply = rig.ok("admin", with(invalid, doc! {"bypassDocumentValidation": true}));
    assert_eq!(counts(&reply)[1], 1);
}

#[test]
fn results_beyond_the_batch_are_read_from_a_cursor() {
    let table: [(Option<i32>, usize); 5] =
        [(None, 5), (Some(2), 2), (Some(0), 0), (Some(5), 5), (Some(9), 5)];
    for (size, first) in table {
        let rig = Rig::new();
        let command = bulk((0..5).map(|n| insert(n % 2, n)).collect());
        let options = size.map_or(doc! {}, |size| doc! {"cursor": {"batchSize": size}});
        let reply = rig.ok("admin", with(command, options));
        let mut results = first_batch(&reply);
        assert_eq!(results.len(), first, "{size:?}");
        let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
        assert_eq!(id == 0, first == 5, "{size:?}");
        if id != 0 {
            let more = rig.ok("admin", doc! {"getMore": id, "collection": "$cmd.bulkWrite"});
            let cursor = more.get_document("cursor").unwrap();
            assert_eq!(cursor.get_i64("id").unwrap(), 0);
            assert_eq!(cursor.get_str("ns").unwrap(), "admin.$cmd.bulkWrite");
            let more = cursor.get_array("nextBatch").unwrap();
            results.extend(more.iter().map(|one| one.as_document().unwrap().clone()));
        }
        let order: Vec<i32> = results.iter().map(|one| one.get_i32("idx").unwrap()).collect();
        assert_eq!(order, [0, 1, 2, 3, 4], "{size:?}");
    }
}

#[test]
fn results_that_no_reply_can_hold_are_left_to_the_cursor() {
    let rig = Rig::new();
    let index = doc! {"key": {"a": 1}, "name": "a_1", "unique": true};
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [index]});
    let long = "x".repeat(1 << 20);
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 0, "a": long.as_str()}]});
    let operation = |id: i32| doc! {"insert": 0, "document": {"_id": id, "a": long.as_str()}};
    let operations: Vec<Document> = (1..12).map(operation).collect();
    let command = doc! {"bulkWrite": 1, "nsInfo": [{"ns": "db.c"}], "ordered": false};
    let reply = rig.run_with("admin", command, &[("ops", &operations)]);
    assert_eq!(counts(&reply)[0], 11);
    let told = first_batch(&reply).len();
    assert!((1..11).contains(&told), "{told} results in one batch");
    let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    let more = rig.ok("admin", doc! {"getMore": id, "collection": "$cmd.bulkWrite"});
    let more = more.get_document("cursor").unwrap().get_array("nextBatch").unwrap();
    assert_eq!(told + more.len(), 11);
}

#[test]
fn the_cursor_can_be_killed() {
    let rig = Rig::new();
    let command = bulk(vec![insert(0, 1), insert(0, 2)]);
    let reply = rig.ok("admin", with(command, doc! {"cursor": {"batchSize": 1}}));
    let id = reply.get_document("cursor").unwrap().get_i64("id").unwrap();
    let killed = rig.ok("admin", doc! {"killCursors": "$cmd.bulkWrite", "cursors": [id]});
    assert_eq!(killed.get_array("cursorsKilled").unwrap(), &[Bson::Int64(id)]);
    let refused = rig.refused("admin", doc! {"getMore": id, "collection": "$cmd.bulkWrite"});
    assert_eq!(refused.0, 43);
}

#[test]
fn each_operation_counts_as_its_own_kind() {
    let rig = Rig::new();
    let counters = &rig.server.counters;
    let all = || {
        [&counters.insert, &counters.update, &counters.delete, &counters.command]
            .map(|counter| counter.load(Ordering::Relaxed))
    };
    let before = all();
    let operations = vec![insert(0, 1), insert(0, 2), increment(0, 1), delete(0, 1), delete(0, 2)];
    rig.ok("admin", bulk(operations));
    let counted: Vec<u64> =
        all().iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(counted, [2, 1, 2, 0]);
}

#[test]
fn inserts_that_follow_each_other_share_an_entry_of_the_log() {
    let rig = Rig::new();
    rig.ok("admin", bulk(vec![insert(0, -1), insert(1, -1)]));
    let entries = |operations: Vec<Document>| {
        let before = rig.server.sequencer.replica().stats().committed_entries;
        rig.ok("admin", bulk(operations));
        rig.server.sequencer.replica().stats().committed_entries - before
    };
    assert_eq!(entries((0..50).map(|n| insert(0, n)).collect()), 1);
    assert_eq!(entries((50..60).map(|n| insert(n % 2, n)).collect()), 10);
    assert_eq!(ids(&rig, "other", "d"), [-1, 51, 53, 55, 57, 59]);
}

#[test]
fn operations_see_what_those_before_them_wrote() {
    let rig = Rig::new();
    let many = doc! {"update": 0, "filter": {"n": {"$gt": 0}}, "updateMods": {"$inc": {"n": 10}},
    "multi": true};
    let mut operations: Vec<Document> = (0..200).map(|n| insert(0, n)).collect();
    operations.extend((0..200).map(|n| increment(0, n)));
    operations.push(many);
    operations.extend((0..100).map(|n| delete(0, n)));
    operations.push(insert(0, 5));
    let reply = rig.ok("admin", bulk(operations));
    assert_eq!(counts(&reply), [0, 201, 400, 400, 0, 100]);
    let stored = rig.stored("db", "c");
    assert_eq!(stored.len(), 101);
    assert_eq!(stored[0], doc! {"_id": 5});
    assert_eq!(stored[1], doc! {"_id": 100, "n": 11});
}

#[test]
fn a_retry_is_told_what_the_first_attempt_did() {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "n": 0}, {"_id": 2}]});
    let upsert = with(increment(1, 7), doc! {"upsert": true});
    let command = bulk(vec![
        insert(0, 3),
        insert(0, 4),
        increment(0, 1),
        delete(0, 2),
        upsert,
        insert(1, 5),
        insert(1, 6),
        increment(0, 99),
    ]);
    let first = rig.ok("admin", numbered(&command, 1));
    assert_eq!(counts(&first), [0, 4, 1, 1, 1, 1]);
    assert!(first.get("retriedStmtIds").is_none());
    let stored = (rig.stored("db", "c"), rig.stored("other", "d"));
    let again = rig.connect().ok("admin", numbered(&command, 1));
    assert_eq!(counts(&again), counts(&first));
    assert_eq!(first_batch(&again), first_batch(&first));
    // The last one changed nothing, and so was evaluated again.
    let retried: Vec<Bson> = (0..7).map(Bson::Int32).collect();
    assert_eq!(again.get_array("retriedStmtIds").unwrap(), &retried);
    assert_eq!((rig.stored("db", "c"), rig.stored("other", "d")), stored);
}

#[test]
fn a_retry_goes_on_where_the_first_attempt_ended() {
    let rig = Rig::primary();
    rig.ok("other", doc! {"insert": "d", "documents": [{"_id": 2}]});
    let command = bulk(vec![insert(0, 1), insert(1, 1), insert(1, 2), insert(0, 2)]);
    let first = rig.run("admin", numbered(&command, 1));
    assert_eq!(counts(&first), [1, 2, 0, 0, 0, 0]);
    rig.ok("other", doc! {"delete": "d", "deletes": [{"q": {"_id": 2}, "limit": 1}]});
    let again = rig.ok("admin", numbered(&command, 1));
    assert_eq!(counts(&again), [0, 4, 0, 0, 0, 0]);
    let retried = again.get_array("retriedStmtIds").unwrap();
    assert_eq!(retried, &[Bson::Int32(0), Bson::Int32(1)]);
    assert_eq!((ids(&rig, "db", "c"), ids(&rig, "other", "d")), (vec![1, 2], vec![1, 2]));
}

#[test]
fn ids_of_operations_are_those_the_client_gives() {
    let rig = Rig::primary();
    let command = bulk(vec![insert(0, 1), insert(1, 2)]);
    let given = with(command.clone(), doc! {"stmtIds": [9, 4]});
    rig.ok("admin", numbered(&given, 1));
    let other = bulk(vec![insert(1, 2), insert(0, 5), insert(0, 1)]);
    let again = rig.ok("admin", numbered(&with(other, doc! {"stmtIds": [4, 5, 9]}), 1));
    assert_eq!(again.get_array("retriedStmtIds").unwrap(), &[Bson::Int32(4), Bson::Int32(9)]);
    assert_eq!(ids(&rig, "db", "c"), [1, 5]);
    let short = with(command, doc! {"stmtIds": [1]});
    assert_eq!(rig.refused("admin", numbered(&short, 2)).0, 16);
}

#[test]
fn a_numbered_operation_over_many_documents_is_refused() {
    let rig = Rig::primary();
    let refused = "Cannot use (or request) retryable writes with multi=true";
    for operation in [
        doc! {"update": 0, "filter": {}, "updateMods": {"$set": {"a": 1}}, "multi": true},
        doc! {"delete": 0, "filter": {}, "multi": true},
    ] {
        let reply = rig.run("admin", numbered(&bulk(vec![insert(0, 1), operation]), 1));
        let result = &first_batch(&reply)[1];
        assert_eq!(result.get_i32("code").unwrap(), 72);
        assert_eq!(result.get_str("errmsg").unwrap(), refused);
    }
}

#[test]
fn versions_before_it_do_not_have_the_command() {
    let command = bulk(vec![insert(0, 1)]);
    assert_eq!(Rig::primary_as("7.0").refused("admin", command.clone()).0, 59);
    Rig::primary_as("8.0").ok("admin", command);
}

#[test]
fn a_member_that_is_not_primary_refuses_the_command_as_a_whole() {
    let reply = Rig::secondary().run("admin", bulk(vec![insert(0, 1)]));
    assert_eq!(reply.get_i32("code").ok(), Some(10107));
}

#[test]
fn a_running_command_is_shown_by_the_name_of_its_cursor() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"profile": 2});
    let asked = request("admin", bulk(vec![insert(0, 1)]), &[]);
    rig.respond(&asked);
    let record = rig.stored("admin", "system.profile").pop().unwrap();
    assert_eq!(record.get_str("op").unwrap(), "bulkWrite");
    assert_eq!(record.get_str("ns").unwrap(), "admin.$cmd.bulkWrite");
}
