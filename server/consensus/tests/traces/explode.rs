//! A leader cannot apply what it has committed.

use crate::trio::{Trio, follower, leader, outcome};
use quire_consensus::LostCause;
use std::sync::atomic::Ordering;

#[test]
fn a_leader_that_cannot_apply_keeps_the_entry_and_its_place_and_applies_it_once_later() {
    let mut trio = Trio::new();

    trio.elect(1, &[1]);
    assert_eq!(outcome(&mut trio.command(1)), Some(Ok(2)));
    let section = "1: an election and a command";
    let rows = [leader(1, 2, 1, 2), follower(1, 2, 1, 2..=2), follower(1, 2, 1, 2..=2)];
    trio.check(section, rows, [1, 1, 1]);

    let counter = trio.counter(1);
    counter.explodes.store(true, Ordering::SeqCst);
    let mut command = trio.command(1);
    assert_eq!(outcome(&mut command), Some(Err(LostCause::Stalled)), "told at once");
    let section = "2: the leader explodes";
    let rows = [leader(1, 3, 1, 3), follower(1, 3, 1, 2..=3), follower(1, 3, 1, 2..=3)];
    let [total_1, total_2, total_3] = [1, 2, 3].map(|id| {
        let total = trio.counter(id).total.load(Ordering::SeqCst);
        assert!(total == 1 || (id != 1 && total == 2), "N-{id} counted {total}");
        total
    });
    trio.check(section, rows, [total_1, total_2, total_3]);

    counter.explodes.store(false, Ordering::SeqCst);
    trio.heartbeat(1);
    let all = || [leader(1, 3, 1, 3), follower(1, 3, 1, 3..=3), follower(1, 3, 1, 3..=3)];
    trio.check("3: the fault is gone", all(), [2, 2, 2]);

    trio.heartbeat(1);
    trio.check("4: nothing more happens", all(), [2, 2, 2]);
}

#[test]
fn a_follower_that_cannot_apply_keeps_nobody_from_committing() {
    let mut trio = Trio::new();
    trio.elect(1, &[1]);
    let counter = trio.counter(2);
    counter.explodes.store(true, Ordering::SeqCst);
    assert_eq!(outcome(&mut trio.command(1)), Some(Ok(2)));
    assert_eq!(outcome(&mut trio.command(1)), Some(Ok(3)));
    let all = || [leader(1, 3, 1, 3), follower(1, 3, 1, 3..=3), follower(1, 3, 1, 3..=3)];
    trio.check("a follower explodes", all(), [2, 0, 2]);

    counter.explodes.store(false, Ordering::SeqCst);
    trio.heartbeat(1);
    trio.check("it applies what it missed", all(), [2, 2, 2]);
}
