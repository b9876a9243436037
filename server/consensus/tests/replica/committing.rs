//! Order, groups, whose thread, and the bounds of the queue.

use crate::bench::{Bench, block_on, wait_until};
use parking_lot::Mutex;
use quire_consensus::{Candidacy, Lost, LostCause, Options, Retention};
use quire_log::{LogStore, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;

#[test]
fn the_log_has_the_order_of_proposing_and_every_ticket_is_answered_once() {
    let bench = Bench::new(Options::default());
    let order = Mutex::new(Vec::new());
    let indexes = Mutex::new(BTreeSet::new());
    std::thread::scope(|scope| {
        for writer in 0..8_u8 {
            let (bench, order, indexes) = (&bench, &order, &indexes);
            scope.spawn(move || {
                for n in 0..100_u8 {
                    let submitted = {
                        let mut order = order.lock();
                        let stamp = Timestamp(order.len() as u64 + 2);
                        order.push(vec![writer, n]);
                        bench.replica.propose(0, stamp, vec![writer, n]).unwrap()
                    };
                    let committed = block_on(submitted.commit()).unwrap();
                    assert!(bench.replica.applied().index >= committed.index);
                    assert!(indexes.lock().insert(committed.index), "two tickets, one place");
                }
            });
        }
    });
    let order = order.into_inner();
    assert_eq!(bench.logged(), order);
    assert_eq!(bench.ledger.payloads(), order);
    assert_eq!(indexes.into_inner().len(), 800);
    let stats = bench.replica.stats();
    assert_eq!((stats.committed_entries, stats.queued, stats.queued_bytes), (800, 0, 0));
    // One more for the entry that started the term.
    assert_eq!(bench.log.stats().syncs, stats.groups + 1);
}

#[test]
fn a_candidacy_that_a_later_one_overtook_is_passed_over() {
    let bench = Bench::new(Options::default());
    let (stands, never) = (Candidacy::default(), Candidacy { stands: false, delay_ticks: 0 });
    let told = [(2, never), (1, stands), (2, stands), (3, stands)];
    let taken = told.map(|(number, candidacy)| bench.replica.set_candidacy(number, candidacy));
    assert_eq!(taken, [true, false, false, true]);
}

#[test]
fn what_queues_behind_a_commit_shares_one_sync() {
    let bench = Bench::new(Options::default());
    let (first, behind) = bench.propose_behind(b"a", &[b"b", b"c", b"d", b"e"]);
    first.unwrap();
    let committed: Vec<_> = behind.into_iter().map(|ticket| block_on(ticket).unwrap()).collect();
    assert!(committed.windows(2).all(|pair| pair[0].index.next() == pair[1].index));
    assert_eq!(bench.replica.stats().groups, 2);
    assert_eq!(bench.log.stats().syncs, 3);
}

#[test]
fn a_group_carries_no_more_bytes_than_it_may() {
    let bench = Bench::new(Options { group_bytes_max: 5, ..Options::default() });
    let (_, behind) = bench.propose_behind(b"a", &[b"123", b"45", b"6", b"longer than a group"]);
    for ticket in behind {
        block_on(ticket).unwrap();
    }
    assert_eq!(bench.replica.stats().groups, 1 + 3);
}

#[test]
fn an_idle_node_commits_on_the_proposers_thread() {
    let bench = Bench::new(Options::default());
    let mut ticket = bench.propose(b"a").unwrap().commit();
    assert!(crate::bench::is_ready(&mut ticket));
    assert_eq!(bench.replica.stats().inline_groups, 1);
    let own = std::thread::current().name().unwrap_or_default().to_owned();
    assert_eq!(bench.ledger.threads.lock().last(), Some(&own));
}

#[test]
fn a_proposer_that_has_more_to_propose_never_commits_itself() {
    let bench = Bench::new(Options::default());
    let submitted = bench.replica.enqueue(0, Timestamp(2), b"a".to_vec()).unwrap();
    block_on(submitted.commit()).unwrap();
    assert_eq!(bench.replica.stats().inline_groups, 0);
    assert_eq!(bench.logged(), [b"a"]);
}

#[test]
fn slow_syncs_end_committing_on_the_proposers_thread() {
    let bench = Bench::new(Options { inline_sync_max: Duration::ZERO, ..Options::default() });
    for _ in 0..3 {
        bench.commit(b"a").unwrap();
    }
    // The first one comes before anything was measured.
    assert_eq!(bench.replica.stats().inline_groups, 1);
}

#[test]
fn committing_on_the_proposers_thread_begins_again_when_syncs_are_quick_again() {
    let options = Options { inline_sync_max: Duration::from_millis(20), ..Options::default() };
    let bench = Bench::new(options);
    bench.ledger.hold();
    let slow = bench.propose(b"a").unwrap();
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| block_on(slow.commit()));
        bench.ledger.wait_until_held_up();
        std::thread::sleep(10 * options.inline_sync_max);
        bench.ledger.let_go();
        slow.join().unwrap().unwrap();
    });
    bench.commit(b"b").unwrap();
    assert_eq!(bench.replica.stats().inline_groups, 1, "it took far too long");
    wait_until(|| {
        bench.commit(b"c").unwrap();
        bench.replica.stats().inline_groups > 1
    });
}

#[test]
fn a_proposal_that_is_dropped_is_carried_out_all_the_same() {
    let bench = Bench::new(Options::default());
    drop(bench.propose(b"inline").unwrap());
    assert_eq!(bench.logged(), [b"inline"]);
    let (_, behind) = bench.propose_behind(b"a", &[b"queued"]);
    drop(behind);
    wait_until(|| bench.ledger.payloads().len() == 3);
    assert_eq!(bench.logged().last().unwrap(), b"queued");
}

#[test]
fn a_full_queue_refuses_and_takes_again_when_it_has_emptied() {
    let overloaded = Some(Lost { cause: LostCause::Overloaded });
    let options = Options { queue_entries_max: 2, queue_bytes_max: 10, ..Options::default() };
    let bench = Bench::new(options);
    bench.ledger.hold();
    let first = bench.propose(b"a").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| block_on(first.commit()).unwrap());
        bench.ledger.wait_until_held_up();
        let b = bench.propose(b"12345678").unwrap();
        assert_eq!(bench.propose(b"123").err(), overloaded, "more bytes than may wait");
        let c = bench.propose(b"12").unwrap();
        assert_eq!(bench.propose(b"").err(), overloaded, "more entries than may wait");
        assert_eq!(bench.replica.stats().queued_bytes, 10);
        bench.ledger.let_go();
        block_on(b.commit()).unwrap();
        block_on(c.commit()).unwrap();
    });
    bench.commit(b"again").unwrap();
    assert_eq!(bench.logged().len(), 4);
}

#[test]
fn two_changes_of_what_the_log_keeps_do_not_undo_each_other() {
    let bench = Bench::new(Options::default());
    let size = |bytes, seconds| Retention::Size { bytes, seconds };
    bench.replica.change_retention(|_| Ok::<_, ()>(size(0, 0))).unwrap();
    let written = Mutex::new(size(0, 0));
    let change = |of: fn(u64, u64) -> Retention| {
        for _ in 0..500 {
            let change = |before| {
                let Retention::Size { bytes, seconds } = before else { return Err(()) };
                let now = of(bytes, seconds);
                // The disk.
                std::thread::yield_now();
                *written.lock() = now;
                Ok(now)
            };
            bench.replica.change_retention(change).unwrap();
        }
    };
    std::thread::scope(|threads| {
        threads.spawn(|| change(|bytes, seconds| Retention::Size { bytes: bytes + 1, seconds }));
        threads.spawn(|| change(|bytes, seconds| Retention::Size { bytes, seconds: seconds + 1 }));
    });
    assert_eq!(bench.replica.retention(), size(500, 500));
    assert_eq!(*written.lock(), size(500, 500));
    let refused = bench.replica.change_retention(|_| Err("the disk is gone"));
    assert_eq!(refused, Err("the disk is gone"));
    assert_eq!(bench.replica.retention(), size(500, 500));
}
