//! What is left when a step of a commit fails.

use crate::bench::{Bench, block_on, ends, is_ready, open_log, wait_until};
use quire_consensus::{Lost, LostCause, Options};
use quire_log::{FileEffect, FileFault, LogIndex, LogStore, StateMachine, Timestamp};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const NO_SPACE: ErrorKind = ErrorKind::StorageFull;
const BROKEN: ErrorKind = ErrorKind::Other;

/// What an append asks of a file.
const WRITE: u64 = 1;
const SYNC: u64 = 2;

fn lost(cause: LostCause) -> Option<Lost> {
    Some(Lost { cause })
}

const EFFECTS: [FileEffect; 2] = [FileEffect::Nothing, FileEffect::Complete];

#[test]
fn a_full_disk_loses_the_proposal_and_leaves_no_trace_of_it() {
    for (effect, nth) in EFFECTS.into_iter().flat_map(|effect| [(effect, WRITE), (effect, SYNC)]) {
        let bench = Bench::new(Options::default());
        bench.commit(b"before").unwrap();
        bench.files.fail(FileFault { effect, ..FileFault::once(nth, NO_SPACE) });
        assert_eq!(bench.commit(b"lost").err(), lost(LostCause::NoSpace), "{effect:?}");
        assert_eq!(bench.replica.epoch(), 1);
        assert_eq!(bench.logged(), [b"before"], "{effect:?}");
        bench.commit(b"after").unwrap();
        assert_eq!(bench.logged(), [b"before".as_slice(), b"after"]);
        assert_eq!(bench.ledger.payloads(), bench.logged());
    }
}

#[test]
fn a_power_cut_does_not_bring_back_what_was_lost_for_certain() {
    let bench = Bench::new(Options::default());
    bench.commit(b"before").unwrap();
    // The entry is written, the refusal goes out, and what cuts it off is not synced at first.
    let full = FileFault::once(SYNC, NO_SPACE);
    bench.files.fail(FileFault { effect: FileEffect::Complete, ..full });
    bench.files.fail_too(FileFault { nth: SYNC + SYNC, ..full });
    assert_eq!(bench.commit(b"lost").err(), lost(LostCause::NoSpace));
    for seed in 0..8 {
        let log = open_log(Arc::new(bench.files.after_crash(seed)));
        assert_eq!(log.last_index(), bench.log.last_index());
    }
}

#[test]
fn what_waited_behind_a_lost_group_is_lost_too() {
    let options = Options { group_bytes_max: 1, ..Options::default() };
    let bench = Bench::new(options);
    bench.files.fail(FileFault::once(SYNC + WRITE, NO_SPACE));
    let (first, behind) = bench.propose_behind(b"a", &[b"b", b"c", b"d"]);
    first.unwrap();
    for ticket in behind {
        assert_eq!(block_on(ticket).err(), lost(LostCause::NoSpace));
        assert_eq!(bench.replica.epoch(), 1, "whoever hears of a loss finds the new epoch");
        assert_eq!(bench.ledger.losses.load(Ordering::SeqCst), 1);
    }
    assert_eq!(bench.logged(), [b"a"]);
    assert_eq!(bench.replica.stats().queued_bytes, 0);
    bench.commit(b"after").unwrap();
}

#[test]
fn a_proposal_of_an_earlier_epoch_is_refused() {
    let bench = Bench::new(Options::default());
    let planned_in = bench.replica.epoch();
    bench.files.fail(FileFault::once(WRITE, NO_SPACE));
    bench.commit(b"lost").unwrap_err();
    let over_it = bench.replica.propose(planned_in, Timestamp(100), b"over it".to_vec());
    assert_eq!(over_it.err(), lost(LostCause::Superseded));
    let queued = bench.replica.enqueue(planned_in, Timestamp(100), b"over it".to_vec());
    assert_eq!(queued.err(), lost(LostCause::Superseded));
    assert_eq!(bench.logged(), Vec::<Vec<u8>>::new());
}

#[test]
fn a_proposers_thread_does_not_wait_for_a_log_that_cannot_be_reopened() {
    let bench = Bench::new(Options::default());
    // The write, and three attempts to reopen.
    bench.files.fail(FileFault { times: 4, ..FileFault::once(WRITE, NO_SPACE) });
    let mut ticket = bench.propose(b"lost").unwrap().commit();
    assert!(!is_ready(&mut ticket));
    assert_eq!(block_on(ticket).err(), lost(LostCause::NoSpace));
    bench.commit(b"after").unwrap();
    assert_eq!(bench.logged(), [b"after"]);
}

#[test]
fn a_log_that_failed_takes_no_more() {
    let bench = Bench::new(Options::default());
    bench.files.fail(FileFault::once(WRITE, BROKEN));
    assert_eq!(bench.commit(b"lost").err(), lost(LostCause::Failed));
    assert_eq!(bench.propose(b"more").err(), lost(LostCause::Failed));
    let replica = bench.replica.clone();
    ends(move || replica.shut_down()).unwrap();
}

#[test]
fn a_log_that_fails_under_a_group_loses_all_of_it_and_what_waits_behind() {
    let bench = Bench::new(Options { group_bytes_max: 2, ..Options::default() });
    bench.files.fail(FileFault::once(SYNC + WRITE, BROKEN));
    let (first, behind) = bench.propose_behind(b"a", &[b"b", b"c", b"d"]);
    first.unwrap();
    for ticket in behind {
        assert_eq!(block_on(ticket).err(), lost(LostCause::Failed));
    }
    assert_eq!(bench.propose(b"more").err(), lost(LostCause::Failed));
}

#[test]
fn an_entry_that_cannot_be_applied_is_answered_at_once_and_takes_effect_once_it_can() {
    let bench = Bench::new(Options::default());
    bench.ledger.failures.store(2, Ordering::SeqCst);
    let before = bench.ledger.attempts.load(Ordering::SeqCst);
    let ticket = bench.propose(b"a").unwrap().commit();
    assert_eq!(block_on(ticket).err(), lost(LostCause::Stalled), "its outcome is unknown");
    wait_until(|| bench.ledger.payloads() == [b"a"]);
    bench.commit(b"b").unwrap();
    assert_eq!(bench.logged(), [b"a", b"b"], "no second entry was written for it");
    assert_eq!(bench.ledger.payloads(), [b"a", b"b"]);
    assert_eq!(bench.ledger.attempts.load(Ordering::SeqCst) - before, 2 + 2);
    assert_eq!(bench.replica.epoch(), 0, "nothing was lost");
}

#[test]
fn a_stuck_apply_leaves_figures_readable() {
    let bench = Bench::new(Options::default());
    bench.ledger.failures.store(u32::MAX, Ordering::SeqCst);
    let ticket = bench.propose(b"a").unwrap().commit();
    assert_eq!(block_on(ticket).err(), lost(LostCause::Stalled));
    let attempts = bench.ledger.attempts.load(Ordering::SeqCst);
    wait_until(|| bench.ledger.attempts.load(Ordering::SeqCst) > attempts);
    let replica = bench.replica.clone();
    assert_eq!(ends(move || replica.stats()).committed_entries, 0);
    bench.ledger.failures.store(0, Ordering::SeqCst);
    wait_until(|| bench.replica.stats().committed_entries == 1);
}

#[test]
fn a_compaction_that_fails_costs_no_write() {
    for error in [NO_SPACE, BROKEN] {
        let bench = Bench::new(Options {
            retention: quire_consensus::Retention::Entries(0),
            ..Options::default()
        });
        bench.commit(b"a").unwrap();
        bench.files.fail(FileFault::once(WRITE, error));
        bench.replica.checkpoint().unwrap();
        assert_eq!(bench.log.first_index(), LogIndex(1));
        bench.commit(b"b").unwrap();
        bench.replica.checkpoint().unwrap();
        assert_eq!(bench.log.first_index(), bench.log.last_index().next());
        bench.commit(b"c").unwrap();
        assert_eq!(bench.logged(), [b"c"]);
    }
}

#[test]
fn the_log_is_compacted_no_further_than_the_state_is_durable() {
    let bench = Bench::new(Options {
        retention: quire_consensus::Retention::Entries(2),
        ..Options::default()
    });
    for n in 0..10_u8 {
        bench.commit(&[n]).unwrap();
    }
    bench.replica.checkpoint().unwrap();
    let last = bench.log.last_index();
    assert_eq!(bench.log.first_index().0, last.0 - 1, "two are kept");
    for n in 0..10_u8 {
        bench.commit(&[n]).unwrap();
    }
    let durable = bench.ledger.durable().unwrap();
    bench.ledger.flushes_nothing.store(true, Ordering::SeqCst);
    bench.replica.checkpoint().unwrap();
    assert_eq!(bench.log.first_index(), durable.next());
}
