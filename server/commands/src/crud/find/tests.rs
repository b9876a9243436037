use crate::testing::Rig;
use quire_bson::{Document, doc};

/// A collection of these documents.
fn with(documents: Vec<Document>) -> Rig {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

fn numbered(count: i32) -> Rig {
    with((1..=count).map(|n| doc! {"_id": n, "a": n % 3}).collect())
}

/// The first batch and the cursor's id.
fn found(rig: &Rig, command: Document) -> (Vec<Document>, i64) {
    let reply = rig.ok("db", command);
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_str("ns").unwrap(), "db.c");
    let batch = cursor.get_array("firstBatch").unwrap();
    let batch = batch.iter().map(|doc| doc.as_document().unwrap().clone()).collect();
    (batch, cursor.get_i64("id").unwrap())
}

fn ids(rig: &Rig, command: Document) -> Vec<i32> {
    found(rig, command).0.iter().map(|doc| doc.get_i32("_id").unwrap()).collect()
}

#[test]
fn an_id_finds_its_document_by_itself_or_with_options() {
    let rig = with(vec![doc! {"_id": 1, "a": 1}, doc! {"_id": {"x": 1}}, doc! {"_id": null}]);
    for (command, expected) in [
        (doc! {"find": "c", "filter": {"_id": 1}}, vec![doc! {"_id": 1, "a": 1}]),
        (doc! {"find": "c", "filter": {"_id": 1.0}, "limit": 1}, vec![doc! {"_id": 1, "a": 1}]),
        (doc! {"find": "c", "filter": {"_id": {"x": 1}}}, vec![doc! {"_id": {"x": 1}}]),
        (doc! {"find": "c", "filter": {"_id": null}}, vec![doc! {"_id": null}]),
        (doc! {"find": "c", "filter": {"_id": 2}}, vec![]),
        (doc! {"find": "c", "filter": {"_id": {"$gt": 0}}}, vec![doc! {"_id": 1, "a": 1}]),
        (doc! {"find": "c", "filter": {"_id": 1}, "projection": {"a": 0}}, vec![doc! {"_id": 1}]),
        (doc! {"find": "c", "filter": {"_id": 1}, "skip": 1}, vec![]),
        (doc! {"find": "c", "filter": {"_id": {"$in": [1, 5, {"x": 1}]}}}, {
            vec![doc! {"_id": 1, "a": 1}, doc! {"_id": {"x": 1}}]
        }),
    ] {
        assert_eq!(found(&rig, command.clone()), (expected, 0), "{command}");
    }
}

#[test]
fn a_name_that_stands_for_nothing_is_empty() {
    let rig = Rig::new();
    assert_eq!(found(&rig, doc! {"find": "c"}), (vec![], 0));
    assert_eq!(found(&rig, doc! {"find": "c", "filter": {"_id": 1}}), (vec![], 0));
}

#[test]
fn sort_skip_and_limit_work_together() {
    let rig = numbered(9);
    for (command, expected) in [
        (doc! {"find": "c", "sort": {"_id": -1}, "limit": 2}, vec![9, 8]),
        (doc! {"find": "c", "sort": {"a": 1, "_id": -1}, "skip": 1, "limit": 3}, vec![6, 3, 7]),
        (doc! {"find": "c", "sort": {"$natural": -1}, "limit": 1}, vec![9]),
        (doc! {"find": "c", "skip": 7}, vec![8, 9]),
        (doc! {"find": "c", "filter": {"a": 1}, "limit": 2, "singleBatch": true}, vec![1, 4]),
        (doc! {"find": "c", "hint": {"$natural": -1}, "limit": 2}, vec![9, 8]),
    ] {
        assert_eq!(ids(&rig, command.clone()), expected, "{command}");
    }
}

#[test]
fn a_first_batch_is_as_long_as_asked_and_keeps_a_cursor() {
    let rig = numbered(200);
    for (command, length, open) in [
        (doc! {"find": "c"}, 101, true),
        (doc! {"find": "c", "batchSize": 0}, 0, true),
        (doc! {"find": "c", "batchSize": 5}, 5, true),
        (doc! {"find": "c", "batchSize": 5, "singleBatch": true}, 5, false),
        (doc! {"find": "c", "limit": 5, "batchSize": 5}, 5, false),
        (doc! {"find": "c", "batchSize": 500}, 200, false),
    ] {
        let (batch, id) = found(&rig, command.clone());
        assert_eq!((batch.len(), id != 0), (length, open), "{command}");
    }
}

#[test]
fn a_batch_ends_before_it_is_too_large() {
    let large = "x".repeat(6 << 20);
    let rig = Rig::new();
    for n in 0..4 {
        rig.ok("db", doc! {"insert": "c", "documents": [{"_id": n, "a": &large}]});
    }
    let (batch, id) = found(&rig, doc! {"find": "c"});
    assert_eq!(batch.len(), 2);
    let reply = rig.ok("db", doc! {"getMore": id, "collection": "c"});
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_array("nextBatch").unwrap().len(), 2);
}

#[test]
fn record_ids_and_keys_are_shown_on_request() {
    let rig = with(vec![doc! {"_id": 1, "a": 5}]);
    let (batch, _) = found(&rig, doc! {"find": "c", "showRecordId": true, "projection": {"a": 1}});
    assert_eq!(batch[0].keys().collect::<Vec<_>>(), ["_id", "a", "$recordId"]);
    let command = doc! {"find": "c", "filter": {"_id": 1}, "returnKey": true};
    assert_eq!(found(&rig, command).0, [doc! {"_id": 1}]);
    let command = doc! {"find": "c", "sort": {"_id": 1}, "returnKey": true, "showRecordId": true};
    assert_eq!(found(&rig, command).0, [doc! {"_id": 1}], "keys go alone");
}

#[test]
fn options_that_make_no_sense_are_refused() {
    let rig = numbered(1);
    for (command, code, part) in [
        (doc! {"find": "c", "limit": -1}, 2, "BSON field 'limit' value must be >= 0"),
        (doc! {"find": "c", "batchSize": -1}, 2, "BSON field 'batchSize' value must be >= 0"),
        (doc! {"find": "c", "skip": -1}, 2, "BSON field 'skip' value must be >= 0"),
        (doc! {"find": "c", "ntoreturn": 1}, 40415, "'FindCommandRequest.ntoreturn'"),
        (doc! {"find": "c", "filter": 1}, 14, "expected type 'object'"),
        (doc! {"find": "c", "awaitData": true}, 9, "without also setting 'tailable'"),
        (doc! {"find": "c", "tailable": true}, 2, "tailable cursor requested on non capped"),
        (doc! {"find": "c", "hint": "b_1"}, 2, "hint provided does not correspond"),
        (doc! {"find": "c", "min": {"a": 1}}, 51173, "a hint of which index to use"),
        (doc! {"find": "c", "collation": {"locale": "xx"}}, 2, "Field 'locale' is invalid"),
        (doc! {"find": "c", "filter": {"$foo": 1}}, 2, "unknown top level operator: $foo"),
        (doc! {"find": 1}, 73, "collection name has invalid type int"),
    ] {
        let (refused, message) = rig.refused("db", command.clone());
        assert_eq!(refused, code, "{command}: {message}");
        assert!(message.contains(part), "{command}: {message}");
    }
}

#[test]
fn a_hinted_index_is_walked_from_min_to_max() {
    let rig = with((0..6).map(|n| doc! {"_id": n, "a": 10 - n}).collect());
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}, "name": "a_1"}]});
    for (command, expected) in [
        (doc! {"find": "c", "hint": "a_1", "min": {"a": 7}, "max": {"a": 9}}, vec![3, 2]),
        (doc! {"find": "c", "hint": {"a": 1}, "max": {"a": 6}}, vec![5]),
        (doc! {"find": "c", "hint": "_id_", "min": {"_id": 4}}, vec![4, 5]),
        (doc! {"find": "c", "hint": "a_1", "filter": {"_id": {"$lt": 2}}}, vec![1, 0]),
    ] {
        assert_eq!(ids(&rig, command.clone()), expected, "{command}");
    }
    let keys = doc! {"find": "c", "filter": {"a": 5}, "returnKey": true};
    assert_eq!(found(&rig, keys).0, [doc! {"a": 5}]);
    let numbered = doc! {"find": "c", "sort": {"$natural": 1}, "hint": "a_1"};
    assert_eq!(rig.refused("db", numbered).0, 2);
}
