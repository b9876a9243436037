//! A primary that cannot apply what it has committed, on real processes: the scenario that
//! `server/consensus/tests/traces` runs on the core.

use quire_bson::{Document, doc};
use quire_tests::ReplicaSet;
use std::time::{Duration, Instant};

const STATE_CHANGED: i32 = 11602;

/// An idle primary writes an entry of its own after ten seconds; a machine so slow tells nothing.
const IDLE: Duration = Duration::from_secs(8);

fn insert(id: i32) -> Document {
    doc! { "insert": "kept", "documents": [{ "_id": id }] }
}

/// The next entry cannot be applied, and goes on failing until `mode` is `off`.
fn switch(set: &ReplicaSet, place: usize, mode: &str) {
    set.admin(place, doc! { "configureFailPoint": "quireFailApply", "mode": mode });
}

/// A set whose election timeout is long enough for a look at a primary that cannot apply, before it
/// hands over to one that can.
fn patient_set() -> ReplicaSet {
    let words = ["--httpPort", "0", "--setParameter", "enableTestCommands=1"];
    ReplicaSet::started_with(3, &words, |config| {
        config.insert("settings", doc! { "electionTimeoutMillis": 10_000 });
    })
}

#[test]
fn the_client_hears_at_once_the_entry_stays_and_takes_effect_once_everywhere() {
    let set = patient_set();
    let leader = set.wait_until_whole();
    let mut good = insert(1);
    good.insert("writeConcern", doc! { "w": 3 });
    set.connect(leader).ok("test", good);
    let before = set.settled();
    let term = set.figure(leader, "quire_replica_set_term");

    let begun = Instant::now();
    switch(&set, leader, "alwaysOn");
    let (code, message) = set.connect(leader).fails("test", insert(2));
    assert_eq!(code, STATE_CHANGED, "{message}");
    let hello = set.hello(leader);
    assert_eq!(hello.get_bool("isWritablePrimary").ok(), Some(true), "{hello}");
    assert_eq!(set.figure(leader, "quire_replica_set_term"), term);
    for follower in (0..3).filter(|number| *number != leader) {
        set.wait_until("the followers apply it", |set| set.positions(follower) == [before + 1; 3]);
        assert_eq!(set.count_on(follower), 2);
    }
    assert_eq!(set.positions(leader), [before + 1, before + 1, before]);
    assert_eq!(set.count_on(leader), 1, "it is not there where it could not be applied");

    switch(&set, leader, "off");
    set.wait_for_count(leader, 2);
    let after = set.settled();
    if begun.elapsed() < IDLE {
        assert_eq!(after, before + 1, "a second entry was written");
    }
    assert_eq!(set.primary(), leader);
    assert_eq!(set.figure(leader, "quire_replica_set_term"), term);
    set.wait_until_equal();
    assert!((0..3).all(|number| set.count_on(number) == 2));
    set.connect(leader).ok("test", insert(3));
}

#[test]
fn there_is_no_such_switch_without_test_commands() {
    let fresh = crate::Fresh::start();
    let setting = doc! { "configureFailPoint": "quireFailApply", "mode": "alwaysOn" };
    let (code, message) = fresh.daemon.connect().fails("admin", setting);
    assert_eq!(code, 59, "{message}");
}
