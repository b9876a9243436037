//! Files that fail: nothing acknowledged is lost, nothing refused comes back after a reopening.

use super::{MemoryFiles, Model, entry, hard_state, open};
use crate::{LogError, LogIndex, LogStore, SegmentFiles};
use proptest::prelude::*;
use std::sync::Arc;

#[test]
fn every_call_may_fail_and_the_log_goes_on_behind_what_it_acknowledged() {
    for calls in 0..60 {
        let files = Arc::new(MemoryFiles::default());
        let log = open(&files).unwrap();
        files.fail_after(calls);
        let mut acknowledged = Vec::new();
        for index in 1..=20 {
            let entry = entry(index, 1, 300);
            if log.append(std::slice::from_ref(&entry), Some(hard_state(1, 0))).is_err() {
                break;
            }
            acknowledged.push(entry);
        }
        assert!(log.append(&[entry(21, 1, 1)], None).is_err() || acknowledged.len() == 20);
        files.fail_after(u64::MAX);
        let kept = acknowledged.len() as u64;
        log.reopen(LogIndex(kept)).unwrap();
        assert_eq!(Model::of(&log).entries, acknowledged, "the {calls}th call failed");
        let next = entry(kept + 1, 2, 40);
        log.append(std::slice::from_ref(&next), None).unwrap();
        acknowledged.push(next);
        for seed in 0..4 {
            let cut = Arc::new(files.after_crash(seed));
            let found = Model::of(&open(&cut).unwrap()).entries;
            assert_eq!(found, acknowledged, "the {calls}th call failed, seed {seed}");
        }
    }
}

#[test]
fn a_reopening_that_fails_can_be_tried_again() {
    for calls in 0..6 {
        let files = Arc::new(MemoryFiles::default());
        let log = open(&files).unwrap();
        log.append(&[entry(1, 1, 300)], None).unwrap();
        files.fail_after(1);
        log.append(&[entry(2, 1, 300)], None).unwrap_err();
        files.fail_after(calls);
        let failed = log.reopen(LogIndex(1)).is_err();
        assert_eq!(failed, calls < 2);
        files.fail_after(u64::MAX);
        log.reopen(LogIndex(1)).unwrap();
        log.append(&[entry(2, 2, 300)], None).unwrap();
        let expected = [entry(1, 1, 300), entry(2, 2, 300)];
        for seed in 0..8 {
            let cut = Arc::new(files.after_crash(seed));
            assert_eq!(Model::of(&open(&cut).unwrap()).entries, expected, "{calls}, {seed}");
        }
    }
}

#[test]
fn what_a_failed_sync_left_in_the_cache_is_not_taken_for_durable() {
    for size in [40, 300, 3_000] {
        for calls in 1..4 {
            let files = Arc::new(MemoryFiles::default());
            let log = open(&files).unwrap();
            log.append(&[entry(1, 1, 3_000)], Some(hard_state(1, 0))).unwrap();
            files.fail_after(calls);
            let failed = log.append(&[entry(2, 1, size)], Some(hard_state(2, 1)));
            files.fail_after(u64::MAX);
            drop(log);
            // The process ends, and the next one finds what the cache holds: others may be told.
            let log = open(&files).unwrap();
            let told = Model::of(&log);
            assert!(failed.is_err() || told.last() == LogIndex(2));
            for seed in 0..16 {
                let cut = Arc::new(files.after_crash(seed));
                assert_eq!(Model::of(&open(&cut).unwrap()), told, "{size}, {calls}, {seed}");
            }
        }
    }
}

#[test]
fn a_segment_that_was_given_up_does_not_come_back_over_what_was_written_since() {
    for calls in 0..4 {
        let files = Arc::new(MemoryFiles::default());
        let log = open(&files).unwrap();
        log.append(&[entry(1, 1, 2_000)], None).unwrap();
        // Needs the next segment, and fails there.
        files.fail_after(calls);
        let _ = log.append(&[entry(2, 1, 3_000)], None);
        drop(log);
        files.fail_after(u64::MAX);
        let log = open(&files).unwrap();
        let next = log.last_index().next();
        log.append(&[entry(next.0, 2, 100)], Some(hard_state(2, next.0))).unwrap();
        let told = Model::of(&log);
        for seed in 0..32 {
            let cut = Arc::new(files.after_crash(seed));
            assert_eq!(Model::of(&open(&cut).unwrap()), told, "{calls}, {seed}");
        }
    }
}

#[test]
fn entries_stay_readable_while_the_log_cannot_be_cut_back() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    let entries: Vec<_> = (1..=5).map(|index| entry(index, 1, 100)).collect();
    log.append(&entries, None).unwrap();
    files.fail_after(0);
    log.append(&[entry(3, 2, 100)], None).unwrap_err();
    for calls in 0..2 {
        files.fail_after(calls);
        log.reopen(LogIndex(2)).unwrap_err();
        assert_eq!(log.read(1..=9, usize::MAX).unwrap(), entries);
    }
    files.fail_after(u64::MAX);
    log.reopen(LogIndex(2)).unwrap();
    assert_eq!(log.read(1..=9, usize::MAX).unwrap(), entries[..2]);
}

#[test]
fn room_that_came_back_is_found_by_the_first_who_needs_it() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    files.be_full(true);
    let (mut kept, mut index) = (Vec::new(), 1);
    let refused = loop {
        let entry = entry(index, 1, 600);
        match log.append(std::slice::from_ref(&entry), None) {
            Ok(()) => kept.push(entry),
            Err(error) => break error,
        }
        index += 1;
        assert!(index < 40, "the disk is full");
    };
    assert!(matches!(refused, LogError::NoSpace(_)), "{refused}");
    log.reopen(LogIndex(index - 1)).unwrap();
    assert_eq!(log.read(1..=99, usize::MAX).unwrap(), kept);
    // What fits into what is there is written even so.
    let small = entry(index, 2, 1);
    log.append(std::slice::from_ref(&small), None).unwrap();
    kept.push(small);
    files.be_full(false);
    let next = entry(index + 1, 2, 600);
    log.append(std::slice::from_ref(&next), None).unwrap();
    kept.push(next);
    assert_eq!(Model::of(&open(&Arc::new(files.after_crash(1))).unwrap()).entries, kept);
}

#[test]
fn what_is_too_great_for_a_full_disk_leaves_the_prepared_file_to_others() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    while files.list().unwrap().len() < 2 {
        std::thread::yield_now();
    }
    files.be_full(true);
    let refused = log.append(&[entry(1, 1, 20_000)], None);
    assert!(matches!(refused, Err(LogError::NoSpace(_))), "{refused:?}");
    log.reopen(LogIndex(0)).unwrap();
    // More than is left of the first one.
    for index in 1..=5 {
        log.append(&[entry(index, 1, 600)], None).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() })]

    /// An append that was cut off in the middle is there as a whole or not at all.
    #[test]
    fn a_torn_append_is_the_end_of_the_log(
        before in 0..6_u64,
        sizes in prop::collection::vec(0..3_000_usize, 1..4),
        zeros in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let files = Arc::new(MemoryFiles::default());
        let log = open(&files).unwrap();
        for index in 1..=before {
            log.append(&[entry(index, 1, 200)], Some(hard_state(1, 0))).unwrap();
        }
        let old = Model::of(&log);
        let mut torn = Vec::new();
        for (index, size) in (before + 1..).zip(sizes) {
            let mut entry = entry(index, 1, size);
            if zeros {
                entry.payload = vec![0; entry.payload.len()].into();
            }
            torn.push(entry);
        }
        // The write succeeds and its sync does not; with a new segment there are two writes.
        files.fail_after(1);
        let failed = log.append(&torn, Some(hard_state(2, 0)));
        let mut new = old.clone();
        new.append(&torn, Some(hard_state(2, 0)));
        prop_assert!(failed.is_err());
        let cut = Arc::new(files.after_crash(seed));
        let log = open(&cut).unwrap();
        let found = Model::of(&log);
        prop_assert!(found == old || found == new, "{found:?} is neither {old:?} nor {new:?}");
        // What is left of it does not come up again.
        let next = entry(found.last().0 + 1, 3, 10);
        log.append(std::slice::from_ref(&next), None).unwrap();
        let mut expected = found.clone();
        expected.append(&[next], None);
        let again = Arc::new(cut.after_crash(seed));
        prop_assert_eq!(Model::of(&open(&again).unwrap()), expected);
    }
}
