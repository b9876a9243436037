use crate::testing::Rig;
use quire_bson::{Bson, Document, Timestamp, doc};
use std::time::Duration;

fn snapshot() -> Document {
    doc! {"level": "snapshot"}
}

fn snapshot_at(at: Timestamp) -> Document {
    doc! {"level": "snapshot", "atClusterTime": at}
}

/// A primary with documents 1, 2 and 3 in `db.c`.
fn rig() -> Rig {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]});
    rig
}

fn insert(rig: &Rig, id: i32) -> Timestamp {
    time(&rig.ok("db", doc! {"insert": "c", "documents": [{"_id": id}]}), "operationTime")
}

fn time(doc: &Document, name: &str) -> Timestamp {
    match doc.get(name) {
        Some(Bson::Timestamp(time)) => *time,
        other => panic!("{name} is {other:?} in {doc}"),
    }
}

fn cursor(reply: &Document) -> &Document {
    reply.get_document("cursor").unwrap()
}

/// The documents that a find sees.
fn seen(rig: &Rig, concern: Document) -> usize {
    let reply = rig.ok("db", doc! {"find": "c", "readConcern": concern});
    cursor(&reply).get_array("firstBatch").unwrap().len()
}

#[test]
fn a_cursor_stays_at_the_moment_at_which_it_was_opened() {
    let rig = rig();
    let opened = rig.ok("db", doc! {"find": "c", "batchSize": 1, "readConcern": snapshot()});
    let at = time(cursor(&opened), "atClusterTime");
    rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {}, "limit": 0}]});
    insert(&rig, 4);
    rig.ok("db", doc! {"drop": "c"});
    let id = cursor(&opened).get_i64("id").unwrap();
    let more = rig.ok("db", doc! {"getMore": id, "collection": "c"});
    let batch = cursor(&more).get_array("nextBatch").unwrap();
    assert_eq!(batch, &[Bson::from(doc! {"_id": 2}), Bson::from(doc! {"_id": 3})]);
    assert_eq!(time(cursor(&more), "atClusterTime"), at);
}

#[test]
fn a_cursor_reads_on_as_it_began_whatever_concern_comes_with_get_more() {
    let rig = rig();
    let opened = rig.ok("db", doc! {"find": "c", "batchSize": 0, "readConcern": snapshot()});
    let at = time(cursor(&opened), "atClusterTime");
    let fourth = insert(&rig, 4);
    let more = |opened: &Document, size: i32, concern: Document| {
        let id = cursor(opened).get_i64("id").unwrap();
        doc! {"getMore": id, "collection": "c", "batchSize": size, "readConcern": concern}
    };
    // What drivers send in a snapshot session, and what they never would.
    for concern in [snapshot_at(at), snapshot_at(fourth)] {
        let batch = rig.ok("db", more(&opened, 1, concern));
        assert_eq!(time(cursor(&batch), "atClusterTime"), at);
    }
    let rest = rig.ok("db", more(&opened, 10, snapshot()));
    assert_eq!(cursor(&rest).get_array("nextBatch").unwrap(), &[Bson::from(doc! {"_id": 3})]);
    // A cursor of now stays one of now, and nothing is chosen for it.
    let opened = rig.ok("db", doc! {"find": "c", "batchSize": 0});
    let after = doc! {"level": "local", "afterClusterTime": fourth};
    assert_eq!(rig.refused("db", more(&opened, 1, after)).0, 72);
    let batch = rig.ok("db", more(&opened, 10, snapshot_at(at)));
    assert_eq!(cursor(&batch).get_array("nextBatch").unwrap().len(), 4);
    assert!(!cursor(&batch).contains_key("atClusterTime"));
}

#[test]
fn every_reading_command_reads_the_moment_that_another_chose() {
    let rig = rig();
    let first = rig.ok("db", doc! {"find": "c", "readConcern": snapshot()});
    let at = time(cursor(&first), "atClusterTime");
    insert(&rig, 4);
    assert_eq!(seen(&rig, snapshot_at(at)), 3);
    assert_eq!(seen(&rig, snapshot()), 4);
    let by_id = doc! {"find": "c", "filter": {"_id": 4}, "readConcern": snapshot_at(at)};
    assert!(cursor(&rig.ok("db", by_id)).get_array("firstBatch").unwrap().is_empty());
    let pipeline = vec![doc! {"$count": "n"}];
    let count = doc! {
        "aggregate": "c", "pipeline": pipeline, "cursor": {}, "readConcern": snapshot_at(at),
    };
    let counted = rig.ok("db", count);
    let batch = cursor(&counted).get_array("firstBatch").unwrap();
    assert_eq!(batch, &[Bson::from(doc! {"n": 3})]);
    assert_eq!(time(cursor(&counted), "atClusterTime"), at);
    let distinct = doc! {"distinct": "c", "key": "_id", "readConcern": snapshot_at(at)};
    let values = rig.ok("db", distinct);
    assert_eq!(values.get_array("values").unwrap().len(), 3);
    assert_eq!(time(&values, "atClusterTime"), at);
}

#[test]
fn a_moment_between_two_writes_shows_the_first() {
    let rig = rig();
    seen(&rig, snapshot());
    let fourth = insert(&rig, 4);
    insert(&rig, 5);
    assert_eq!(seen(&rig, snapshot_at(fourth)), 4);
}

#[test]
fn the_newest_moment_has_what_the_client_wrote_before() {
    let rig = rig();
    let after = insert(&rig, 4);
    assert_eq!(seen(&rig, doc! {"level": "snapshot", "afterClusterTime": after}), 4);
}

#[test]
fn a_moment_that_was_not_kept_is_too_old() {
    let rig = rig();
    let early = insert(&rig, 4);
    insert(&rig, 5);
    let refused = rig.refused("db", doc! {"find": "c", "readConcern": snapshot_at(early)});
    assert_eq!(refused.0, 239, "{refused:?}");
}

#[test]
fn the_window_bounds_what_is_kept_and_ends_cursors() {
    let rig = rig();
    rig.ok("admin", doc! {"setParameter": 1, "minSnapshotHistoryWindowInSeconds": 60});
    let opened = rig.ok("db", doc! {"find": "c", "batchSize": 1, "readConcern": snapshot()});
    let at = time(cursor(&opened), "atClusterTime");
    rig.host.advance(Duration::from_secs(50));
    insert(&rig, 4);
    assert_eq!(seen(&rig, snapshot_at(at)), 3);
    rig.host.advance(Duration::from_secs(70));
    insert(&rig, 5);
    assert_eq!(rig.refused("db", doc! {"find": "c", "readConcern": snapshot_at(at)}).0, 239);
    let id = cursor(&opened).get_i64("id").unwrap();
    assert_eq!(rig.refused("db", doc! {"getMore": id, "collection": "c"}).0, 239);
}

#[test]
fn moments_are_for_reads_of_documents_on_members_of_a_set() {
    let rig = rig();
    for (database, mut command) in [
        ("db", doc! {"insert": "c", "documents": [{}]}),
        ("db", doc! {"count": "c"}),
        ("db", doc! {"listCollections": 1}),
        ("db", doc! {"listIndexes": "c"}),
        ("admin", doc! {"listDatabases": 1}),
        ("admin", doc! {"ping": 1}),
        ("admin", doc! {"aggregate": 1, "pipeline": [{"$listLocalSessions": {}}], "cursor": {}}),
    ] {
        command.insert("readConcern", snapshot());
        assert_eq!(rig.refused(database, command.clone()).0, 72, "{command}");
    }
    let find = doc! {"find": "c", "readConcern": snapshot()};
    assert_eq!(Rig::new().refused("db", find.clone()).0, 123);
    assert_eq!(Rig::without_configuration().run("db", find).get_f64("ok").unwrap(), 0.0);
}

#[test]
fn the_time_of_a_moment_must_have_been_heard_of() {
    let rig = rig();
    let now = insert(&rig, 4);
    let ahead = Timestamp { time: now.time + 1000, increment: 1 };
    let refused = rig.refused("db", doc! {"find": "c", "readConcern": snapshot_at(ahead)});
    assert_eq!(refused.0, 72);
    assert!(refused.1.starts_with("readConcern atClusterTime value must not be"), "{}", refused.1);
    let mut find = doc! {"find": "c", "readConcern": snapshot_at(ahead)};
    find.insert("$clusterTime", doc! {"clusterTime": ahead});
    assert_eq!(cursor(&rig.ok("db", find)).get_array("firstBatch").unwrap().len(), 4);
    let null = Timestamp { time: 0, increment: 0 };
    assert_eq!(rig.refused("db", doc! {"find": "c", "readConcern": snapshot_at(null)}).0, 72);
    let mut both = snapshot_at(now);
    both.insert("afterClusterTime", now);
    assert_eq!(rig.refused("db", doc! {"find": "c", "readConcern": both}).0, 72);
}
