//! Sessions of all members in one collection, and cursors that end with their session everywhere.

use quire_bson::{Binary, BinarySubtype, Document, doc};
use quire_tests::ReplicaSet;

fn lsid(n: u8) -> Document {
    doc! { "id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![n; 16] } }
}

/// The sessions that a member sees in the collection.
fn stored_on(set: &ReplicaSet, place: usize) -> usize {
    let command = doc! {
        "aggregate": "system.sessions", "pipeline": [{ "$listSessions": { "allUsers": true } }],
        "cursor": {}, "$readPreference": { "mode": "secondaryPreferred" },
    };
    let reply = set.connect(place).ok("config", command);
    let cursor = reply.get_document("cursor").expect("a cursor");
    cursor.get_array("firstBatch").expect("a batch").len()
}

#[test]
fn a_session_that_is_used_on_any_member_stands_in_the_collection_of_all() {
    let words = ["--setParameter", "enableTestCommands=1"];
    let set = ReplicaSet::started_with(3, &words, |_| ());
    let primary = set.wait_until_whole();
    for (place, n) in (0..3).zip(1..) {
        set.admin(place, doc! { "ping": 1, "lsid": lsid(n) });
        set.admin(place, doc! { "refreshLogicalSessionCacheNow": 1 });
    }
    for place in 0..3 {
        set.wait_until("all sessions are stored", |set| stored_on(set, place) == 3);
    }
    for (place, n) in (0..3).zip(1..) {
        set.admin(place, doc! { "endSessions": [lsid(n)] });
        set.admin(place, doc! { "refreshLogicalSessionCacheNow": 1 });
    }
    set.wait_until("all sessions are gone", |set| stored_on(set, primary) == 0);
}
