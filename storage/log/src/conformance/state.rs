//! The hard state, the identity, reopening, and statistics.

use super::{Bed, entries, entry, hard_state, kept};
use crate::{HardState, LogIndex, Term};

pub(super) fn the_hard_state_is_kept_until_it_is_replaced(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&[], Some(hard_state(3, 7, 0))).unwrap();
    let log = bed.crash(log, 1);
    assert_eq!(log.hard_state(), hard_state(3, 7, 0));
    log.append(&entries(1..=2, 3), None).unwrap();
    let log = bed.crash(log, 2);
    assert_eq!(log.hard_state(), hard_state(3, 7, 0));
    log.append(&[entry(3, 4)], Some(hard_state(4, 0, 2))).unwrap();
    assert_eq!(log.hard_state(), hard_state(4, 0, 2));
    let log = bed.reopen(log);
    assert_eq!(log.hard_state(), hard_state(4, 0, 2));
    assert_eq!(kept(&*log).len(), 3);
}

pub(super) fn an_identity_is_given_once_and_for_good(bed: &mut impl Bed) {
    let log = bed.open();
    assert_eq!(log.identity(), None);
    assert!(log.set_identity(0).is_err(), "zero is nobody");
    assert_eq!(log.identity(), None);
    log.set_identity(u64::MAX).unwrap();
    assert_eq!(log.identity(), Some(u64::MAX));
    assert!(log.set_identity(7).is_err());
    let syncs = log.stats().syncs;
    log.set_identity(u64::MAX).unwrap();
    assert_eq!(log.stats().syncs, syncs, "it is known already");
    let log = bed.crash(log, 0);
    assert_eq!(log.identity(), Some(u64::MAX));
    assert!(log.set_identity(7).is_err());
}

pub(super) fn an_identity_is_kept_whatever_the_log_goes_through(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=6, 1), Some(hard_state(3, 7, 4))).unwrap();
    log.set_identity(41).unwrap();
    assert_eq!(kept(&*log).len(), 6);
    assert_eq!(log.hard_state(), hard_state(3, 7, 4));
    log.compact(LogIndex(3)).unwrap();
    log.reopen(LogIndex(5)).unwrap();
    assert_eq!(log.identity(), Some(41));
    log.restart_after(LogIndex(100), Term(3)).unwrap();
    assert_eq!((log.identity(), log.hard_state()), (Some(41), hard_state(3, 7, 100)));
    let log = bed.crash(log, 0);
    assert_eq!((log.identity(), log.hard_state()), (Some(41), hard_state(3, 7, 100)));
    let log = bed.reopen(log);
    assert_eq!(log.identity(), Some(41));
}

pub(super) fn reopening_drops_what_is_above_the_kept_entry(bed: &mut impl Bed) {
    let log = bed.open();
    log.append(&entries(1..=6, 1), Some(hard_state(2, 1, 5))).unwrap();
    log.reopen(LogIndex(9)).unwrap();
    assert_eq!(log.last_index(), LogIndex(6));
    assert_eq!(log.hard_state(), hard_state(2, 1, 5));

    log.reopen(LogIndex(4)).unwrap();
    assert_eq!(log.last_index(), LogIndex(4));
    assert_eq!(log.hard_state(), hard_state(2, 1, 4), "nothing above the end is committed");
    let log = bed.crash(log, 0);
    assert_eq!(kept(&*log), entries(1..=4, 1));
    assert_eq!(log.hard_state(), hard_state(2, 1, 4));

    log.compact(LogIndex(3)).unwrap();
    assert!(log.reopen(LogIndex(2)).is_err(), "what was forgotten cannot become the end");
    log.reopen(LogIndex(3)).unwrap();
    assert_eq!(log.last_index(), LogIndex(3));
    assert_eq!(log.term(LogIndex(3)).unwrap(), Some(Term(1)));
    log.append(&[entry(4, 2)], None).unwrap();
    assert_eq!(kept(&*bed.reopen(log)), [entry(4, 2)]);
}

pub(super) fn statistics_count_what_was_appended(bed: &mut impl Bed) {
    let log = bed.open();
    assert_eq!(log.hard_state(), HardState::default());
    log.append(&entries(1..=3, 1), None).unwrap();
    log.append(&[], Some(hard_state(1, 1, 1))).unwrap();
    log.compact(LogIndex(1)).unwrap();
    let stats = log.stats();
    assert_eq!((stats.first, stats.last), (LogIndex(2), LogIndex(3)));
    assert_eq!((stats.syncs, stats.appended_entries), (2, 3));
    assert!(stats.appended_bytes > 3 * entry(1, 1).payload.len() as u64);
}
