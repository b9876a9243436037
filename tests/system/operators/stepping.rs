//! Handing over and taking over, because an operator says so.

use quire_bson::doc;
use quire_tests::{ReplicaSet, failure, members_of};

#[test]
fn a_step_down_keeps_connections_and_cursors() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let mut client = set.connect(primary);
    let reply = client.ok("test", doc! { "find": "kept", "batchSize": 2 });
    let cursor = reply.get_document("cursor").expect("a cursor").clone();
    client.ok("admin", doc! { "replSetStepDown": 60, "force": true });
    let id = cursor.get_i64("id").expect("a cursor id");
    let more = client.ok("test", doc! { "getMore": id, "collection": "kept" });
    let batch = more.get_document("cursor").expect("a cursor").get_array("nextBatch");
    assert_eq!(batch.map(|batch| batch.len()).ok(), Some(8), "{more}");
    let refused = client.reply("test", doc! { "insert": "kept", "documents": [{ "_id": 11 }] });
    assert_eq!(failure(&refused).map(|(code, _)| code), Some(10107), "{refused}");
    assert!(refused.contains_key("topologyVersion"), "{refused}");
    let next = set.primary();
    assert_ne!(next, primary);
    set.insert(next, 11..12, 3);
}

#[test]
fn orders_to_step_are_taken_by_who_can_follow_them() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let secondary = set.secondaries()[0];
    let mut on_primary = set.connect(primary);
    let mut on_secondary = set.connect(secondary);
    // Shorter than the catch-up it grants.
    let hasty = doc! { "replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 10 };
    assert_eq!(on_primary.fails("admin", hasty).0, 2);
    assert_eq!(on_secondary.fails("admin", doc! { "replSetStepDown": 60 }).0, 10107);
    assert_eq!(on_primary.fails("admin", doc! { "replSetFreeze": 10 }).0, 95);
    assert_eq!(on_primary.fails("admin", doc! { "replSetMaintenance": true }).0, 95);

    on_secondary.ok("admin", doc! { "replSetStepUp": 1 });
    set.wait_for_state(secondary, "PRIMARY");
    set.wait_for_state(primary, "SECONDARY");
    set.insert(secondary, 0..1, 3);

    on_primary.ok("admin", doc! { "replSetMaintenance": true });
    set.wait_for_state(primary, "RECOVERING");
    let find = doc! { "find": "kept", "$readPreference": { "mode": "secondary" } };
    assert_eq!(on_primary.fails("test", find.clone()).0, 13436);
    on_primary.ok("admin", doc! { "replSetMaintenance": false });
    set.wait_for_state(primary, "SECONDARY");
    assert_eq!(on_primary.documents("test", find).len(), 1);

    // Frozen members do not follow a primary that is gone.
    let third = (0..3).find(|place| ![primary, secondary].contains(place)).expect("a third");
    set.admin(third, doc! { "replSetFreeze": 120 });
    set.kill(secondary);
    assert_eq!(set.primary(), primary);
    set.admin(third, doc! { "replSetFreeze": 0 });
}

#[test]
fn whoever_has_caught_up_takes_over_however_little_time_is_granted_for_it() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let order = doc! { "replSetStepDown": 60, "secondaryCatchUpPeriodSecs": 0 };
    set.admin(primary, order);
    let hello = set.hello(primary);
    assert_eq!(hello.get_bool("secondary").ok(), Some(true), "{hello}");
    set.insert(set.primary(), 10..11, 3);
}

#[test]
fn nobody_steps_down_without_a_successor_unless_forced() {
    let set = ReplicaSet::started_with(3, &[], |config| {
        let mut members = members_of(config);
        for member in members.iter_mut().skip(1) {
            member.insert("priority", 0);
        }
        config.insert("members", members);
    });
    set.wait_until_whole();
    set.insert(0, 0..1, 3);
    let mut client = set.connect(0);
    let order = doc! { "replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 1 };
    assert_eq!(client.fails("admin", order).0, 262);
    set.insert(0, 1..2, 3);
    // Whoever ordered it goes away before it has come to anything.
    let order = doc! { "replSetStepDown": 60, "secondaryCatchUpPeriodSecs": 50, "maxTimeMS": 200 };
    assert_eq!(client.fails("admin", order).0, 50);
    set.insert(0, 5..6, 3);
    client.ok("admin", doc! { "replSetStepDown": 2, "force": true });
    let hello = client.ok("admin", doc! { "hello": 1 });
    assert_eq!(hello.get_bool("secondary").ok(), Some(true), "{hello}");
    set.wait_for_state(0, "PRIMARY");
    set.insert(0, 2..3, 3);
}

#[test]
fn a_primary_that_is_told_to_end_hands_over_first() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let finished = set.stop(primary);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let next = set.primary();
    let since = set.hello(next);
    assert_eq!(since.get_bool("isWritablePrimary").ok(), Some(true), "{since}");
    set.insert(next, 10..11, 2);
    set.start(primary);
    set.wait_for_count(primary, 11);
}
