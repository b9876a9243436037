//! Members that fell behind, and logs that fail.

use crate::bench::{Set, members};
use quire_consensus::{ConsensusKind, Message};
use quire_engine::{Call, EngineError, Fault};
use std::cell::Cell;
use std::sync::atomic::Ordering;

fn is_offer(message: &Message) -> bool {
    matches!(message, Message::Consensus(consensus) if consensus.kind == ConsensusKind::CopyOffer)
}

/// Two voters, and a learner that is too far behind for the log.
fn with_one_behind(loses: impl Fn(&Message) -> bool + 'static) -> Set {
    let mut set = Set::new(3);
    set.change(1, &members(&[1, 2], &[1], &[]));
    set.change(1, &members(&[1, 2], &[], &[]));
    for _ in 0..5 {
        set.write(1);
    }
    set.compact(1);
    set.loses = Box::new(move |_, _, message| loses(message));
    set.change(1, &members(&[1, 2], &[], &[3]));
    set
}

#[test]
fn a_copy_whose_offer_was_lost_is_offered_again() {
    let left = Cell::new(2);
    let mut set = with_one_behind(move |message| {
        let lost = is_offer(message) && left.get() > 0;
        left.set(left.get() - u32::from(lost));
        lost
    });
    assert!(set.within(5, |set| set.has_everything(3, 1)));
}

#[test]
fn a_member_whose_log_could_not_follow_its_copy_gets_there_all_the_same() {
    let mut set = with_one_behind(is_offer);
    let full = EngineError::NoSpace("planned".to_owned());
    set.node(3).log_faults.fail(Fault::once(Call::Write, 1, full));
    set.loses = Box::new(|_, _, _| false);
    assert!(set.within(10, |set| set.has_everything(3, 1)));
}

#[test]
fn a_message_that_meets_a_log_that_is_not_open_does_no_harm() {
    let mut set = with_one_behind(|_| false);
    assert!(set.within(5, |set| set.has_everything(3, 1)));
    let full = EngineError::NoSpace("planned".to_owned());
    set.node(3).shut.store(true, Ordering::SeqCst);
    set.node(3).log_faults.fail(Fault::once(Call::Write, 1, full));
    for _ in 0..3 {
        assert!(set.write(1).outcome().is_some_and(|outcome| outcome.is_ok()));
        set.tick(2);
    }
    set.node(3).shut.store(false, Ordering::SeqCst);
    assert!(set.within(5, |set| set.has_everything(3, 1)));
}
