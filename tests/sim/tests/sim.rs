//! The simulation itself: seeds hold, a seed is always the same run, and a broken rule is found.

#![allow(clippy::print_stdout)]

use quire_sim::{Figures, Outcome, Planted, run};

/// Seeds that are run with every change; `make sim` tries fresh ones.
const SEEDS: std::ops::Range<u64> = 1..33;

/// A broken rule is found in fewer seeds than this, which takes less than a minute.
const FOUND_WITHIN: u64 = 60;

#[test]
fn every_rule_holds_whatever_goes_wrong() {
    let mut sum = Figures::default();
    for seed in SEEDS {
        let Outcome { figures, wrong, .. } = run(seed, None, false);
        assert_eq!(wrong, None, "seed {seed}; again: make sim SEED={seed}");
        sum.add(&figures);
    }
    println!("{sum:?}");
    // Seeds under which nothing happens would hold too.
    let Figures { elections, crashes, wipes, copies, memberships, .. } = sum;
    let Figures { forced, given_up, acknowledged, reads, forgotten, .. } = sum;
    let writes = [forced, given_up, acknowledged, reads, forgotten];
    let happened = [elections, crashes, wipes, copies, memberships];
    let mut happened = happened.iter().chain(&writes);
    assert!(happened.all(|times| *times >= 3), "{sum:?}");
}

/// Its log is full and its data cannot be written when a copy of the state is to be taken over.
#[test]
fn a_member_that_can_write_nothing_waits_and_does_not_try_again_at_once() {
    let outcome = run(1_795_214_908_000_107, None, false);
    assert_eq!(outcome.wrong, None);
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in [3, 14] {
        let (first, again) = (run(seed, None, false), run(seed, None, false));
        assert_eq!((first.trace, first.figures), (again.trace, again.figures), "seed {seed}");
    }
    assert_ne!(run(3, None, false).trace, run(4, None, false).trace);
}

fn is_found(planted: Planted, words: &[&str]) {
    for seed in 0..FOUND_WITHIN {
        if let Some(wrong) = run(seed, Some(planted), false).wrong {
            println!("{planted:?}: seed {seed}: {wrong}");
            assert!(words.iter().any(|word| wrong.contains(word)), "{planted:?}: {wrong}");
            return;
        }
    }
    panic!("{planted:?} was not found");
}

#[test]
fn a_member_that_votes_twice_is_found() {
    is_found(Planted::VoteTwice, &["voted for", "leaders"]);
}

#[test]
fn a_log_that_answers_before_it_has_synced_is_found() {
    is_found(Planted::UnsyncedIsEnough, &["synced"]);
}

#[test]
fn a_leader_that_counts_entries_of_earlier_terms_is_found() {
    is_found(Planted::CountOldTerms, &["takes", "commits"]);
}

#[test]
fn entries_applied_in_another_order_are_found() {
    is_found(Planted::ApplyOutOfOrder, &["state", "effects", "lost"]);
}

#[test]
fn a_log_that_keeps_what_contradicts_the_leader_is_found() {
    is_found(Planted::KeepTail, &["synced", "log", "another entry"]);
}

#[test]
fn a_session_that_is_forgotten_while_it_is_used_is_found() {
    is_found(Planted::ForgetTooEarly, &["twice", "effects", "counts"]);
}
