//! Members that are not like the others.

use quire_bson::{Document, doc};
use quire_tests::{ReplicaSet, members_of};
use std::time::{Duration, Instant};

fn with_member(config: &mut Document, id: i32, fields: Document) {
    let mut members = members_of(config);
    for member in &mut members {
        if member.get_i32("_id").ok() == Some(id) {
            for (name, value) in &fields {
                member.insert(name.clone(), value.clone());
            }
        }
    }
    config.insert("members", members);
}

#[test]
fn the_member_of_the_highest_priority_takes_over() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let preferred = set.secondaries()[0];
    let id = i32::try_from(preferred).expect("a small number");
    let reply = set.reconfigure(primary, |config| {
        with_member(config, id, doc! { "priority": 5 });
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
    set.wait_for_state(preferred, "PRIMARY");
    set.insert(preferred, 0..1, 3);
}

#[test]
fn a_hidden_member_has_data_and_is_not_shown() {
    let set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "priority": 0, "hidden": true, "tags": { "use": "backup" } });
    });
    let primary = set.wait_until_whole();
    set.insert(primary, 0..3, 3);
    assert_eq!(set.count_on(2), 3);
    let hello = set.hello(primary);
    assert!(!hello.to_string().contains(&set.host(2)), "{hello}");
    let own = set.hello(2);
    assert_eq!(own.get_bool("hidden").ok(), Some(true), "{own}");
    assert_eq!(own.get_bool("passive").ok(), Some(true), "{own}");
    let tags = own.get_document("tags").expect("tags");
    assert_eq!(tags.get_str("use").ok(), Some("backup"));
}

#[test]
fn an_arbiter_votes_holds_no_data_and_never_leads() {
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "arbiterOnly": true });
    });
    let primary = set.primary();
    set.wait_for_state(2, "ARBITER");
    let other = 1 - primary;
    set.wait_for_state(other, "SECONDARY");
    set.insert(primary, 0..5, 2);
    assert_eq!(set.count_on(2), -1, "an arbiter answers no reads");
    let hello = set.hello(2);
    assert_eq!(hello.get_bool("arbiterOnly").ok(), Some(true), "{hello}");
    let listed = set.hello(primary);
    assert_eq!(listed.get_array("arbiters").map(|found| found.len()).ok(), Some(1), "{listed}");

    set.kill(primary);
    set.wait_for_state(other, "PRIMARY");
    assert_eq!(set.count_on(other), 5);
    let command = doc! {
        "insert": "kept", "documents": [{ "_id": 5 }],
        "writeConcern": { "w": 2, "wtimeout": 300 },
    };
    let (code, _) = set.connect(other).fails("test", command);
    assert_eq!(code, 64, "an arbiter acknowledges nothing");
}

#[test]
fn a_delayed_member_shows_writes_late() {
    let set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "priority": 0, "hidden": true, "secondaryDelaySecs": 3 });
    });
    let primary = set.wait_until_whole();
    let begun = Instant::now();
    set.insert(primary, 0..1, 2);
    assert!(begun.elapsed() < Duration::from_secs(3), "the delay is nobody else's");
    assert_ne!(set.count_on(2), 1);
    set.wait_for_count(2, 1);
    assert!(begun.elapsed() >= Duration::from_secs(2), "it came after {:?}", begun.elapsed());
}

#[test]
fn a_majority_needs_not_wait_for_what_a_delayed_member_shows() {
    // Long enough for everything here to happen before anything is shown.
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "priority": 0, "hidden": true, "secondaryDelaySecs": 60 });
    });
    let primary = set.wait_until_whole();
    set.kill(1 - primary);
    for id in 0..3 {
        let concern = doc! { "w": "majority", "wtimeout": 50_000 };
        let document = doc! { "_id": id };
        let command = doc! { "insert": "kept", "documents": [document], "writeConcern": concern };
        set.connect(primary).ok("test", command);
    }
    assert_eq!(set.count_on(2), 0, "the delayed member shows it already");
    // It has it all the same: whoever lost the primary finds it there.
    set.start(1 - primary);
    set.wait_for_state(1 - primary, "SECONDARY");
    set.wait_for_count(1 - primary, 3);
}

#[test]
fn members_without_votes_follow_and_do_not_count() {
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 1, doc! { "votes": 0, "priority": 0 });
        with_member(config, 2, doc! { "votes": 0, "priority": 0 });
    });
    set.wait_until_whole();
    set.insert(0, 0..4, 3);
    set.kill(1);
    set.kill(2);
    let command = doc! {
        "insert": "kept", "documents": [{ "_id": 5 }], "writeConcern": { "w": "majority" },
    };
    set.connect(0).ok("test", command);
}
