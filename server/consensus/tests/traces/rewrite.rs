//! A leader that was cut off goes on taking commands, and has its log rewritten when it comes back.

use crate::trio::{Trio, follower, leader, outcome};
use quire_consensus::LostCause;

#[test]
fn what_a_leader_took_while_it_was_cut_off_vanishes_and_what_its_successor_took_stays() {
    let mut trio = Trio::new();

    trio.elect(1, &[1]);
    let section = "1: a normal election";
    let rows = [leader(1, 1, 1, 1), follower(1, 1, 1, 0..=1), follower(1, 1, 1, 0..=1)];
    trio.check(section, rows, [0, 0, 0]);

    trio.cut_off = Some(1);
    let mut lost = [trio.command(1), trio.command(1)];
    assert_eq!(lost.each_mut().map(outcome), [None, None], "nobody knows what becomes of them");
    let section = "2: two commands at a leader that was cut off";
    let rows = [leader(1, 3, 1, 1), follower(1, 1, 1, 0..=1), follower(1, 1, 1, 0..=1)];
    trio.check(section, rows, [0, 0, 0]);

    trio.elect(2, &[2, 3]);
    let section = "3: the others elect another leader";
    let rows = [leader(1, 3, 1, 1), leader(2, 2, 2, 2), follower(2, 2, 2, 0..=2)];
    trio.check(section, rows, [0, 0, 0]);

    trio.member(1).resign();
    trio.run();
    let not_leader = Some(Err(LostCause::NotLeader));
    assert_eq!(lost.each_mut().map(outcome), [not_leader, not_leader]);
    assert_eq!(outcome(&mut trio.command(2)), Some(Ok(3)));
    let section = "4: the old leader has given up, the new one takes a command";
    let rows = [follower(1, 3, 1, 1..=1), leader(2, 3, 2, 3), follower(2, 3, 2, 3..=3)];
    trio.check(section, rows, [0, 1, 1]);

    trio.cut_off = None;
    trio.heartbeat(2);
    let section = "5: the old leader is back";
    let rows = [follower(2, 3, 2, 3..=3), leader(2, 3, 2, 3), follower(2, 3, 2, 3..=3)];
    trio.check(section, rows, [1, 1, 1]);

    assert_eq!(trio.votes_asked(), [(1, 0, 0), (2, 1, 1)], "with the term of the last entry");
}

#[test]
fn a_leader_that_hears_nobody_gives_up_by_itself_within_two_election_timeouts() {
    let mut trio = Trio::new();
    trio.elect(1, &[1]);
    trio.cut_off = Some(1);
    let mut lost = trio.command(1);
    for _ in 0..2 * quire_consensus::ELECTION_TICKS {
        trio.member(1).tick(0);
        trio.run();
    }
    assert_eq!(outcome(&mut lost), Some(Err(LostCause::NotLeader)));
    let section = "it gave up, and its log is as it was";
    let rows = [follower(1, 2, 1, 1..=1), follower(1, 1, 1, 0..=1), follower(1, 1, 1, 0..=1)];
    trio.check(section, rows, [0, 0, 0]);
}
