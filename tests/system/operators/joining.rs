//! Members that come, go, and come back with another disk.

use super::writing::while_writing;
use quire_bson::doc;
use quire_tests::{ReplicaSet, members_of};

/// What a member says when a copy of the state begins to arrive.
const GETTING_A_COPY: i64 = 7_200_010;

/// What a primary says when another node than before answers at a member's address.
const ANOTHER_DISK: i64 = 7_200_043;

#[test]
fn an_empty_member_is_taken_in_while_clients_write_and_let_go_again() {
    let mut set = ReplicaSet::started(1);
    set.primary();
    set.insert(0, 0..1000, 1);
    let mut new = 0;
    let written = while_writing(&mut set, 1000, |set| {
        new = set.add_started(&[]);
        let host = set.host(new);
        let reply = set.reconfigure(0, |config| {
            let mut members = members_of(config);
            members.push(doc! { "_id": 7, "host": host });
            config.insert("members", members);
        });
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
        set.wait_for_state(new, "SECONDARY");
        set.wait_until_all_vote();
    });
    set.wait_for_count(new, written);
    set.insert(0, written..written + 1, 2);

    let reply = set.reconfigure(0, |config| {
        let mut members = members_of(config);
        members.retain(|member| member.get_i32("_id").ok() != Some(7));
        config.insert("members", members);
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
    set.wait_until("the member that was let go says nothing of a set", |set| {
        let hello = set.hello(new);
        !hello.contains_key("hosts")
            && hello.get_bool("secondary").ok() == Some(false)
            && hello.get_bool("isWritablePrimary").ok() == Some(false)
    });
    assert_eq!(set.state(new), "error 93", "it has no status to tell");
    set.insert(0, written + 1..written + 2, 1);
}

#[test]
fn a_member_with_a_new_disk_comes_back_as_somebody_else() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..500, 3);
    let lost = set.secondaries()[0];
    set.kill(lost);
    set.wipe(lost);
    let written = while_writing(&mut set, 500, |set| {
        set.start(lost);
        set.wait_for_state(lost, "SECONDARY");
    });
    set.wait_for_count(lost, written);
    set.daemon(primary).logged(ANOTHER_DISK);
    set.wait_until_all_vote();
    // It counts again: with it and the primary alone there is a majority.
    let other = set.secondaries().into_iter().find(|place| *place != lost).expect("a third one");
    set.kill(other);
    set.insert(primary, written..written + 1, 2);
}

#[test]
fn a_member_that_was_gone_for_longer_than_the_log_is_kept_gets_a_copy() {
    let words = ["--setParameter", "quireLogRetainEntries=50"];
    let mut set = ReplicaSet::started_with(3, &words, |_| ());
    let primary = set.wait_until_whole();
    let gone = set.secondaries()[0];
    set.insert(primary, 0..10, 3);
    set.kill(gone);
    for id in 10..400 {
        set.insert(primary, id..id + 1, 2);
    }
    set.admin(primary, doc! { "fsync": 1 });
    let written = while_writing(&mut set, 400, |set| {
        set.start(gone);
        set.wait_for_state(gone, "SECONDARY");
    });
    set.wait_for_count(gone, written);
    set.daemon(gone).logged(GETTING_A_COPY);
}
