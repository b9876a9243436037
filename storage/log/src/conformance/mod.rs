//! The suite that every storage of the log passes.
//!
//! Owns what [`LogStore`] promises, one test for each promise, and the beds on which storages are
//! tried. What is particular to one storage is tested beside it.

mod beds;
mod changes;
mod crash;
mod reads;
mod state;

pub(crate) use crash::Model;

use crate::{Entry, EntryKind, HardState, LogIndex, LogStore, Term, Timestamp};
use std::sync::Arc;

/// Where a log is opened, closed and cut off.
trait Bed {
    /// A log of its own, empty.
    fn open(&mut self) -> Arc<dyn LogStore>;

    /// Closes the log in order and opens it again.
    fn reopen(&mut self, log: Arc<dyn LogStore>) -> Arc<dyn LogStore>;

    /// Opens what a power cut now would leave.
    fn crash(&mut self, log: Arc<dyn LogStore>, seed: u64) -> Arc<dyn LogStore>;
}

/// An entry whose payload tells it from others of the same index. Some have no time.
fn entry(index: u64, term: u64) -> Entry {
    Entry {
        index: LogIndex(index),
        term: Term(term),
        timestamp: match index % 5 {
            0 => Timestamp::ZERO,
            _ => Timestamp::new(index as u32, term as u32),
        },
        kind: EntryKind::Effects,
        payload: format!("entry {index} of term {term}").into_bytes().into(),
    }
}

fn entries(indexes: std::ops::RangeInclusive<u64>, term: u64) -> Vec<Entry> {
    indexes.map(|index| entry(index, term)).collect()
}

fn hard_state(term: u64, vote: u64, commit: u64) -> HardState {
    HardState { term: Term(term), vote, commit: LogIndex(commit) }
}

/// All that is kept.
fn kept(log: &dyn LogStore) -> Vec<Entry> {
    log.read(log.first_index().0..=u64::MAX, usize::MAX).unwrap()
}

/// Makes every promise a test of every storage.
macro_rules! promises {
    ($($module:ident: $($promise:ident),+;)+) => {
        promises!(@log segments, beds::Segments::new(), $($module: $($promise),+;)+);
        promises!(@log volatile_segments, beds::VolatileSegments::new(), $($module: $($promise),+;)+);
        promises!(@log segments_on_disk, beds::SegmentsOnDisk::new(), $($module: $($promise),+;)+);
    };
    (@log $log:ident, $bed:expr, $($module:ident: $($promise:ident),+;)+) => {
        mod $log {
            use super::{beds, $($module),+};
            $($(
                #[test]
                fn $promise() {
                    $module::$promise(&mut $bed);
                }
            )+)+
        }
    };
}

promises! {
    changes:
        a_new_log_is_empty,
        entries_are_read_back_as_they_were_written,
        an_append_replaces_the_tail_from_its_first_entry_on,
        an_append_that_does_not_follow_is_refused,
        committed_entries_cannot_be_cut_off,
        an_append_of_nothing_changes_nothing,
        compaction_keeps_the_term_of_the_last_forgotten_entry,
        a_log_that_was_compacted_whole_goes_on,
        compaction_of_what_is_not_there_is_refused,
        a_restart_behind_a_snapshot_forgets_everything;
    reads:
        reads_stop_at_the_size_but_give_one_entry_at_least,
        reads_outside_the_log_are_empty_or_say_compacted,
        terms_are_known_for_what_is_kept_and_the_compaction_point,
        what_entries_take_is_known_about,
        the_place_of_a_time_is_found,
        readers_see_whole_appends_while_the_log_changes;
    state:
        the_hard_state_is_kept_until_it_is_replaced,
        an_identity_is_given_once_and_for_good,
        an_identity_is_kept_whatever_the_log_goes_through,
        reopening_drops_what_is_above_the_kept_entry,
        statistics_count_what_was_appended;
    crash:
        an_acknowledged_append_survives_a_crash,
        any_sequence_of_changes_and_crashes_agrees_with_a_list;
}
