//! Which configuration may follow another.

use super::{named, parsed, with_members};
use crate::config::ReplicaSetConfig;
use crate::config::reconfig::{Force, Reconfig};
use quire_bson::{DocBuf, Document, ObjectId, doc};
use quire_errors::Result;

fn current(members: &[Document]) -> ReplicaSetConfig {
    let mut config = parsed(with_members(members));
    config.version = 5;
    config.term = 2;
    config.settings.replica_set_id = Some(ObjectId::from_bytes([9; 12]));
    config
}

fn next(members: &[Document]) -> Document {
    let mut doc = with_members(members);
    doc.insert("version", 6);
    doc
}

fn change(
    current: &ReplicaSetConfig,
    next: &Document,
    force: Force,
) -> Result<(ReplicaSetConfig, usize)> {
    let is_self = named("h0");
    let reconfig = Reconfig {
        current,
        is_self: &is_self,
        term: 3,
        force,
        allow_multiple_arbiters: false,
        has_default_write_concern: false,
    };
    reconfig.check(DocBuf::from(next).as_raw())
}

fn refusal(old: &[Document], next: &Document) -> (i32, String) {
    let error = change(&current(old), next, Force::Safe).unwrap_err();
    (error.code().number(), error.message().to_owned())
}

#[test]
fn a_new_voter_waits_for_its_vote() {
    let old = current(&[doc! {}, doc! {}]);
    let (config, own) = change(&old, &next(&[doc! {}, doc! {}, doc! {}]), Force::Safe).unwrap();
    assert_eq!(own, 0);
    assert_eq!((config.version, config.term), (6, 3));
    assert_eq!(config.settings.replica_set_id, old.settings.replica_set_id);
    let waits: Vec<bool> = config.members.iter().map(|m| m.newly_added).collect();
    assert_eq!(waits, [false, false, true]);
}

#[test]
fn only_voters_with_data_wait() {
    let old = current(&[doc! {}, doc! {}, doc! {}, doc! {}]);
    let mut members = vec![doc! {}; 4];
    members.push(doc! { "votes": 0, "priority": 0 });
    let (config, _) = change(&old, &next(&members), Force::Safe).unwrap();
    assert!(config.members.iter().all(|m| !m.newly_added));
    members[4] = doc! { "arbiterOnly": true };
    let (config, _) = change(&old, &next(&members), Force::Safe).unwrap();
    assert!(config.members.iter().all(|m| !m.newly_added));
}

#[test]
fn who_waits_already_keeps_waiting_and_who_gets_a_vote_back_does_not() {
    let mut old = current(&[doc! {}, doc! {}, doc! { "votes": 0, "priority": 0 }]);
    old.members[1].newly_added = true;
    let (config, _) = change(&old, &next(&[doc! {}, doc! {}, doc! {}]), Force::Safe).unwrap();
    let waits: Vec<bool> = config.members.iter().map(|m| m.newly_added).collect();
    assert_eq!(waits, [false, true, false]);
}

#[test]
fn one_vote_at_a_time_comes_or_goes() {
    let no_vote = || doc! { "votes": 0, "priority": 0 };
    let three = vec![doc! {}; 3];
    let allowed = [
        vec![doc! {}; 4],
        vec![doc! {}; 2],
        vec![doc! {}, doc! {}, no_vote()],
        vec![doc! {}, doc! {}, doc! {}, doc! {}, no_vote(), no_vote()],
    ];
    for members in allowed {
        change(&current(&three), &next(&members), Force::Safe).unwrap();
    }
    let mut swapped = vec![doc! {}; 3];
    swapped[2] = doc! { "_id": 9, "host": "h9:1" };
    let refused =
        [vec![doc! {}; 5], vec![doc! {}; 1], swapped, vec![doc! {}, no_vote(), no_vote()]];
    for members in refused {
        let (code, text) = refusal(&three, &next(&members));
        assert_eq!(code, 103);
        assert_eq!(
            text,
            "Non force replica set reconfig can only add or remove at most 1 voting member."
        );
    }
}

#[test]
fn what_may_not_change_is_refused() {
    let two = vec![doc! {}; 2];
    let with = |name: &str, value: quire_bson::Bson| {
        let mut doc = next(&[doc! {}, doc! {}]);
        doc.insert(name, value);
        doc
    };
    let table = [
        (
            with("version", 5.into()),
            "New replica set configuration version must be greater than old, but 5 is not greater \
             than 5 for replica set rs0",
        ),
        (
            with("_id", "x".into()),
            "New and old configurations differ in replica set name; old was rs0, and new is x",
        ),
        (
            with("settings", doc! { "replicaSetId": ObjectId::from_bytes([1; 12]) }.into()),
            "New and old configurations differ in replica set ID; old was 0909",
        ),
        (with("protocolVersion", 0.into()), "protocolVersion field value must be 1"),
        (
            next(&[doc! {}, doc! { "_id": 7 }]),
            "New and old configurations both have members with host of h1:1 but in the new \
             configuration the _id field is 7 and in the old configuration it is 1 for replica set \
             rs0",
        ),
        (
            next(&[doc! {}, doc! { "buildIndexes": false, "priority": 0 }]),
            "New and old configurations differ in the setting of the buildIndexes field for member \
             h1:1; to make this change, remove then re-add the member",
        ),
        (
            next(&[doc! {}, doc! { "arbiterOnly": true }]),
            "New and old configurations differ in the setting of the arbiterOnly field for member",
        ),
        (
            next(&[doc! { "priority": 0 }, doc! {}]),
            "This node, h0:1, with _id 0 is not electable under the new configuration with \
             {version: 6, term: 3} for replica set rs0",
        ),
        (
            next(&[doc! { "host": "elsewhere:1" }, doc! {}]),
            "No host described in new configuration with {version: 6, term: 3} for replica set rs0",
        ),
        (next(&[doc! {}, doc! { "host": "h0:1" }]), "Found two member configurations with same"),
    ];
    for (doc, message) in table {
        let (code, text) = refusal(&two, &doc);
        assert!(code == 103 && text.starts_with(message), "{code} {text}");
    }
}

#[test]
fn what_cannot_be_read_has_the_code_of_an_invalid_configuration() {
    let (code, text) = refusal(&[doc! {}], &doc! { "_id": "rs0", "version": 6, "foo": 1 });
    assert!(code == 93 && text.contains("is missing"), "{text}");
    let (code, text) = refusal(&[doc! {}], &next(&[doc! {}, doc! { "newlyAdded": true }]));
    assert_eq!(code, 93);
    assert_eq!(text, "Cannot provide newlyAdded field to member config during reconfig.");
}

#[test]
fn an_address_may_change_and_the_vote_stays() {
    let old = current(&[doc! {}, doc! {}]);
    let (config, _) =
        change(&old, &next(&[doc! {}, doc! { "host": "other:1" }]), Force::Safe).unwrap();
    assert_eq!(config.members[1].host.to_string(), "other:1");
    assert!(!config.members[1].newly_added);
}

#[test]
fn the_default_write_concern_does_not_change_behind_anybodys_back() {
    let old = current(&[doc! {}, doc! {}]);
    let doc = next(&[doc! {}, doc! {}, doc! { "arbiterOnly": true }]);
    let error = change(&old, &doc, Force::Safe).unwrap_err();
    assert_eq!(error.code().number(), 103);
    assert!(error.message().contains("implicit default write concern"));
    let is_self = named("h0");
    let reconfig = Reconfig {
        current: &old,
        is_self: &is_self,
        term: 3,
        force: Force::Safe,
        allow_multiple_arbiters: false,
        has_default_write_concern: true,
    };
    assert!(reconfig.check(DocBuf::from(&doc).as_raw()).is_ok());
}

#[test]
fn an_electable_secondary_does_not_join_one_node_and_an_arbiter() {
    let old = [doc! {}, doc! { "arbiterOnly": true }];
    let arbiter = doc! { "arbiterOnly": true };
    let (code, text) = refusal(&old, &next(&[doc! {}, arbiter.clone(), doc! {}]));
    assert!(code == 103 && text.contains("PSA topology"), "{text}");
    let passive = doc! { "priority": 0 };
    change(&current(&old), &next(&[doc! {}, arbiter, passive]), Force::Safe).unwrap();
}

#[test]
fn a_forced_change_jumps_ahead_has_no_term_and_may_drop_a_majority() {
    let old = current(&[doc! {}, doc! {}, doc! {}]);
    let mut doc = next(&[doc! {}, doc! { "_id": 8, "host": "h8:1" }]);
    doc.insert("version", 9);
    let (config, own) = change(&old, &doc, Force::Forced(123_456)).unwrap();
    assert_eq!((config.version, config.term, own), (9 + 10_000 + 23_456, -1, 0));
    assert!(config.members.iter().all(|m| !m.newly_added));
    let mut same = next(&[doc! {}]);
    same.insert("version", 1);
    let (config, _) = change(&old, &same, Force::Forced(0)).unwrap();
    assert_eq!(config.version, 10_005);
}

#[test]
fn a_forced_change_may_leave_the_node_unelectable_but_not_out() {
    let old = current(&[doc! {}, doc! {}]);
    change(&old, &next(&[doc! { "priority": 0 }, doc! {}]), Force::Forced(0)).unwrap();
    let error = change(&old, &next(&[doc! { "host": "x:1" }]), Force::Forced(0)).unwrap_err();
    assert!(error.message().contains("maps to this node"));
}

#[test]
fn a_forced_version_stays_within_its_range() {
    let mut old = current(&[doc! {}]);
    old.version = i64::from(i32::MAX) - 5;
    let (config, _) = change(&old, &next(&[doc! {}]), Force::Forced(u32::MAX)).unwrap();
    assert_eq!(config.version, i64::from(i32::MAX));
}
