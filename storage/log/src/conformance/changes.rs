//! Appending, compacting, and starting over behind a snapshot.

use super::{Bed, entries, entry, hard_state, kept};
use crate::{Entry, EntryKind, HardState, LogError, LogIndex, Term, Timestamp};

pub(super) fn a_new_log_is_empty(bed: &mut impl Bed) {
    let log = bed.open();
    let log = bed.reopen(log);
    assert_eq!(log.first_index(), LogIndex(1));
    assert_eq!(log.last_index(), LogIndex::ZERO);
    assert_eq!(log.term(LogIndex::ZERO).unwrap(), Some(Term(0)));
    assert_eq!(log.term(LogIndex(1)).unwrap(), None);
    assert_eq!(log.hard_state(), HardState::default());
    assert_eq!(kept(&*log), []);
}

pub(super) fn entries_are_read_back_as_they_were_written(bed: &mut impl Bed) {
    let kinds = [EntryKind::TermStart, EntryKind::Effects, EntryKind::Configuration];
    let payloads = [Vec::new(), vec![0], b"payload".to_vec(), vec![0xab; 3 << 20]];
    let mut written = Vec::new();
    for (index, payload) in (1..).zip(payloads.iter().cycle().take(12)) {
        written.push(Entry {
            index: LogIndex(index),
            term: Term(index / 5),
            timestamp: Timestamp(u64::MAX - index),
            kind: kinds[index as usize % 3],
            payload: payload.clone().into(),
        });
    }
    let log = bed.open();
    log.append(&written[..3], None).unwrap();
    log.append(&written[3..], None).unwrap();
    assert_eq!(kept(&*log), written);
    let log = bed.reopen(log);
    assert_eq!(kept(&*log), written);
    assert_eq!(log.last_index(), LogIndex(12));
}

pub(super) fn an_append_replaces_the_tail_from_its_first_entry_on(bed: &mut impl Bed) {
    // Fewer entries than were there, as many, and more.
    for count in 1..=5_u64 {
        let log = bed.open();
        log.append(&entries(1..=6, 1), None).unwrap();
        let new = entries(4..=3 + count, 2);
        log.append(&new, None).unwrap();
        let expected = [entries(1..=3, 1), new].concat();
        assert_eq!(kept(&*log), expected);
        assert_eq!(log.last_index(), LogIndex(3 + count));
        assert_eq!(log.term(log.last_index()).unwrap(), Some(Term(2)));
        assert_eq!(log.term(log.last_index().next()).unwrap(), None);
        let log = bed.reopen(log);
        assert_eq!(kept(&*log), expected);
        // The log goes on where the replaced tail had been.
        log.append(&[entry(4 + count, 3)], None).unwrap();
        assert_eq!(kept(&*log).last(), Some(&entry(4 + count, 3)));
    }
}

pub(super) fn an_append_that_does_not_follow_is_refused(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=6, 2), None).unwrap();
    log.compact(LogIndex(2)).unwrap();
    let before = kept(&*log);
    let refused = [
        vec![entry(8, 2)],
        vec![entry(7, 2), entry(9, 2)],
        vec![entry(7, 2), entry(7, 2)],
        vec![entry(7, 3), entry(8, 2)],
        vec![entry(7, 1)],
        vec![entry(2, 3)],
        vec![entry(0, 3)],
    ];
    for appended in refused {
        let answer = log.append(&appended, Some(hard_state(9, 9, 3)));
        assert!(matches!(answer, Err(LogError::Io(_))), "{appended:?}");
        assert_eq!(kept(&*log), before);
        assert_eq!(log.hard_state(), HardState::default());
    }
    log.append(&[entry(7, 2)], None).unwrap();
}

pub(super) fn committed_entries_cannot_be_cut_off(bed: &mut impl Bed) {
    let log = bed.open();
    assert!(log.append(&[entry(1, 1)], Some(hard_state(1, 1, 2))).is_err());
    log.append(&entries(1..=4, 1), Some(hard_state(1, 1, 3))).unwrap();
    assert!(log.append(&[entry(2, 2)], None).is_err());
    assert!(log.append(&[], Some(hard_state(1, 1, 5))).is_err());
    log.append(&entries(2..=3, 2), None).unwrap();
    assert_eq!(bed.reopen(log).last_index(), LogIndex(3));
}

pub(super) fn an_append_of_nothing_changes_nothing(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&[entry(1, 1)], None).unwrap();
    let syncs = log.stats().syncs;
    log.append(&[], None).unwrap();
    assert_eq!(log.stats().syncs, syncs, "nor does it cost a sync");
    assert_eq!(log.last_index(), LogIndex(1));
}

pub(super) fn compaction_keeps_the_term_of_the_last_forgotten_entry(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=3, 1), None).unwrap();
    log.append(&entries(4..=6, 2), None).unwrap();
    log.compact(LogIndex(3)).unwrap();
    log.compact(LogIndex(2)).unwrap();
    log.compact(LogIndex::ZERO).unwrap();
    let mut log = log;
    for _ in 0..2 {
        assert_eq!(log.first_index(), LogIndex(4));
        assert_eq!(log.last_index(), LogIndex(6));
        assert_eq!(log.term(LogIndex(3)).unwrap(), Some(Term(1)));
        assert!(matches!(log.term(LogIndex(2)), Err(LogError::Compacted(LogIndex(2)))));
        assert_eq!(kept(&*log), entries(4..=6, 2));
        log = bed.reopen(log);
    }
}

pub(super) fn a_log_that_was_compacted_whole_goes_on(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=3, 1), Some(hard_state(1, 1, 3))).unwrap();
    log.compact(LogIndex(3)).unwrap();
    let log = bed.reopen(log);
    assert_eq!((log.first_index(), log.last_index()), (LogIndex(4), LogIndex(3)));
    assert_eq!(kept(&*log), []);
    assert!(log.append(&[entry(3, 1)], None).is_err());
    log.append(&[entry(4, 1)], None).unwrap();
    assert_eq!(kept(&*bed.reopen(log)), [entry(4, 1)]);
}

pub(super) fn compaction_of_what_is_not_there_is_refused(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=3, 1), None).unwrap();
    assert!(matches!(log.compact(LogIndex(4)), Err(LogError::Io(_))));
    assert_eq!(log.first_index(), LogIndex(1));
    log.compact(LogIndex(3)).unwrap();
}

pub(super) fn a_restart_behind_a_snapshot_forgets_everything(bed: &mut impl Bed) {
    // Behind the log, and within it.
    for (index, term) in [(100, 7), (6, 1), (5, 2), (4, 1)] {
        let log = bed.open();
        log.append(&entries(1..=6, 1), Some(hard_state(3, 2, 4))).unwrap();
        log.compact(LogIndex(3)).unwrap();
        assert!(log.restart_after(LogIndex(3), Term(1)).is_err(), "entry 4 is committed");
        log.restart_after(LogIndex(index), Term(term)).unwrap();
        let log = bed.crash(log, 0);
        assert_eq!(log.first_index(), LogIndex(index + 1));
        assert_eq!(log.last_index(), LogIndex(index));
        assert_eq!(log.term(LogIndex(index)).unwrap(), Some(Term(term)));
        assert_eq!(kept(&*log), []);
        let state = log.hard_state();
        assert_eq!((state.term, state.vote), (Term(3), 2));
        assert_eq!(state.commit, LogIndex(index), "what a snapshot contains is committed");
        log.append(&[entry(index + 1, 9)], None).unwrap();
        assert_eq!(kept(&*bed.reopen(log)), [entry(index + 1, 9)]);
    }
}
