use super::{BindError, Detail, RaftId};
use crate::config::tests::{parsed, with_members};
use quire_bson::{Document, doc};
use std::collections::BTreeSet;

fn set(nodes: &[RaftId]) -> BTreeSet<RaftId> {
    nodes.iter().copied().collect()
}

/// Members 0, 1, … on nodes 100, 101, …
fn detail(members: &[Document]) -> Detail {
    let config = parsed(with_members(members));
    let nodes = config.members.iter().zip(100..).map(|(m, node)| (m.id, node)).collect();
    Detail::new(config, nodes)
}

#[test]
fn a_detail_survives_being_written() {
    let mut original =
        detail(&[doc! {}, doc! {"tags": {"a": "b"}}, doc! {"votes": 0, "priority": 0}]);
    original.config.members[1].newly_added = true;
    original.nodes.insert(2, u64::MAX - 5);
    original.nodes.remove(&0);
    assert_eq!(Detail::decode(&original.encode()).unwrap(), original);
}

#[test]
fn bytes_that_are_no_detail_are_refused() {
    let good = detail(&[doc! {}]).encode();
    assert!(Detail::decode(&good[..good.len() - 1]).is_err());
    for bad in [
        doc! {},
        doc! {"config": {}, "nodes": {}},
        doc! {"config": {"_id": "a", "members": []}},
        doc! {"config": {"_id": "a", "members": []}, "nodes": {"x": 1_i64}},
        doc! {"config": {"_id": "a", "members": []}, "nodes": {"0": 1.5}},
    ] {
        assert!(Detail::decode(quire_bson::DocBuf::from(&bad).as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn settled_sets_follow_the_votes_and_arbiters_have_one() {
    let mut d =
        detail(&[doc! {}, doc! {"arbiterOnly": true}, doc! {"votes": 0, "priority": 0}, doc! {}]);
    d.config.members[3].newly_added = true;
    let sets = d.settled_sets();
    assert_eq!((sets.voters, sets.learners), (set(&[100, 101]), set(&[102, 103])));
}

#[test]
fn a_set_begins_with_one_voter_and_its_configuration_does_not_change_while_others_catch_up() {
    let d = detail(&[doc! {}, doc! {}, doc! {"arbiterOnly": true}]);
    let sets = d.founding_sets(100);
    assert_eq!((&sets.voters, &sets.learners), (&set(&[100]), &set(&[101, 102])));
    assert_eq!(d.promotion(&sets.voters, |_| false), None);
    let (next, sets) = d.promotion(&sets.voters, |node| node == 102).unwrap();
    assert_eq!((&sets.voters, &sets.learners), (&set(&[100, 102]), &set(&[101])));
    let (last, sets) = next.promotion(&sets.voters, |_| true).unwrap();
    assert_eq!((&sets.voters, &sets.learners), (&set(&[100, 101, 102]), &set(&[])));
    assert_eq!(last, d);
    assert_eq!(last.promotion(&sets.voters, |_| true), None);
}

#[test]
fn a_member_without_a_vote_is_never_promoted() {
    let d = detail(&[doc! {}, doc! {"votes": 0, "priority": 0}]);
    assert_eq!(d.promotion(&set(&[100]), |_| true), None);
}

#[test]
fn who_waits_for_a_vote_gets_it_with_a_new_version() {
    let mut d = detail(&[doc! {}, doc! {}]);
    d.config.members[1].newly_added = true;
    let (next, sets) = d.promotion(&set(&[100]), |_| true).unwrap();
    assert!(!next.config.members[1].newly_added);
    assert_eq!(next.config.version, 2);
    assert_eq!(sets.voters, set(&[100, 101]));
}

#[test]
fn a_new_configuration_takes_votes_at_once_and_gives_none() {
    let old = detail(&[doc! {}, doc! {}, doc! {"votes": 0, "priority": 0}]);
    let config = detail(&[doc! {}, doc! {"votes": 0, "priority": 0}, doc! {}]).config;
    let next = old.with_config(config);
    let sets = next.sets_after(&set(&[100, 101]));
    assert_eq!((sets.voters, sets.learners), (set(&[100]), set(&[101, 102])));
}

#[test]
fn who_left_the_configuration_is_no_node_of_it() {
    let old = detail(&[doc! {}, doc! {}]);
    let next = old.with_config(detail(&[doc! {}]).config);
    assert_eq!(next.nodes.keys().copied().collect::<Vec<_>>(), [0]);
    assert!(next.member_of(101).is_none());
}

#[test]
fn a_member_keeps_its_node_under_a_new_address() {
    let old = detail(&[doc! {}, doc! {}]);
    let config = detail(&[doc! {}, doc! {"host": "elsewhere:1"}]).config;
    assert_eq!(old.with_config(config).node_of(1), Some(101));
}

#[test]
fn the_first_node_of_a_member_is_taken_as_it_is() {
    let mut d = detail(&[doc! {}, doc! {}]);
    d.nodes.remove(&1);
    let (next, sets) = d.bound(1, 7, &set(&[100])).unwrap().unwrap();
    assert_eq!(next.node_of(1), Some(7));
    assert_eq!(next.config, d.config);
    assert_eq!((sets.voters, sets.learners), (set(&[100]), set(&[7])));
}

#[test]
fn a_wiped_node_loses_the_vote_of_its_predecessor() {
    let d = detail(&[doc! {}, doc! {}, doc! {}]);
    let (next, sets) = d.bound(1, 7, &set(&[100, 101, 102])).unwrap().unwrap();
    assert!(next.config.members[1].newly_added);
    assert_eq!(next.config.version, 2);
    assert_eq!((sets.voters, sets.learners), (set(&[100, 102]), set(&[7])));
    let (last, sets) = next.promotion(&set(&[100, 102]), |node| node == 7).unwrap();
    assert!(!last.config.members[1].newly_added);
    assert_eq!(sets.voters, set(&[100, 102, 7]));
}

#[test]
fn a_wiped_arbiter_waits_below_only() {
    let d = detail(&[doc! {}, doc! {"arbiterOnly": true}]);
    let (next, sets) = d.bound(1, 7, &set(&[100, 101])).unwrap().unwrap();
    assert_eq!(next.config, d.config);
    assert_eq!((&sets.voters, &sets.learners), (&set(&[100]), &set(&[7])));
    assert_eq!(next.promotion(&sets.voters, |_| true).unwrap().1.voters, set(&[7, 100]));
}

#[test]
fn impossible_bindings_are_refused() {
    let d = detail(&[doc! {}, doc! {}]);
    let voters = set(&[100, 101]);
    assert_eq!(d.bound(1, 101, &voters), Ok(None));
    assert_eq!(d.bound(1, 100, &voters), Err(BindError::BoundElsewhere(0)));
    assert_eq!(d.bound(5, 7, &voters), Err(BindError::NoSuchMember(5)));
    assert_eq!(d.bound(0, 7, &set(&[100])), Err(BindError::LastVoter));
}
