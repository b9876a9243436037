//! Going down while something is going on.

use crate::bench::{Bench, Ledger, block_on, ends, wait_until};
use quire_consensus::{Lost, LostCause, Options};
use quire_log::{FileFault, Timestamp};
use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const STOPPED: Lost = Lost { cause: LostCause::ShuttingDown };

#[test]
fn what_is_queued_is_finished_and_nothing_else_is_taken() {
    let bench = Bench::new(Options { group_bytes_max: 1, ..Options::default() });
    bench.ledger.hold();
    let first = bench.propose(b"a").unwrap();
    std::thread::scope(|scope| {
        let inline = scope.spawn(|| block_on(first.commit()));
        bench.ledger.wait_until_held_up();
        let queued: Vec<_> = (0..5).map(|n| bench.propose(&[n]).unwrap().commit()).collect();
        let stopping = scope.spawn(|| bench.replica.shut_down());
        let late = || bench.replica.propose(u64::MAX, Timestamp(99), Vec::new());
        wait_until(|| late().err() == Some(STOPPED));
        bench.ledger.let_go();
        inline.join().unwrap().unwrap();
        stopping.join().unwrap().unwrap();
        assert_eq!(bench.ledger.payloads().len(), 6);
        for ticket in queued {
            block_on(ticket).unwrap();
        }
    });
    assert_eq!(bench.ledger.durable.load(Ordering::SeqCst), bench.replica.applied().index.0);
}

#[test]
fn dropping_a_replica_ends_though_a_proposer_commits_meanwhile() {
    for _ in 0..20 {
        let Bench { replica, ledger, .. } = Bench::new(Options::default());
        ledger.hold();
        let submitted = replica.propose(0, Timestamp(9), b"a".to_vec()).unwrap();
        let committing = std::thread::spawn(move || block_on(submitted.commit()));
        ledger.wait_until_held_up();
        let dropping = std::thread::spawn(move || drop(replica));
        std::thread::sleep(std::time::Duration::from_millis(2));
        ledger.let_go();
        ends(move || dropping.join()).unwrap();
        ends(move || committing.join()).unwrap().unwrap();
    }
}

#[test]
fn a_state_that_cannot_be_written_does_not_keep_the_node_up() {
    let bench = Bench::new(Options::default());
    bench.ledger.failures.store(u32::MAX, Ordering::SeqCst);
    let inline = bench.propose(b"a").unwrap().commit();
    let behind = bench.propose(b"b").unwrap().commit();
    let replica = bench.replica.clone();
    ends(move || replica.shut_down()).unwrap();
    let stalled = Err(Lost { cause: LostCause::Stalled });
    assert_eq!(block_on(inline), stalled);
    assert_eq!(block_on(behind), stalled);
    // Both are in the log, so the next start has them.
    let Bench { files, .. } = bench;
    let next = Bench::over(files.after_crash(0), Arc::new(Ledger::default()), Options::default());
    assert_eq!(next.ledger.payloads(), [b"a", b"b"]);
}

#[test]
fn a_log_that_cannot_be_reopened_does_not_keep_the_node_up() {
    let bench = Bench::new(Options::default());
    bench.files.fail(FileFault { times: u64::MAX, ..FileFault::once(1, ErrorKind::StorageFull) });
    let ticket = bench.propose(b"a").unwrap().commit();
    let replica = bench.replica.clone();
    ends(move || replica.shut_down()).unwrap();
    assert_eq!(block_on(ticket), Err(STOPPED));
}
