//! Files that fail: nothing acknowledged is lost, nothing refused comes back after a reopening.

use super::{MemoryFiles, Model, entry, hard_state, open};
use crate::{LogIndex, LogStore};
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
                entry.payload.fill(0);
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
