//! Copies of the state that are cut short.

use quire_bson::doc;
use quire_tests::{ReplicaSet, members_of};

/// Enough to take a while.
const DOCUMENTS: i32 = 300;

fn fill(set: &ReplicaSet, primary: usize) {
    let filler = "x".repeat(100_000);
    for id in 0..DOCUMENTS {
        let command =
            doc! { "insert": "kept", "documents": [{ "_id": id, "filler": filler.clone() }] };
        set.connect(primary).ok("test", command);
    }
}

fn add(set: &ReplicaSet, primary: usize, new: usize) {
    let host = set.host(new);
    let reply = set.reconfigure(primary, |config| {
        let mut members = members_of(config);
        members.push(doc! { "_id": 9, "host": host, "votes": 0, "priority": 0 });
        config.insert("members", members);
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
}

#[test]
fn a_copy_whose_receiver_dies_begins_again() {
    let mut set = ReplicaSet::started(1);
    let primary = set.primary();
    fill(&set, primary);
    let new = set.add_started(&[]);
    add(&set, primary, new);
    for round in 0..3_u64 {
        std::thread::sleep(std::time::Duration::from_millis(80 * round));
        set.kill(new);
        set.start(new);
    }
    set.wait_for_state(new, "SECONDARY");
    set.wait_for_count(new, DOCUMENTS);
}

#[test]
fn a_copy_whose_sender_dies_begins_again() {
    let mut set = ReplicaSet::started(1);
    let primary = set.primary();
    fill(&set, primary);
    let new = set.add_started(&[]);
    add(&set, primary, new);
    for round in 0..3_u64 {
        std::thread::sleep(std::time::Duration::from_millis(80 * round));
        set.kill(primary);
        set.start(primary);
    }
    set.primary();
    set.wait_for_state(new, "SECONDARY");
    set.wait_for_count(new, DOCUMENTS);
}
