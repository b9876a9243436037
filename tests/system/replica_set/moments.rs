//! Reading the state of one moment, on whichever member: what one chose, the others show as it was.

use quire_bson::{Bson, Document, Timestamp, doc};
use quire_tests::{Connection, ReplicaSet};
use std::sync::atomic::{AtomicBool, Ordering};

fn find(concern: Document) -> Document {
    doc! {
        "find": "kept", "batchSize": 50, "readConcern": concern,
        "$readPreference": { "mode": "secondaryPreferred" },
    }
}

fn snapshot(at: Option<Timestamp>) -> Document {
    match at {
        Some(at) => doc! { "level": "snapshot", "atClusterTime": at },
        None => doc! { "level": "snapshot" },
    }
}

fn time(doc: &Document, name: &str) -> Timestamp {
    match doc.get(name) {
        Some(Bson::Timestamp(time)) => *time,
        other => panic!("{name} is {other:?} in {doc}"),
    }
}

/// The moment that a read saw, and how many documents there were in it, batch by batch.
fn read(connection: &mut Connection, at: Option<Timestamp>) -> (Timestamp, usize) {
    let mut command = find(snapshot(at));
    if let Some(at) = at {
        // As drivers do: whoever lags has to hear of the time.
        command.insert("$clusterTime", doc! { "clusterTime": at });
    }
    let opened = connection.ok("test", command);
    let cursor = opened.get_document("cursor").expect("a cursor");
    let moment = time(cursor, "atClusterTime");
    let mut count = cursor.get_array("firstBatch").expect("a batch").len();
    let mut id = cursor.get_i64("id").expect("an id");
    while id != 0 {
        let more = connection.ok("test", doc! { "getMore": id, "collection": "kept" });
        let cursor = more.get_document("cursor").expect("a cursor");
        assert_eq!(time(cursor, "atClusterTime"), moment);
        count += cursor.get_array("nextBatch").expect("a batch").len();
        id = cursor.get_i64("id").expect("an id");
    }
    (moment, count)
}

/// Ends the writer however the readers end.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn every_member_shows_the_moment_that_any_of_them_chose() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..5, 3);
    // From the first read on, which the members tell each other of, they keep the past.
    for place in 0..3 {
        read(&mut set.connect(place), None);
    }
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut connection = set.connect(primary);
            let mut id = 100;
            while !is_over.load(Ordering::Relaxed) {
                connection.ok("test", doc! { "insert": "kept", "documents": [{ "_id": id }] });
                id += 1;
            }
        });
        let _over = Over(&is_over);
        let mut connections: Vec<_> = (0..3).map(|place| set.connect(place)).collect();
        for round in 0..15 {
            let (moment, count) = read(&mut connections[round % 3], None);
            for connection in &mut connections {
                assert_eq!(read(connection, Some(moment)), (moment, count), "round {round}");
            }
        }
    });
}

#[test]
fn a_new_primary_shows_what_was_read_and_written_before_it() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..5, 3);
    let (moment, count) = read(&mut set.connect(primary), None);
    let insert = doc! { "insert": "kept", "documents": [{ "_id": 5 }] };
    let written = time(&set.connect(primary).ok("test", insert), "operationTime");
    set.kill(primary);
    let next = set.primary();
    let mut connection = set.connect(next);
    let mut command = find(doc! { "afterClusterTime": written });
    command.insert("$clusterTime", doc! { "clusterTime": written });
    let after = connection.ok("test", command);
    assert!(time(&after, "operationTime") >= written);
    assert_eq!(read(&mut connection, Some(moment)), (moment, count));
    assert_eq!(read(&mut connection, Some(written)).1, count + 1);
    let refused = connection.reply("test", doc! { "insert": "kept", "documents": [{ "_id": 5 }] });
    assert!(refused.contains_key("writeErrors"), "{refused}");
    assert!(time(&refused, "operationTime") >= written);
    let told = time(refused.get_document("$clusterTime").unwrap(), "clusterTime");
    assert!(told >= time(&refused, "operationTime"));
}
