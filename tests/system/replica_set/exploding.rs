//! A primary that cannot apply what it has committed, on real processes: the scenario that
//! `server/consensus/tests/traces` runs on the core.

use super::{Trio, until};
use quire_bson::{Document, doc};
use std::time::{Duration, Instant};

const STATE_CHANGED: i32 = 11602;

/// An idle primary writes an entry of its own after ten seconds; a machine so slow tells nothing.
const IDLE: Duration = Duration::from_secs(8);

/// How many documents a member has, whatever its state.
fn count(trio: &Trio, number: usize) -> i32 {
    let count = doc! { "count": "c", "$readPreference": { "mode": "secondaryPreferred" } };
    trio.connect(number).ok("test", count).get_i32("n").expect("a number")
}

fn hash(trio: &Trio, number: usize) -> String {
    let reply = trio.connect(number).ok("test", doc! { "dbHash": 1 });
    reply.get_str("md5").expect("a hash").to_owned()
}

fn insert(id: i32) -> Document {
    doc! { "insert": "c", "documents": [{ "_id": id }] }
}

fn switch(trio: &Trio, number: usize, nth: i64) {
    trio.connect(number).ok("admin", doc! { "setParameter": 1, "quireFailApply": nth });
}

/// A set whose election timeout is long enough for a look at a primary that cannot apply, before it
/// hands over to one that can.
fn patient_trio() -> Trio {
    let trio = Trio::start(&["--setParameter", "enableTestCommands=1"]);
    let members: Vec<Document> =
        trio.hosts().iter().zip(0..).map(|(host, id)| doc! { "_id": id, "host": host }).collect();
    let settings = doc! { "electionTimeoutMillis": 10_000 };
    let config = doc! { "_id": "rs0", "version": 1, "members": members, "settings": settings };
    trio.connect(0).ok("admin", doc! { "replSetInitiate": config });
    trio
}

#[test]
fn the_client_hears_at_once_the_entry_stays_and_takes_effect_once_everywhere() {
    let trio = patient_trio();
    let leader = trio.primary();
    let mut good = insert(1);
    good.insert("writeConcern", doc! { "w": 3 });
    trio.connect(leader).ok("test", good);
    let before = trio.settled();
    let term = trio.figure(leader, "quire_replica_set_term");

    let begun = Instant::now();
    switch(&trio, leader, 1);
    let (code, message) = trio.connect(leader).fails("test", insert(2));
    assert_eq!(code, STATE_CHANGED, "{message}");
    let hello = trio.connect(leader).ok("admin", doc! { "hello": 1 });
    assert_eq!(hello.get_bool("isWritablePrimary").ok(), Some(true), "{hello}");
    assert_eq!(trio.figure(leader, "quire_replica_set_term"), term);
    for follower in (0..3).filter(|number| *number != leader) {
        until("the followers to apply it", || {
            (trio.positions(follower) == [before + 1; 3]).then_some(())
        });
        assert_eq!(count(&trio, follower), 2);
    }
    assert_eq!(trio.positions(leader), [before + 1, before + 1, before]);
    assert_eq!(count(&trio, leader), 1, "it is not there where it could not be applied");

    switch(&trio, leader, 0);
    until("the leader to apply it", || (count(&trio, leader) == 2).then_some(()));
    let after = trio.settled();
    if begun.elapsed() < IDLE {
        assert_eq!(after, before + 1, "a second entry was written");
    }
    assert_eq!(trio.primary(), leader);
    assert_eq!(trio.figure(leader, "quire_replica_set_term"), term);
    let hashes: Vec<String> = (0..3).map(|number| hash(&trio, number)).collect();
    assert!(hashes.iter().all(|hash| *hash == hashes[0]), "{hashes:?}");
    assert!((0..3).all(|number| count(&trio, number) == 2));
    trio.connect(leader).ok("test", insert(3));
}

#[test]
fn there_is_no_such_switch_without_test_commands() {
    let fresh = crate::Fresh::start();
    let setting = doc! { "setParameter": 1, "quireFailApply": 1_i64 };
    let (code, message) = fresh.daemon.connect().fails("admin", setting);
    assert_eq!(code, 72, "{message}");
}
