//! One member goes on alone, and the others follow it.

use crate::bench::{Set, members};
use quire_consensus::{Membership, Message};
use quire_log::{LogIndex, LogStore};
use std::collections::BTreeSet;

/// Node 2 knows least, goes on alone and then names those who are to follow it.
fn force(set: &mut Set, learners: &[u64]) {
    set.node(2).member.force().unwrap();
    assert!(set.within(2, |set| set.nodes[&2].member.view().writable));
    let alone = set.nodes[&2].member.view().membership.clone();
    let learners = learners.iter().copied().collect::<BTreeSet<u64>>();
    let target = Membership { learners, ..Membership::clone(&alone) };
    set.change(2, &alone.step_towards(&target));
}

#[test]
fn a_member_in_the_middle_of_a_copy_gives_up_a_log_that_the_forced_history_knows_nothing_of() {
    let mut set = Set::new(5);
    set.change(1, &members(&[1, 2, 3, 4, 5], &[1], &[]));
    set.change(1, &members(&[1, 2, 3, 4, 5], &[], &[]));
    set.loses = Box::new(|from, to, _| [from, to].contains(&2));
    for _ in 0..9 {
        set.write(1);
    }
    set.compact(3);
    set.loses = Box::new(|from, to, _| [from, to].iter().any(|id| [2, 3].contains(id)));
    for _ in 0..3 {
        set.write(1);
    }
    set.compact(1);
    set.loses = Box::new(|from, to, message| {
        [from, to].contains(&2) || matches!(message, Message::CopyChunk { .. })
    });
    assert!(set.within(9, |set| set.nodes[&3].member.view().partial));
    let promised = set.nodes[&3].log.hard_state().commit;
    assert!(promised > LogIndex(set.applied(2) + 5));

    set.loses = Box::new(|from, to, _| ![from, to].iter().all(|id| [2, 3].contains(id)));
    force(&mut set, &[3]);
    assert!(set.within(20, |set| set.has_everything(3, 2)));
    assert!(set.nodes[&3].log.last_index() < promised);
    set.write(2);
    assert!(set.within(5, |set| set.has_everything(3, 2)));
}
