//! The suite that every engine passes: what the traits promise, one test for each promise.
//!
//! Owns the promises, the beds on which engines are tried, and nothing else. A promise that holds
//! for one implementation only is tested beside it instead.

mod batches;
mod beds;
mod durability;
mod model;
mod reads;
mod whole_store;

use crate::{Batch, Direction, Durability, Engine, KeyRange, Read, Space};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

const SPACE_NAMES: &[&str] = &["first", "second", "third"];
const FIRST: Space = Space(0);
const SECOND: Space = Space(1);
const SPACES: [Space; 3] = [FIRST, SECOND, Space(2)];
const UNKNOWN: Space = Space(3);

/// Where an engine is opened, closed and cut off.
trait Bed {
    /// A store of its own, empty.
    fn open(&mut self) -> Arc<dyn Engine>;

    /// Closes the store in order and opens it again.
    fn reopen(&mut self, engine: Arc<dyn Engine>) -> Arc<dyn Engine>;

    /// Opens what a power cut now would leave; nothing when the store does not outlive its process.
    fn crash(&mut self, engine: Arc<dyn Engine>, seed: u64) -> Option<Arc<dyn Engine>>;

    /// Opens a checkpoint.
    fn open_copy(&mut self, path: &Path) -> Arc<dyn Engine>;
}

type Entries = Vec<(Vec<u8>, Vec<u8>)>;

fn scanned(from: &dyn Read, space: Space, range: KeyRange<'_>, direction: Direction) -> Entries {
    let mut entries = Vec::new();
    from.scan(space, range, direction, &mut |key, value| {
        entries.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    })
    .unwrap();
    entries
}

fn everything(from: &dyn Read) -> Vec<Entries> {
    SPACES.iter().map(|space| scanned(from, *space, KeyRange::ALL, Direction::Forward)).collect()
}

/// Writes one value.
fn put(engine: &dyn Engine, space: Space, key: &[u8], value: &[u8], durability: Durability) {
    let mut batch = Batch::new();
    batch.put(space, key, value);
    engine.write(&batch, durability).unwrap();
}

/// Makes every promise a test of every engine.
macro_rules! promises {
    ($($module:ident: $($promise:ident),+;)+) => {
        promises!(@engine memory, beds::Memory::new(), $($module: $($promise),+;)+);
        promises!(@engine faulty, beds::Faulty::new(), $($module: $($promise),+;)+);
        #[cfg(feature = "rocks")]
        promises!(@engine rocks_data, beds::rocks::Disk::data(), $($module: $($promise),+;)+);
        #[cfg(feature = "rocks")]
        promises!(@engine rocks_log, beds::rocks::Disk::log(), $($module: $($promise),+;)+);
        #[cfg(feature = "rocks")]
        promises!(@engine rocks_in_memory, beds::rocks::InMemory::new(), $($module: $($promise),+;)+);
    };
    (@engine $engine:ident, $bed:expr, $($module:ident: $($promise:ident),+;)+) => {
        mod $engine {
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
    batches:
        later_changes_of_a_batch_win,
        a_batch_that_cannot_be_applied_changes_nothing,
        a_range_is_deleted_up_to_its_end,
        a_range_whose_ends_are_out_of_order_deletes_nothing,
        spaces_are_independent,
        empty_keys_and_values_are_kept,
        an_empty_batch_is_accepted;
    reads:
        scans_honour_every_kind_of_bound_in_both_directions,
        a_scan_stops_when_its_visitor_breaks,
        a_scan_does_not_see_what_its_visitor_writes,
        many_keys_are_answered_in_the_order_they_were_asked,
        a_snapshot_stays_as_it_was_taken,
        a_snapshot_outlives_its_engine,
        an_unknown_space_is_an_error;
    durability:
        a_clean_close_keeps_everything,
        a_synced_batch_survives_a_crash_with_all_before_it,
        a_flush_makes_everything_survive_a_crash,
        a_crash_leaves_whole_batches_in_order,
        the_durable_value_is_what_a_crash_leaves,
        a_space_can_be_emptied_and_filled_anew,
        a_store_works_on_after_a_crash;
    whole_store:
        a_checkpoint_is_a_store_of_its_own,
        a_checkpoint_never_overwrites,
        sizes_follow_the_data,
        a_sound_store_passes_verification,
        statistics_name_the_engine;
    model:
        any_sequence_of_calls_agrees_with_a_sorted_map;
}
