//! A leader that was to hand over, and to whom nobody succeeded.

use crate::trio::Trio;
use std::sync::atomic::Ordering;

#[test]
fn a_leader_that_stays_takes_proposals_only_when_nothing_older_is_on_its_way() {
    let mut trio = Trio::new();
    trio.elect(1, &[1]);
    let counter = trio.counter(1);
    counter.explodes.store(true, Ordering::SeqCst);
    drop(trio.command(1));
    assert!(trio.member(1).is_writable(), "what is pending is known to whoever plans");

    trio.cut_off = Some(2);
    trio.member(1).transfer(2);
    trio.run();
    assert!(!trio.member(1).is_writable(), "it hands over");
    for _ in 0..2 * quire_consensus::ELECTION_TICKS {
        trio.member(1).tick(0);
        trio.run();
    }
    assert_eq!(trio.member(1).view().term.0, 1, "nobody else was elected");
    assert!(!trio.member(1).is_writable(), "a plan made now would not know what is pending");

    counter.explodes.store(false, Ordering::SeqCst);
    trio.heartbeat(1);
    assert_eq!(counter.total.load(Ordering::SeqCst), 1);
    assert!(trio.member(1).is_writable());
}
