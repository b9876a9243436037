//! What is particular to segments: rolling, damage that is told from an end, files that fail.

mod failing;
mod flips;
mod many;
mod power_cuts;
mod watched;

use super::{DiskFiles, MemoryFiles, SegmentLog};
use crate::conformance::Model;
use crate::{Entry, EntryKind, HardState, LogError, LogIndex, LogStore, Term, Timestamp};
use std::sync::Arc;

/// So small that a few appends fill a segment.
pub(crate) const SMALL: u64 = 4 << 10;

fn entry(index: u64, term: u64, bytes: usize) -> Entry {
    Entry {
        index: LogIndex(index),
        term: Term(term),
        timestamp: Timestamp::new(index as u32, 1),
        kind: EntryKind::Effects,
        payload: vec![index as u8 | 1; bytes].into(),
    }
}

fn hard_state(term: u64, commit: u64) -> HardState {
    HardState { term: Term(term), vote: 1, commit: LogIndex(commit) }
}

fn open(files: &Arc<MemoryFiles>) -> Result<SegmentLog, LogError> {
    SegmentLog::open(Arc::clone(files) as _, SMALL)
}

#[test]
fn a_log_over_many_segments_is_read_back_and_goes_on() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    let entries: Vec<Entry> = (1..=100).map(|index| entry(index, 1, 300)).collect();
    for entry in &entries {
        log.append(std::slice::from_ref(entry), Some(hard_state(1, 0))).unwrap();
    }
    drop(log);
    let log = open(&files).unwrap();
    assert_eq!(log.read(1..=u64::MAX, usize::MAX).unwrap(), entries);
    assert_eq!(log.term(LogIndex(50)).unwrap(), Some(Term(1)));
    log.append(&[entry(101, 2, 10)], None).unwrap();
    assert_eq!(log.last_index(), LogIndex(101));
}

#[test]
fn an_append_greater_than_a_segment_gets_one_of_its_own() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    let mut entries = Vec::new();
    for index in 1..=40 {
        entries.push(entry(index, 1, if index % 3 == 0 { 50_000 } else { 900 }));
    }
    for entry in &entries {
        log.append(std::slice::from_ref(entry), None).unwrap();
    }
    drop(log);
    let log = open(&files).unwrap();
    let read = log.read(1..=99, usize::MAX).unwrap();
    assert!(read == entries, "{:?}", read.iter().map(|entry| entry.index).collect::<Vec<_>>());
}

#[test]
fn what_was_replaced_over_segments_stays_replaced() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    for index in 1..=30 {
        log.append(&[entry(index, 1, 300)], None).unwrap();
    }
    log.append(&[entry(5, 2, 300)], None).unwrap();
    for index in 6..=20 {
        log.append(&[entry(index, 2, 300)], None).unwrap();
    }
    let before = Model::of(&log);
    drop(log);
    let log = open(&files).unwrap();
    assert_eq!(Model::of(&log), before);
    assert_eq!(log.term(LogIndex(4)).unwrap(), Some(Term(1)));
    assert_eq!(log.term(LogIndex(5)).unwrap(), Some(Term(2)));
    assert_eq!(log.last_index(), LogIndex(20));
}

#[test]
fn forgotten_segments_are_removed_and_the_rest_is_found() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    for index in 1..=60 {
        log.append(&[entry(index, 1, 300)], Some(hard_state(1, index - 1))).unwrap();
    }
    let before = log.stats().disk_bytes;
    log.compact(LogIndex(55)).unwrap();
    assert!(log.stats().disk_bytes <= before / 3, "{before}");
    drop(log);
    let log = open(&files).unwrap();
    assert_eq!(log.first_index(), LogIndex(56));
    assert_eq!(log.read(56..=99, usize::MAX).unwrap().len(), 5);
}

#[test]
fn a_segment_that_is_gone_is_damage() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    for index in 1..=60 {
        log.append(&[entry(index, 1, 300)], None).unwrap();
    }
    drop(log);
    files.lose(3);
    assert!(matches!(open(&files), Err(LogError::Corruption(_))));
}

#[test]
fn a_newer_format_is_left_alone() {
    let files = Arc::new(MemoryFiles::default());
    open(&files).unwrap().append(&[entry(1, 1, 10)], None).unwrap();
    // The format of the first frame.
    files.change(1, 512 + 7, |byte| *byte = 9);
    assert!(matches!(open(&files), Err(LogError::Newer(_))));
}

#[test]
fn on_disk_a_full_segment_is_followed_by_the_next() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let files = Arc::new(DiskFiles::open(&directory.path().join("log")).unwrap());
        SegmentLog::open(files, 64 << 10).unwrap()
    };
    let log = open();
    for index in 1..=200 {
        log.append(&[entry(index, 1, 1_000)], None).unwrap();
    }
    let before = Model::of(&log);
    drop(log);
    assert_eq!(Model::of(&open()), before);
}

#[test]
fn a_file_that_says_it_is_huge_is_damage_and_takes_no_memory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("log");
    let open = || SegmentLog::open(Arc::new(DiskFiles::open(&path).unwrap()), 64 << 10);
    open().unwrap().append(&[entry(1, 1, 1_000)], None).unwrap();
    let segment = path.join("0000000000000001.segment");
    let file = std::fs::File::options().write(true).open(segment).unwrap();
    file.set_len(1 << 43).unwrap();
    let Err(LogError::Corruption(told)) = open() else { panic!("opened") };
    assert!(told.contains("0000000000000001.segment"), "{told}");
}

#[test]
fn a_log_of_the_format_before_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("CURRENT"), "MANIFEST-000005\n").unwrap();
    assert!(matches!(DiskFiles::open(directory.path()), Err(LogError::Newer(_))));
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn a_prepared_file_is_used_by_the_next_start() {
    let files = Arc::new(MemoryFiles::default());
    for start in 0..20 {
        drop(open(&files).unwrap());
        let count = super::SegmentFiles::list(files.as_ref()).unwrap().len();
        assert!(count <= 2, "{count} files after {start} starts");
    }
}

#[test]
fn more_segments_than_are_remembered_are_read_at_once() {
    let files = Arc::new(MemoryFiles::default());
    let log = open(&files).unwrap();
    let entries: Vec<Entry> = (1..=200).map(|index| entry(index, 1, 300)).collect();
    for entry in &entries {
        log.append(std::slice::from_ref(entry), None).unwrap();
    }
    for _ in 0..2 {
        assert!(log.read(1..=200, usize::MAX).unwrap() == entries);
        for index in (1..=200).rev() {
            assert_eq!(log.read(index..=u64::MAX, 1).unwrap()[0].index, LogIndex(index));
            assert_eq!(log.term(LogIndex(index)).unwrap(), Some(Term(1)));
        }
    }
}
