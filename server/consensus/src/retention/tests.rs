use super::Retention;
use quire_log::{
    Entry, EntryKind, HardState, LogIndex, LogStore, SegmentLog, Term, Timestamp,
    VOLATILE_SEGMENT_BYTES, VolatileFiles,
};
use std::sync::Arc;

const BYTES: usize = 1_000;

/// Entries 1 to `count`, one in each second; every tenth starts a term and has no time.
fn log(count: u64) -> SegmentLog {
    let files = Arc::new(VolatileFiles::default());
    let log = SegmentLog::open(files, VOLATILE_SEGMENT_BYTES).unwrap();
    let entry = |index: u64| {
        let starts = index.is_multiple_of(10);
        let seconds = u32::try_from(index).unwrap();
        Entry {
            index: LogIndex(index),
            term: Term(1),
            timestamp: if starts { Timestamp::ZERO } else { Timestamp::new(seconds, 1) },
            kind: if starts { EntryKind::TermStart } else { EntryKind::Effects },
            payload: vec![0; BYTES].into(),
        }
    };
    let entries: Vec<Entry> = (1..=count).map(entry).collect();
    let hard_state = HardState { term: Term(1), commit: LogIndex(count), vote: 0 };
    log.append(&entries, Some(hard_state)).unwrap();
    log
}

fn kept(log: &SegmentLog, retention: Retention, now: u32) -> u64 {
    retention.kept_from(log, now).unwrap().0
}

#[test]
fn a_number_of_entries_is_kept_whatever_they_take() {
    let log = log(100);
    assert_eq!(kept(&log, Retention::Entries(10), 100), 91);
    assert_eq!(kept(&log, Retention::Entries(0), 100), 101);
    assert_eq!(kept(&log, Retention::Entries(1_000), 100), 1);
}

#[test]
fn as_many_entries_are_kept_as_fit() {
    let log = log(100);
    let size = |bytes| Retention::Size { bytes, seconds: 0 };
    assert_eq!(kept(&log, size(1 << 30), 100), 1, "all of them fit");
    let from = kept(&log, size(20 * BYTES as u64), 100);
    assert!((81..=83).contains(&from), "{from}");
    assert!(log.bytes_from(LogIndex(from)) <= 20 * BYTES as u64);
    assert_eq!(kept(&log, size(0), 100), 100, "the last one is nobody's to forget");
    log.compact(LogIndex(50)).unwrap();
    assert_eq!(kept(&log, size(20 * BYTES as u64), 100), from, "what is gone takes no room");
}

#[test]
fn young_entries_are_kept_whatever_they_take() {
    let log = log(100);
    let young = |seconds| Retention::Size { bytes: 10 * BYTES as u64, seconds };
    assert_eq!(kept(&log, young(39), 101), 62);
    let at_the_start_of_a_term = kept(&log, young(40), 101);
    assert_eq!(at_the_start_of_a_term, 60, "it goes with those behind it");
    assert_eq!(kept(&log, young(1_000), 101), 1);
    let by_size = kept(&log, young(0), 101);
    assert_eq!(kept(&log, young(5), 101), by_size, "they fit anyway");
}
