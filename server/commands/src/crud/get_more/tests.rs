use crate::testing::Rig;
use quire_bson::{Document, doc};
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
    assert_eq!(rig.refused("db", command).0, 50738);
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
