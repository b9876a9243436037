use crate::testing::{Rig, flagged_request};
use quire_bson::{Document, doc};
use quire_protocol::Flags;
use std::time::{Duration, Instant};

fn numbered(count: i32) -> Rig {
    let rig = Rig::new();
    let documents: Vec<Document> = (1..=count).map(|n| doc! {"_id": n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

/// The ids in a reply's batch, and the cursor's id.
fn batch(reply: &Document) -> (Vec<i32>, i64) {
    let cursor = reply.get_document("cursor").unwrap();
    let list = cursor.get_array("nextBatch").or_else(|_| cursor.get_array("firstBatch")).unwrap();
    let ids = list.iter().map(|doc| doc.as_document().unwrap().get_i32("_id").unwrap());
    (ids.collect(), cursor.get_i64("id").unwrap())
}

fn open(rig: &Rig, find: Document) -> i64 {
    batch(&rig.ok("db", find)).1
}

#[test]
fn batches_follow_each_other_to_the_end() {
    let rig = numbered(5);
    let id = open(&rig, doc! {"find": "c", "batchSize": 2});
    let next = doc! {"getMore": id, "collection": "c", "batchSize": 2};
    assert_eq!(batch(&rig.ok("db", next.clone())), (vec![3, 4], id));
    assert_eq!(batch(&rig.ok("db", next.clone())), (vec![5], 0));
    assert_eq!(rig.refused("db", next), (43, format!("cursor id {id} not found")));
}

#[test]
fn a_limit_holds_over_all_batches() {
    let rig = numbered(9);
    let id = open(&rig, doc! {"find": "c", "batchSize": 2, "limit": 5});
    let reply = rig.ok("db", doc! {"getMore": id, "collection": "c"});
    assert_eq!(batch(&reply), (vec![3, 4, 5], 0));
}

#[test]
fn a_cursor_sees_what_changed_behind_its_place_only() {
    let rig = numbered(4);
    let id = open(&rig, doc! {"find": "c", "batchSize": 2});
    rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {"_id": 4}, "limit": 1}]});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 0}, {"_id": 7}]});
    let (rest, _) = batch(&rig.ok("db", doc! {"getMore": id, "collection": "c"}));
    assert!(!rest.contains(&0) && rest.contains(&3), "{rest:?}");
}

#[test]
fn a_cursor_is_refused_to_others() {
    let rig = numbered(4);
    let id = open(&rig, doc! {"find": "c", "batchSize": 1});
    assert_eq!(rig.refused("db", doc! {"getMore": id, "collection": "d"}).0, 13);
    let lsid = quire_bson::Binary { subtype: quire_bson::BinarySubtype::Uuid, bytes: vec![1; 16] };
    let command = doc! {"getMore": id, "collection": "c", "lsid": {"id": lsid}};
    assert_eq!(rig.refused("db", command).0, 50736);
    assert_eq!(batch(&rig.ok("db", doc! {"getMore": id, "collection": "c"})).0, [2, 3, 4]);
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let rig = numbered(4);
    let id = open(&rig, doc! {"find": "c", "batchSize": 1});
    assert_eq!(rig.refused("db", doc! {"getMore": 5, "collection": "c"}).0, 14);
    let timed = doc! {"getMore": id, "collection": "c", "maxTimeMS": 5};
    assert_eq!(rig.refused("db", timed).0, 2);
}

#[test]
fn a_cursor_ends_with_its_collection() {
    let rig = numbered(4);
    let id = open(&rig, doc! {"find": "c", "batchSize": 1});
    rig.ok("db", doc! {"drop": "c"});
    let (code, message) = rig.refused("db", doc! {"getMore": id, "collection": "c"});
    assert_eq!(code, 175);
    assert!(message.starts_with("collection dropped. UUID "), "{message}");
    assert_eq!(rig.refused("db", doc! {"getMore": id, "collection": "c"}).0, 43);
}

#[test]
fn a_cursor_ends_with_its_index() {
    let rig = numbered(4);
    let index = doc! {"key": {"a": 1}, "name": "a_1"};
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [index]});
    let id = open(&rig, doc! {"find": "c", "hint": "a_1", "batchSize": 1});
    rig.ok("db", doc! {"dropIndexes": "c", "index": "a_1"});
    let refused = rig.refused("db", doc! {"getMore": id, "collection": "c"});
    assert_eq!(refused, (175, "index 'a_1' dropped".to_owned()));
}

/// A capped collection of five documents at most, holding two.
fn capped() -> Rig {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "capped": true, "size": 100_000, "max": 5});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 2}, {"_id": 1}]});
    rig
}

#[test]
fn a_tailing_cursor_stays_open_and_finds_what_is_added() {
    let rig = capped();
    let reply = rig.ok("db", doc! {"find": "c", "tailable": true});
    let (ids, id) = batch(&reply);
    assert_eq!(ids, [2, 1]);
    assert_ne!(id, 0);
    let next = doc! {"getMore": id, "collection": "c"};
    assert_eq!(batch(&rig.ok("db", next.clone())), (vec![], id));
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 7}, {"_id": 3}]});
    assert_eq!(batch(&rig.ok("db", next)), (vec![7, 3], id));
}

#[test]
fn a_tailing_cursor_that_was_overtaken_is_lost() {
    let rig = capped();
    let id = open(&rig, doc! {"find": "c", "tailable": true, "batchSize": 1});
    rig.ok("db", doc! {"getMore": id, "collection": "c"});
    let documents: Vec<Document> = (10..20).map(|n| doc! {"_id": n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    assert_eq!(rig.refused("db", doc! {"getMore": id, "collection": "c"}).0, 136);
}

#[test]
fn an_empty_capped_collection_cannot_be_tailed_yet() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "capped": true, "size": 100_000});
    assert_eq!(batch(&rig.ok("db", doc! {"find": "c", "tailable": true})), (vec![], 0));
}

#[test]
fn an_awaiting_cursor_waits_for_the_time_it_is_given() {
    let rig = capped();
    let id = open(&rig, doc! {"find": "c", "tailable": true, "awaitData": true});
    let began = Instant::now();
    let next = doc! {"getMore": id, "collection": "c", "maxTimeMS": 50};
    assert_eq!(batch(&rig.ok("db", next)), (vec![], id));
    assert!(began.elapsed() >= Duration::from_millis(50));
}

#[test]
fn an_awaiting_cursor_is_woken_by_an_insert() {
    let rig = capped();
    let id = open(&rig, doc! {"find": "c", "tailable": true, "awaitData": true});
    let other = rig.connect();
    let reply = std::thread::scope(|scope| {
        scope.spawn(|| {
            // The other connection inserts once this one waits, or right before: both must do.
            while other.server.operations.count() == 0 {
                std::thread::yield_now();
            }
            other.ok("db", doc! {"insert": "c", "documents": [{"_id": 9}]});
        });
        rig.ok("db", doc! {"getMore": id, "collection": "c", "maxTimeMS": 60_000})
    });
    assert_eq!(batch(&reply), (vec![9], id));
}

#[test]
fn an_exhaust_cursor_answers_until_it_ends() {
    let rig = numbered(3);
    let id = open(&rig, doc! {"find": "c", "batchSize": 1});
    let next = doc! {"getMore": id, "collection": "c", "batchSize": 1};
    let request = flagged_request("db", next, &[], Flags::EXHAUST_ALLOWED);
    let ask = || {
        let response = rig.respond(&request);
        (batch(&response.body.as_raw().to_document()).0, response.more)
    };
    assert_eq!(ask(), (vec![2], true));
    assert_eq!(ask(), (vec![3], true));
    assert_eq!(ask(), (vec![], false));
}

#[test]
fn killed_cursors_are_gone() {
    let rig = numbered(4);
    let id = open(&rig, doc! {"find": "c", "batchSize": 1});
    let reply = rig.ok("db", doc! {"killCursors": "c", "cursors": [id, 77_i64]});
    let expected = doc! {
        "cursorsKilled": [id], "cursorsNotFound": [77_i64], "cursorsAlive": [],
        "cursorsUnknown": [], "ok": 1.0,
    };
    assert_eq!(reply, expected);
    assert_eq!(rig.refused("db", doc! {"getMore": id, "collection": "c"}).0, 43);
    assert_eq!(rig.refused("db", doc! {"killCursors": "c", "cursors": [1]}).0, 14);
    assert_eq!(rig.refused("db", doc! {"killCursors": "c", "cursors": []}).0, 2);
}

#[test]
fn the_time_limit_of_a_find_holds_over_its_batches() {
    let rig = numbered(4);
    let id = open(&rig, doc! {"find": "c", "batchSize": 1, "maxTimeMS": 60_000});
    let next = doc! {"getMore": id, "collection": "c", "batchSize": 1};
    rig.ok("db", next.clone());
    rig.server.cursors.change(id, |cursor| cursor.time_left = Some(Duration::ZERO));
    assert_eq!(rig.refused("db", next.clone()).0, 50);
    assert_eq!(rig.refused("db", next).0, 43);
}

#[test]
fn a_waiting_cursor_that_is_killed_stops_waiting() {
    let rig = capped();
    let id = open(&rig, doc! {"find": "c", "tailable": true, "awaitData": true});
    let other = rig.connect();
    let refused = std::thread::scope(|scope| {
        scope.spawn(|| {
            while other.server.cursors.counts().pinned == 0 {
                std::thread::yield_now();
            }
            other.ok("db", doc! {"killCursors": "c", "cursors": [id]});
        });
        rig.refused("db", doc! {"getMore": id, "collection": "c", "maxTimeMS": 60_000})
    });
    assert_eq!(refused, (237, "cursor killed".to_owned()));
    assert_eq!(rig.server.cursors.counts().open, 0);
}
