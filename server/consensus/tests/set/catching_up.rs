//! Members that fell behind, and logs that fail.

use crate::bench::{Set, members};
use quire_consensus::{Consensus, ConsensusKind, Message};
use quire_engine::{Call, EngineError, Fault};
use quire_log::{FileFault, LogIndex, StateMachine, Term};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::rc::Rc;

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

/// Three voters, of which the last hears nothing and is too far behind for the log.
fn with_a_voter_cut_off() -> Set {
    let mut set = Set::new(3);
    set.change(1, &members(&[1, 2, 3], &[1], &[]));
    set.change(1, &members(&[1, 2, 3], &[], &[]));
    set.loses = Box::new(|from, to, _| [from, to].contains(&3));
    for _ in 0..5 {
        set.write(1);
    }
    set.compact(1);
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
    set.node(3).log_files.fail(FileFault::once(1, ErrorKind::StorageFull));
    set.loses = Box::new(|_, _, _| false);
    assert!(set.within(10, |set| set.has_everything(3, 1)));
}

#[test]
fn a_member_that_dropped_its_state_and_could_not_say_so_durably_has_none() {
    let mut set = with_a_voter_cut_off();
    let failed = EngineError::Io("planned".to_owned());
    set.node(3).data_faults.fail(Fault { lasting: true, ..Fault::once(Call::Flush, 1, failed) });
    set.loses = Box::new(|_, _, _| false);
    assert!(set.within(2, |set| set.applied(3) == 0));
    assert!(set.node(3).member.view().partial);
    assert!(set.node(3).member.force().is_err(), "nobody goes on from nothing");
    set.node(3).data_faults.heal();
    assert!(set.within(10, |set| set.has_everything(3, 1)));
}

#[test]
fn a_message_that_meets_a_log_that_is_not_open_does_no_harm() {
    let mut set = with_one_behind(|_| false);
    assert!(set.within(5, |set| set.has_everything(3, 1)));
    let full = FileFault::once(1, ErrorKind::StorageFull);
    set.node(3).log_files.fail(FileFault { times: u64::MAX, ..full });
    for _ in 0..3 {
        assert!(set.write(1).outcome().is_some_and(|outcome| outcome.is_ok()));
        set.tick(2);
    }
    set.node(3).log_files.heal();
    assert!(set.within(5, |set| set.has_everything(3, 1)));
}

#[test]
fn how_far_a_member_is_gets_told_again_when_it_was_lost() {
    let lost = Rc::new(Cell::new(false));
    let loses = lost.clone();
    let mut set =
        with_one_behind(move |message| loses.get() && matches!(message, Message::Progress { .. }));
    assert!(set.within(5, |set| set.has_everything(3, 1)));
    lost.set(true);
    set.write(1);
    lost.set(false);
    let everybody_is_there = |set: &Set| {
        let peers = set.nodes[&1].member.view().peers.clone();
        peers.iter().all(|peer| peer.applied.0 == set.applied(1))
    };
    assert!(!everybody_is_there(&set));
    assert!(set.within(2, everybody_is_there));
}

#[test]
fn a_member_without_a_state_does_not_lead_though_it_is_told_to() {
    let mut set = with_a_voter_cut_off();
    set.loses = Box::new(|_, _, message| matches!(message, Message::CopyChunk { .. }));
    assert!(set.within(2, |set| set.nodes[&3].member.view().partial));
    let term = set.node(3).member.term();
    let order = Consensus { kind: ConsensusKind::TimeoutNow, ..an_append(1, 3) };
    set.node(3).member.receive(1, Message::Consensus(order));
    set.run();
    assert_eq!((set.leader(), set.node(3).member.term()), (Some(1), term));
}

fn an_append(from: u64, to: u64) -> Consensus {
    Consensus {
        kind: ConsensusKind::Append,
        from,
        to,
        term: Term(1),
        index: LogIndex::ZERO,
        log_term: Term(0),
        commit: LogIndex::ZERO,
        commit_term: Term(0),
        reject: false,
        reject_hint: LogIndex::ZERO,
        context: Vec::new(),
        entries: Vec::new(),
    }
}

#[test]
fn an_arbiter_gets_the_position_and_all_of_it_when_it_is_one_no_more() {
    let mut set = with_one_behind(is_offer);
    let arbiters = |set: &mut Set, arbiters: BTreeSet<u64>| {
        for id in 1..=3 {
            let own = Some(arbiters.contains(&id));
            set.node(id).member.set_witnesses(arbiters.clone(), own);
        }
    };
    arbiters(&mut set, BTreeSet::from([3]));
    set.loses = Box::new(|_, _, _| false);
    let at_the_end = |set: &Set| {
        let applied = |id: u64| set.nodes[&id].documents.applied().index;
        applied(3) == applied(1)
    };
    assert!(set.within(5, at_the_end));
    assert!(set.nodes[&3].documents.is_hollow());
    assert!(!set.nodes[&1].documents.is_hollow());
    set.write(1);
    assert!(set.within(5, at_the_end));

    arbiters(&mut set, BTreeSet::new());
    assert!(set.within(10, |set| set.has_everything(3, 1) && !set.nodes[&3].documents.is_hollow()));
    set.write(1);
    assert!(set.within(5, |set| set.has_everything(3, 1)));
}

#[test]
fn nobody_gets_data_from_a_leader_that_has_none() {
    let mut set = with_one_behind(is_offer);
    let alone = BTreeSet::from([1]);
    set.node(1).member.set_witnesses(alone, Some(true));
    set.write(1);
    assert!(set.nodes[&1].documents.is_hollow());
    set.loses = Box::new(|_, _, _| false);
    assert!(!set.within(10, |set| set.nodes[&3].documents.is_hollow()));
}
