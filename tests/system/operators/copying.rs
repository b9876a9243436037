//! Copies of the state: their progress, and copies that are cut short.
//!
//! The log is kept so short here that nobody can catch up by it, and whoever is killed is held still
//! first, so that what its log says by then proves that the copy was running.

use super::writing::while_writing;
use quire_bson::{Document, doc};
use quire_tests::{ReplicaSet, members_of};
use std::time::Duration;

/// Enough to take a while.
const DOCUMENTS: i32 = 400;
const FILLER_BYTES: usize = 100_000;

/// What a member says when a copy begins to arrive, and when all of it has.
const GETTING_A_COPY: i64 = 7_200_010;
const COPY_IS_WHOLE: i64 = 7_200_014;

const SHORT_LOG: [&str; 2] = ["--setParameter", "quireLogRetainEntries=5"];

/// A set whose log begins behind more data than comes over in a moment.
fn filled(count: usize) -> ReplicaSet {
    let set = ReplicaSet::started_with(count, &SHORT_LOG, |_| ());
    let primary = set.wait_until_whole();
    let mut connection = set.connect(primary);
    let filler = "x".repeat(FILLER_BYTES);
    for first in (0..DOCUMENTS).step_by(20) {
        let documents: Vec<Document> =
            (first..first + 20).map(|id| doc! { "_id": id, "filler": filler.clone() }).collect();
        connection.ok("test", doc! { "insert": "kept", "documents": documents });
    }
    for place in set.running() {
        set.wait_for_count(place, DOCUMENTS);
        set.admin(place, doc! { "fsync": 1 });
    }
    set
}

/// Starts one more member, which is to receive a copy.
fn add(set: &mut ReplicaSet) -> usize {
    let primary = set.primary();
    let new = set.add_started(&SHORT_LOG);
    let host = set.host(new);
    let reply = set.reconfigure(primary, |config| {
        let mut members = members_of(config);
        members.push(doc! { "_id": 9, "host": host, "votes": 0, "priority": 0 });
        config.insert("members", members);
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
    new
}

fn says(set: &ReplicaSet, place: usize, id: i64) -> bool {
    let mark = format!("\"id\":{id},");
    set.daemon(place).log().lines().iter().any(|line| line.contains(&mark))
}

/// How many bytes of a copy a member says have arrived, while it is arriving.
fn copied(set: &ReplicaSet, place: usize) -> Option<i64> {
    let status = set.connect(place).reply("admin", doc! { "replSetGetStatus": 1 });
    status.get_document("initialSyncStatus").ok()?.get_i64("approxTotalBytesCopied").ok()
}

/// Waits until a copy is running and holds its receiver still in the middle of it.
fn pause_amid_a_copy(set: &mut ReplicaSet, receiver: usize) {
    set.daemon(receiver).logged(GETTING_A_COPY);
    // Something arrives in this time, and by far not all.
    std::thread::sleep(Duration::from_millis(20));
    set.pause(receiver);
    assert!(!says(set, receiver, COPY_IS_WHOLE), "the copy was over too soon to be cut short");
}

#[test]
fn a_copy_shows_its_progress_while_clients_write() {
    let mut set = filled(1);
    let mut new = 0;
    let mut shown: Vec<i64> = Vec::new();
    let written = while_writing(&mut set, DOCUMENTS, |set| {
        new = add(set);
        set.wait_until("the copy is whole", |set| {
            let state = set.state(new);
            if let Some(bytes) = copied(set, new) {
                assert!(["STARTUP2", "SECONDARY"].contains(&state.as_str()), "{state}");
                shown.push(bytes);
            }
            says(set, new, COPY_IS_WHOLE)
        });
        set.wait_for_state(new, "SECONDARY");
    });
    assert!(shown.is_sorted(), "{shown:?}");
    shown.dedup();
    assert!(shown.iter().filter(|bytes| **bytes > 0).count() >= 2, "it did not grow: {shown:?}");
    assert!(written > DOCUMENTS);
    set.wait_for_count(new, written);
    set.wait_until_equal();
}

#[test]
fn a_copy_whose_receiver_dies_begins_again() {
    let mut set = filled(1);
    let mut new = 0;
    let written = while_writing(&mut set, DOCUMENTS, |set| {
        new = add(set);
        for _ in 0..2 {
            pause_amid_a_copy(set, new);
            set.kill(new);
            set.start(new);
        }
        set.wait_for_state(new, "SECONDARY");
    });
    set.daemon(new).logged(COPY_IS_WHOLE);
    set.wait_for_count(new, written);
    set.wait_until_equal();
}

#[test]
fn a_copy_whose_sender_dies_begins_again() {
    let mut set = filled(3);
    let sender = set.primary();
    let new = add(&mut set);
    pause_amid_a_copy(&mut set, new);
    set.kill(sender);
    set.resume(new);
    // Whoever leads now goes on taking writes, and gives the copy.
    let next = set.primary();
    set.insert(next, DOCUMENTS..DOCUMENTS + 10, 2);
    set.daemon(new).logged(COPY_IS_WHOLE);
    set.start(sender);
    for place in [new, sender] {
        set.wait_for_state(place, "SECONDARY");
        set.wait_for_count(place, DOCUMENTS + 10);
    }
    set.wait_until_equal();
}
