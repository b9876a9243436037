//! Logs of very many segments: what is opened, and what is read, does not grow with them.

use super::watched::WatchedFiles;
use super::{MemoryFiles, SMALL, entry, hard_state};
use crate::segments::opened::OPEN_MAX;
use crate::{DiskFiles, Entry, LogError, LogIndex, LogStore, SegmentFiles, SegmentLog, Timestamp};
use std::path::Path;
use std::sync::Arc;

/// The newest segment, and the one that will follow it.
const ALWAYS_OPEN: usize = 2;

fn entries(count: u64) -> Vec<Entry> {
    (1..=count).map(|index| entry(index, 1, 1_500)).collect()
}

/// A log of two entries in each segment, opened again, and its files.
fn long(count: u64) -> (Arc<MemoryFiles>, Arc<WatchedFiles>, SegmentLog) {
    let files = Arc::new(MemoryFiles::default());
    let log = super::open(&files).unwrap();
    for entry in entries(count) {
        log.append(&[entry], Some(hard_state(1, 0))).unwrap();
    }
    drop(log);
    let watched = WatchedFiles::over(&files);
    let log = SegmentLog::open(Arc::clone(&watched) as _, SMALL).unwrap();
    // Until the next file is prepared.
    while watched.open_now() < ALWAYS_OPEN {
        std::thread::yield_now();
    }
    watched.take_counts();
    (files, watched, log)
}

/// Descriptors of this process for files in a directory.
fn descriptors(directory: &Path) -> usize {
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    let opened = links.filter_map(|link| std::fs::read_link(link.ok()?.path()).ok());
    opened.filter(|path| path.starts_with(directory)).count()
}

#[test]
fn two_hundred_segments_on_disk_take_a_few_descriptors() {
    let directory = tempfile::tempdir().unwrap();
    let open = || {
        let files = DiskFiles::open(directory.path()).unwrap();
        SegmentLog::open(Arc::new(files), SMALL).unwrap()
    };
    let most = OPEN_MAX + ALWAYS_OPEN + 1;
    let log = open();
    for entry in entries(400) {
        log.append(&[entry], None).unwrap();
    }
    let open_now = descriptors(directory.path());
    assert!(open_now <= most, "{open_now} while they are written");
    drop(log);
    let log = open();
    assert!(descriptors(directory.path()) <= ALWAYS_OPEN + 1, "when it is opened");
    assert!(log.read(1..=400, usize::MAX).unwrap() == entries(400));
    let open_now = descriptors(directory.path());
    assert!((OPEN_MAX..=most).contains(&open_now), "{open_now} when all was read");
}

#[test]
fn where_no_descriptors_are_left_reading_fails_and_writing_does_not() {
    let (_files, watched, log) = long(40);
    watched.allow(watched.open_now());
    let told = log.read(3..=3, 1).unwrap_err();
    assert!(matches!(&told, LogError::Io(told) if told.contains("0000000000000002")), "{told}");
    assert!(log.term(LogIndex(3)).is_err());
    assert!(log.first_since(Timestamp::new(3, 0)).is_err());
    // The newest segment, and the one after it.
    for index in 41..=42 {
        log.append(&[entry(index, 1, 1_500)], None).unwrap();
    }
    assert_eq!(log.read(40..=99, usize::MAX).unwrap().len(), 3);
    log.compact(LogIndex(20)).unwrap();
    watched.allow(0);
    assert_eq!(log.read(30..=99, usize::MAX).unwrap().len(), 13);
}

#[test]
fn descriptors_that_nothing_needs_are_given_up_for_one_that_is_read() {
    let (_files, watched, log) = long(40);
    log.read(1..=20, usize::MAX).unwrap();
    assert_eq!(watched.open_now(), ALWAYS_OPEN + OPEN_MAX);
    watched.allow(watched.open_now());
    assert_eq!(log.read(31..=31, 1).unwrap(), [entry(31, 1, 1_500)]);
}

#[test]
fn a_segment_for_which_there_is_no_descriptor_is_begun_when_there_is_one() {
    let (_files, watched, log) = long(4);
    watched.allow(1);
    let mut index = 4;
    let refused = loop {
        match log.append(&[entry(index + 1, 1, 1_500)], None) {
            Ok(()) => index += 1,
            Err(error) => break error,
        }
        assert!(index < 20, "no file can be opened");
    };
    // As a disk without space, and not as one that is broken.
    assert!(matches!(refused, LogError::NoSpace(_)), "{refused}");
    watched.allow(0);
    log.reopen(LogIndex(index)).unwrap();
    for index in index + 1..=30 {
        log.append(&[entry(index, 1, 1_500)], None).unwrap();
    }
    assert!(log.read(1..=99, usize::MAX).unwrap() == entries(30));
}

#[test]
fn forgetting_reads_nothing_of_what_it_forgets() {
    let (files, watched, log) = long(100);
    log.compact(LogIndex(60)).unwrap();
    assert_eq!(watched.take_counts(), (0, 0));
    assert_eq!(log.first_index(), LogIndex(61), "the end of a segment");
    log.compact(LogIndex(71)).unwrap();
    assert_eq!(watched.take_counts(), (0, 0));
    assert_eq!(log.first_index(), LogIndex(71), "the end of the segment before");
    log.compact(LogIndex(71)).unwrap();
    log.compact(LogIndex(50)).unwrap();
    assert_eq!(log.first_index(), LogIndex(71));
    log.compact(LogIndex(99)).unwrap();
    assert_eq!(log.first_index(), LogIndex(100), "what is known anyway");
    assert!(log.compact(LogIndex(101)).is_err());
    drop(log);
    let log = super::open(&files).unwrap();
    assert_eq!(log.term(LogIndex(99)).unwrap().unwrap().0, 1);
    assert!(log.read(100..=100, 1).unwrap() == [entry(100, 1, 1_500)]);
}

#[test]
fn damage_in_an_old_segment_does_not_keep_the_log_from_forgetting_it() {
    let (files, _watched, log) = long(100);
    files.change(3, 1_000, |byte| *byte ^= 1);
    assert!(matches!(log.read(5..=5, 1), Err(LogError::Corruption(_))));
    log.compact(LogIndex(5)).unwrap();
    assert_eq!(log.first_index(), LogIndex(5));
    let late = log.first_since_about(Timestamp::new(50, 0)).unwrap();
    assert!((LogIndex(48)..=LogIndex(50)).contains(&late), "{late}");
    log.compact(late).unwrap();
    assert!(log.first_index() >= LogIndex(48));
    while files.list().unwrap().contains(&3) {
        std::thread::yield_now();
    }
}

#[test]
fn the_place_of_a_time_is_found_in_one_segment() {
    let (files, watched, log) = long(100);
    assert_eq!(log.first_since_about(Timestamp::new(70, 0)).unwrap(), LogIndex(69));
    assert_eq!(watched.take_counts(), (0, 0));
    assert_eq!(log.first_since(Timestamp::new(70, 0)).unwrap(), LogIndex(70));
    assert_eq!(watched.take_counts().0, 1);
    // Also where there was none but the newest segment to know it from.
    drop(log);
    let log = super::open(&files).unwrap();
    for index in 101..=110 {
        log.append(&[entry(index, 1, 1_500)], None).unwrap();
    }
    drop(log);
    let watched = WatchedFiles::over(&files);
    let log = SegmentLog::open(Arc::clone(&watched) as _, SMALL).unwrap();
    watched.take_counts();
    for index in [3, 100, 104, 110] {
        assert_eq!(log.first_since(Timestamp::new(index, 0)).unwrap().0, u64::from(index));
        assert!(watched.take_counts().0 <= 1);
    }
}

#[test]
fn a_reader_whose_segment_is_forgotten_meanwhile_is_told_so() {
    for is_known in [false, true] {
        let (files, watched, log) = long(100);
        let log = Arc::new(log);
        if is_known {
            log.read(20..=20, 1).unwrap();
            // It is known where the entry is, and the file is no longer open.
            log.opened.forget_before(0);
            log.opened.forget_before(u64::MAX);
            log.opened.forget_before(0);
        }
        let (files_then, log_then) = (Arc::clone(&files), Arc::clone(&log));
        watched.before_open(move |number| {
            log_then.compact(LogIndex(60)).unwrap();
            while files_then.list().unwrap().contains(&number) {
                std::thread::yield_now();
            }
        });
        let told = log.read(20..=30, usize::MAX);
        assert!(matches!(told, Err(LogError::Compacted(LogIndex(20)))), "{told:?}");
        assert_eq!(watched.open_now(), ALWAYS_OPEN);
    }
}

#[test]
fn what_is_older_than_a_time_ends_with_the_log_though_the_newest_segment_is_empty() {
    let (_files, _watched, log) = long(10);
    // Begins a segment.
    log.reopen(LogIndex(9)).unwrap();
    assert_eq!(log.first_since(Timestamp::new(1_000, 0)).unwrap(), LogIndex(10));
    assert_eq!(log.first_since_about(Timestamp::new(1_000, 0)).unwrap(), LogIndex(10));
}
