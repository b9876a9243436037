//! Who belongs to the set, and counts.

use crate::bench::{Set, members};
use quire_consensus::{ELECTION_TICKS, LostCause, Role};
use quire_log::{LogStore as _, Timestamp};

#[test]
fn a_member_whose_first_membership_is_a_joint_one_votes_and_stands() {
    let mut set = Set::new(3);
    set.change(1, &members(&[1, 2, 3], &[1], &[]));
    set.change(1, &members(&[1, 2, 3], &[], &[]));
    set.node(2).member.campaign();
    set.run();
    assert_eq!(set.node(2).member.view().role, Role::Leader);
}

#[test]
fn a_voter_that_left_through_a_joint_set_is_not_counted_any_more() {
    let mut set = Set::new(4);
    set.change(1, &members(&[1, 2, 3], &[1], &[]));
    set.change(1, &members(&[1, 2, 3], &[], &[]));
    set.change(1, &members(&[1, 2, 4], &[1, 2, 3], &[]));
    set.change(1, &members(&[1, 2, 4], &[], &[]));
    // The one that left would make two of four with the leader, and three with one more.
    set.loses = Box::new(|from, to, _| [from, to].iter().any(|node| [2, 4].contains(node)));
    assert_eq!(set.write(1).outcome(), None, "one of three is no majority");
    set.loses = Box::new(|from, to, _| [from, to].iter().any(|node| [2, 3].contains(node)));
    set.tick(2);
    assert!(set.write(1).outcome().is_some_and(|outcome| outcome.is_ok()), "two of three are");
}

#[test]
fn a_leader_that_is_removed_makes_room_for_another() {
    let mut set = Set::new(3);
    set.change(1, &members(&[1, 2, 3], &[1], &[]));
    set.change(1, &members(&[1, 2, 3], &[], &[]));
    set.change(1, &members(&[2, 3], &[], &[]));
    assert_ne!(set.node(1).member.view().role, Role::Leader);
    assert!(set.within(3, |set| set.leader().is_some()));
    let leader = set.leader().unwrap();
    assert!(set.write(leader).outcome().is_some_and(|outcome| outcome.is_ok()));
}

#[test]
fn the_only_voter_of_a_set_does_not_wait_to_hear_of_others() {
    let mut set = Set::new(1);
    set.change(1, &members(&[1], &[], &[]));
    set.node(1).restart();
    set.run();
    set.tick(2);
    assert_eq!(set.leader(), Some(1), "it stood within a tenth of the election timeout");
}

#[test]
fn a_membership_that_does_not_follow_is_refused() {
    let mut set = Set::new(3);
    for next in [members(&[1, 2, 3], &[], &[]), members(&[], &[], &[]), members(&[1], &[2], &[])] {
        let refused = set.node(1).member.propose_membership(Timestamp(9_000), &next);
        assert_eq!(refused.err().map(|lost| lost.cause), Some(LostCause::Overloaded), "{next:?}");
    }
    set.tick(ELECTION_TICKS);
    assert_eq!(set.node(1).member.view().role, Role::Leader);
}

#[test]
fn a_member_that_starts_again_goes_by_the_membership_that_it_had_applied() {
    let mut set = Set::new(3);
    set.change(1, &members(&[1, 2, 3], &[1], &[]));
    set.change(1, &members(&[1, 2, 3], &[], &[]));
    for node in 1..=3 {
        let node = set.node(node);
        // Nothing was appended after it that could have carried the news.
        assert_eq!(node.log.hard_state().commit, node.member.committed());
    }
}
