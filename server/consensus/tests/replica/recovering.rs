//! Starting from what is on disk.

use crate::bench::{Bench, Ledger, open_log};
use quire_consensus::{Options, RecoveryError, Replica};
use quire_log::{Entry, EntryKind, LogStore, MemoryFiles, StateMachine, Term, Timestamp};
use std::sync::Arc;

/// A ledger that has the first `count` entries of another one.
fn first(ledger: &Ledger, count: usize) -> Arc<Ledger> {
    let copy = Ledger::default();
    copy.entries.lock().extend_from_slice(&ledger.entries.lock()[..count]);
    Arc::new(copy)
}

fn open(files: &MemoryFiles, ledger: Arc<Ledger>) -> Result<Replica, RecoveryError> {
    let log = open_log(Arc::new(files.after_crash(0)));
    Replica::open(log, ledger, Options::default())
}

#[test]
fn a_start_replays_exactly_what_is_above_the_applied_entry() {
    let bench = Bench::new(Options::default());
    for n in 0..20_u8 {
        bench.commit(&[n]).unwrap();
    }
    let all = bench.ledger.entries.lock().len();
    for applied in 0..=all {
        let ledger = first(&bench.ledger, applied);
        let replica = open(&bench.files, ledger.clone()).unwrap();
        assert_eq!(replica.stats().replayed_at_start, (all - applied) as u64);
        assert_eq!(ledger.payloads(), bench.ledger.payloads());
        let entries = ledger.entries.lock();
        let start: &Entry = entries.last().unwrap();
        assert_eq!((start.kind, start.term), (EntryKind::TermStart, Term(2)));
        assert!(entries.windows(2).all(|pair| pair[0].timestamp < pair[1].timestamp));
    }
}

#[test]
fn every_start_begins_a_new_term_and_stamps_go_on_increasing() {
    let mut files = MemoryFiles::default();
    let ledger: Arc<Ledger> = Arc::default();
    let mut newest = Timestamp::ZERO;
    for term in 1..5 {
        let bench = Bench::over(files, ledger.clone(), Options::default());
        assert_eq!(bench.replica.term(), Term(term));
        let committed = bench.commit(b"x").unwrap();
        assert!(committed.timestamp > newest);
        newest = committed.timestamp;
        files = bench.files.after_crash(0);
    }
}

#[test]
fn a_log_that_ends_before_the_data_is_refused() {
    let bench = Bench::new(Options::default());
    let older = bench.files.after_crash(0);
    bench.commit(b"a").unwrap();
    let refused = open(&older, bench.ledger.clone()).err();
    assert!(matches!(refused, Some(RecoveryError::LogBehindData { .. })), "{refused:?}");
}

#[test]
fn data_from_before_the_logs_first_entry_is_refused() {
    let bench = Bench::new(Options {
        retention: quire_consensus::Retention::Entries(0),
        ..Options::default()
    });
    for n in 0..5_u8 {
        bench.commit(&[n]).unwrap();
    }
    bench.replica.checkpoint().unwrap();
    bench.commit(b"last").unwrap();
    let first_kept = usize::try_from(bench.log.first_index().0).unwrap();
    let older = first(&bench.ledger, first_kept - 2);
    let refused = open(&bench.files, older).err();
    assert!(matches!(refused, Some(RecoveryError::DataBehindLog { .. })), "{refused:?}");
    open(&bench.files, first(&bench.ledger, first_kept - 1)).unwrap();
}

#[test]
fn a_log_of_other_data_is_refused() {
    let (one, other) = (Bench::new(Options::default()), Bench::new(Options::default()));
    one.commit(b"a").unwrap();
    let later = Timestamp(other.replica.applied().timestamp.0 + 50);
    drop(other.replica.propose(0, later, b"b".to_vec()).unwrap());
    other.replica.propose(0, later.next(), b"c".to_vec()).map(drop).unwrap();
    let refused = open(&other.files, first(&one.ledger, 2)).err();
    assert!(matches!(refused, Some(RecoveryError::OtherHistory { .. })), "{refused:?}");
    // Nothing was written to a log that is not ours.
    assert_eq!(other.log.last_index(), other.ledger.applied().index);
}
