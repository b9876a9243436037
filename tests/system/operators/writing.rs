//! Clients that write while something happens to the set.

use quire_bson::{Document, doc};
use quire_tests::{Connection, ReplicaSet};
use std::sync::atomic::{AtomicBool, Ordering};

/// Writes to the primary while something else happens; returns how many were acknowledged.
pub(super) fn while_writing(
    set: &mut ReplicaSet,
    first: i32,
    act: impl FnOnce(&mut ReplicaSet),
) -> i32 {
    let primary = set.primary();
    let port = set.daemon(primary).port();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut connection = Connection::open(port);
            let mut next = first;
            while !stop.load(Ordering::Acquire) {
                connection.ok("test", insert(next, "majority"));
                next += 1;
            }
            next
        });
        let end = End(&stop);
        act(set);
        drop(end);
        writer.join().expect("all writes are acknowledged")
    })
}

/// Ends the writing, also when what happens meanwhile fails.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn insert(id: i32, w: &str) -> Document {
    let document = doc! { "_id": id, "filler": "x".repeat(2_000) };
    let concern = doc! { "w": w, "wtimeout": 60_000 };
    doc! { "insert": "kept", "documents": [document], "writeConcern": concern }
}
