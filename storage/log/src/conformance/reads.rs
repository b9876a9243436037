//! Reading entries and terms.

use super::{Bed, entries, entry};
use crate::{Entry, LogError, LogIndex, LogStore, Term, Timestamp};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};

pub(super) fn reads_stop_at_the_size_but_give_one_entry_at_least(bed: &mut impl Bed) {
    let log = bed.open();
    let mut written = entries(1..=10, 1);
    for entry in &mut written {
        entry.payload = vec![7; 1000].into();
    }
    log.append(&written, None).unwrap();
    let lengths = [0, 1, 1000, 2500, 5500, 1 << 20]
        .map(|bytes_max| log.read(1..=10, bytes_max).unwrap().len());
    assert_eq!(lengths, [1, 1, 1, 2, 5, 10]);
    assert_eq!(log.read(4..=6, usize::MAX).unwrap(), written[3..6]);
    assert_eq!(log.read(4..=4, 0).unwrap(), written[3..4]);
}

pub(super) fn reads_outside_the_log_are_empty_or_say_compacted(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=6, 1), None).unwrap();
    log.compact(LogIndex(2)).unwrap();
    assert_eq!(log.read(7..=9, usize::MAX).unwrap(), []);
    assert_eq!(log.read(5..=9, usize::MAX).unwrap(), entries(5..=6, 1));
    assert_eq!(log.read(u64::MAX..=u64::MAX, usize::MAX).unwrap(), []);
    #[expect(clippy::reversed_empty_ranges)]
    let reversed = 5..=4;
    assert_eq!(log.read(reversed, usize::MAX).unwrap(), []);
    for from in [0, 1, 2] {
        let answer = log.read(from..=6, usize::MAX);
        assert!(matches!(answer, Err(LogError::Compacted(LogIndex(index))) if index == from));
    }
}

pub(super) fn terms_are_known_for_what_is_kept_and_the_compaction_point(bed: &mut impl Bed) {
    let log = bed.open();
    for index in 1..=9 {
        log.append(&[entry(index, index / 3)], None).unwrap();
    }
    log.compact(LogIndex(4)).unwrap();
    for index in 4..=9 {
        assert_eq!(log.term(LogIndex(index)).unwrap(), Some(Term(index / 3)));
    }
    assert_eq!(log.term(LogIndex(10)).unwrap(), None);
    assert_eq!(log.term(LogIndex(u64::MAX)).unwrap(), None);
    assert!(matches!(log.term(LogIndex(3)), Err(LogError::Compacted(_))));
}

pub(super) fn what_entries_take_is_known_about(bed: &mut impl Bed) {
    let log = bed.open();
    let mut written = entries(1..=100, 1);
    for entry in &mut written {
        entry.payload = vec![7; 10_000].into();
    }
    for part in written.chunks(10) {
        log.append(part, None).unwrap();
    }
    let near = |first: u64, expected: u64| {
        let bytes = log.bytes_from(LogIndex(first));
        assert!((expected..=expected + expected / 4).contains(&bytes), "{first}: {bytes}");
    };
    near(1, 1_000_000);
    near(51, 500_000);
    near(100, 10_000);
    assert_eq!(log.bytes_from(LogIndex(101)), 0);
    log.compact(LogIndex(40)).unwrap();
    near(1, 600_000);
    near(51, 500_000);
}

pub(super) fn the_place_of_a_time_is_found(bed: &mut impl Bed) {
    let log = bed.open();
    let found = |seconds| log.first_since(Timestamp::new(seconds, 0)).unwrap().0;
    assert_eq!(found(7), 1, "an empty log");
    for index in 1..=60 {
        log.append(&[entry(index, 1)], None).unwrap();
    }
    assert_eq!([found(0), found(1), found(2)], [1, 1, 2]);
    assert_eq!([found(34), found(37), found(59)], [34, 37, 59]);
    // Every fifth has no time.
    let near = |seconds, places: RangeInclusive<u64>| {
        assert!(places.contains(&found(seconds)), "{seconds}: {}", found(seconds));
    };
    near(35, 35..=36);
    near(36, 35..=36);
    near(1_000, 60..=61);
    log.compact(LogIndex(40)).unwrap();
    assert_eq!(found(3), log.first_index().0);
    assert_eq!(found(53), 53);
    // What is replaced does not count, and neither does that it was newer.
    log.append(&[Entry { timestamp: Timestamp::ZERO, ..entry(51, 2) }], None).unwrap();
    near(55, 50..=52);
    log.append(&[entry(52, 2)], None).unwrap();
    near(52, 50..=52);
    assert_eq!([found(49), found(55)], [49, 53]);
}

pub(super) fn readers_see_whole_appends_while_the_log_changes(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=20, 1), None).unwrap();
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    look(&*log);
                }
            });
        }
        for term in 2..120_u64 {
            let last = log.last_index().0;
            // Each append replaces some of the tail with entries of a newer term.
            log.append(&entries(last - 3..=last + term % 7, term), None).unwrap();
            log.compact(LogIndex(last - 10)).unwrap();
        }
        done.store(true, Ordering::Relaxed);
    });
}

/// Whatever a reader meets must make sense: no gap, no step back in term, no damage.
fn look(log: &dyn LogStore) {
    let from = log.first_index().0;
    match log.read(from..=u64::MAX, usize::MAX) {
        Ok(found) => {
            assert!((from..).zip(&found).all(|(index, entry)| entry.index.0 == index));
            assert!(found.is_sorted_by_key(|entry| entry.term), "{found:?}");
        }
        Err(LogError::Compacted(_)) => {}
        Err(error) => panic!("{error}"),
    }
    for index in [from, from + 5, log.last_index().0] {
        match log.term(LogIndex(index)) {
            Ok(_) | Err(LogError::Compacted(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}
