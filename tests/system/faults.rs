//! Fail points whose faults strike below the commands, on real processes.

use quire_bson::{Document, doc};
use quire_protocol::Flags;
use quire_tests::{ReplicaSet, failure};

const WORDS: [&str; 2] = ["--setParameter", "enableTestCommands=1"];

/// Three members with test commands, of which the first result leads.
fn started() -> (ReplicaSet, usize) {
    let set = ReplicaSet::started_with(3, &WORDS, |_| ());
    let primary = set.wait_until_whole();
    set.insert(primary, 0..1, 3);
    (set, primary)
}

/// Switches a point on one member.
fn switch(set: &ReplicaSet, place: usize, name: &str, data: Document) {
    let command = doc! { "configureFailPoint": name, "mode": "alwaysOn", "data": data };
    set.admin(place, command);
}

fn switch_off(set: &ReplicaSet, place: usize, name: &str) {
    set.admin(place, doc! { "configureFailPoint": name, "mode": "off" });
}

fn insert(id: i32) -> Document {
    doc! { "insert": "kept", "documents": [{ "_id": id }] }
}

#[test]
fn a_hanging_step_down_leaves_clients_connected_to_a_secondary_until_it_ends() {
    const POINT: &str = "stepdownHangBeforePerformingPostMemberStateUpdateActions";
    let (set, old) = started();
    let mut client = set.connect(old);
    client.ok("test", insert(1));
    switch(&set, old, POINT, doc! {});
    let mut ordering = set.connect(old);
    let order = doc! { "replSetStepDown": 60, "force": true };
    ordering.send("admin", order, Flags::NONE, None).expect("sent");
    set.admin(old, doc! { "waitForFailPoint": POINT, "timesEntered": 1, "maxTimeMS": 30_000 });
    let refused = client.reply("test", insert(2));
    assert_eq!(failure(&refused).map(|(code, _)| code), Some(10107), "{refused}");
    let new = set.primary();
    assert_ne!(new, old);
    set.connect(new).ok("test", insert(2));
    client.ok("admin", doc! { "ping": 1 });

    switch_off(&set, old, POINT);
    assert!(ordering.receive().is_none(), "the order's own connection ends too");
    assert!(client.receive().is_none(), "nobody asked, and the connection ends");
    set.wait_for_count(old, 3);
    set.admin(old, doc! { "ping": 1 });
}
