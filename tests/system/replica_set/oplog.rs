//! The log of a member as its oplog: read, sized, and bounded by its size.

use quire_bson::{Document, Timestamp, doc};
use quire_tests::ReplicaSet;

fn operations(set: &ReplicaSet, place: usize, command: Document) -> Vec<Document> {
    let mut find = doc! { "find": "oplog.rs" };
    find.extend(command);
    set.connect(place).documents("local", find)
}

fn time(operation: &Document) -> Timestamp {
    operation.get_timestamp("ts").expect("a time")
}

fn stats(set: &ReplicaSet, place: usize) -> Document {
    set.connect(place).ok("local", doc! { "collStats": "oplog.rs", "scale": 1 << 20 })
}

fn oldest(set: &ReplicaSet, place: usize) -> Timestamp {
    let oldest = doc! { "sort": { "$natural": 1 }, "limit": 1 };
    time(&operations(set, place, oldest)[0])
}

#[test]
fn every_member_shows_the_same_operations() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..20, 3);
    let command = doc! { "delete": "kept", "deletes": [{ "q": { "_id": 3 }, "limit": 1 }] };
    let mut delete = command;
    delete.insert("writeConcern", doc! { "w": 3 });
    set.connect(primary).ok("test", delete);
    let of_rows = || doc! { "filter": { "ns": "test.kept" }, "batchSize": 1_000 };
    let shown = operations(&set, primary, of_rows());
    let kinds: Vec<&str> = shown.iter().filter_map(|one| one.get_str("op").ok()).collect();
    assert_eq!(kinds.len(), 21, "{shown:?}");
    assert_eq!(kinds[20], "d");
    for secondary in set.secondaries() {
        assert_eq!(operations(&set, secondary, of_rows()), shown);
    }
    let newest = doc! { "sort": { "$natural": -1 }, "limit": 1, "filter": { "op": "d" } };
    assert_eq!(operations(&set, primary, newest), shown[20..]);
}

#[test]
fn a_new_size_holds_after_a_crash_and_for_one_member_alone() {
    let words = ["--oplogSize", "40", "--oplogMinRetentionHours", "0.5"];
    let mut set = ReplicaSet::started_with(3, &words, |_| ());
    set.wait_until_whole();
    let place = set.secondaries()[0];
    assert_eq!(stats(&set, place).get_i32("maxSize").ok(), Some(40));
    set.admin(place, doc! { "replSetResizeOplog": 1, "size": 1_200.0 });
    assert_eq!(stats(&set, place).get_i32("maxSize").ok(), Some(1_200));
    set.kill(place);
    set.start(place);
    set.wait_for_state(place, "SECONDARY");
    assert_eq!(stats(&set, place).get_i32("maxSize").ok(), Some(1_200));
    let status = set.admin(place, doc! { "serverStatus": 1 });
    let section = status.get_document("oplogTruncation").expect("the section");
    assert_eq!(section.get_f64("oplogMinRetentionHours").ok(), Some(0.5));
    assert_eq!(stats(&set, set.primary()).get_i32("maxSize").ok(), Some(40));
}

#[test]
fn the_log_forgets_what_does_not_fit_and_a_tail_notices() {
    let set = ReplicaSet::started_with(1, &["--oplogSize", "4"], |_| ());
    let primary = set.wait_until_whole();
    let first = oldest(&set, primary);
    let mut tail = set.connect(primary);
    let find = doc! { "find": "oplog.rs", "tailable": true, "batchSize": 1 };
    let reply = tail.ok("local", find);
    let id = reply.get_document("cursor").and_then(|cursor| cursor.get_i64("id")).expect("an id");
    let text = "x".repeat(100_000);
    let mut writer = set.connect(primary);
    for id in 0..160 {
        let document = doc! { "_id": id, "text": &text };
        writer.ok("test", doc! { "insert": "large", "documents": [document] });
    }
    set.admin(primary, doc! { "fsync": 1 });
    let now = stats(&set, primary);
    let size = now.get_i32("size").expect("a size");
    assert!((1..=6).contains(&size), "sixteen were written: {now}");
    let later = oldest(&set, primary);
    assert!(later > first, "{first:?} {later:?}");
    let rows = doc! { "filter": { "op": "i", "ns": "test.large" }, "projection": { "ts": 1 } };
    assert!(operations(&set, primary, rows).len() >= 20, "a quarter fits");
    let (code, says) = tail.fails("local", doc! { "getMore": id, "collection": "oplog.rs" });
    assert_eq!(code, 136, "{says}");
    let count = writer.ok("test", doc! { "count": "large" });
    assert_eq!(count.get_i32("n").ok(), Some(160), "the data is not the log's");
}
