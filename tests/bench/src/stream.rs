//! Which of all streams of requests one is, and what those of one store have in common.
//!
//! Owns how `_id`s are given out: two streams never write the same one.

use crate::random::Random;
use crate::zipf::Zipf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How far behind the newest document a reader stays: those in between may be on their way.
const IN_FLIGHT_MAX: u64 = 1000;

/// One connection of one window.
#[derive(Clone)]
pub(crate) struct Stream {
    /// Counts the windows of a run.
    pub(crate) window: u32,
    pub(crate) connection: u16,
    pub(crate) store: Arc<Store>,
}

/// What one server, or yardstick, holds.
pub(crate) struct Store {
    /// How many documents each loaded collection has.
    pub(crate) records: u64,
    /// The next number behind those that were loaded.
    tail: AtomicU64,
    zipf: Arc<Zipf>,
}

impl Store {
    pub(crate) fn new(records: u64, zipf: Arc<Zipf>) -> Arc<Store> {
        Arc::new(Store { records, tail: AtomicU64::new(records), zipf })
    }

    pub(crate) fn next_number(&self) -> i64 {
        self.tail.fetch_add(1, Ordering::Relaxed).cast_signed()
    }

    /// Any of the loaded documents.
    pub(crate) fn uniform(&self, random: &mut Random) -> i64 {
        random.below(self.records).cast_signed()
    }

    /// One of the loaded documents, a few of them much more often than the rest. Those few lie far
    /// apart.
    pub(crate) fn popular(&self, random: &mut Random) -> i64 {
        let rank = self.zipf.rank(random);
        let spread = rank.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mixed = (spread ^ (spread >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 29)).checked_rem(self.records).unwrap_or(0).cast_signed()
    }

    /// One of the documents that were written last, more often the newer it is.
    pub(crate) fn recent(&self, random: &mut Random) -> i64 {
        let newest = self.tail.load(Ordering::Relaxed).saturating_sub(IN_FLIGHT_MAX);
        newest.saturating_sub(self.zipf.rank(random).saturating_add(1)).cast_signed()
    }
}

impl Stream {
    pub(crate) fn random(&self) -> Random {
        Random::new(u64::from(self.window) << 16 | u64::from(self.connection))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readers_meet_only_documents_that_are_there() {
        let store = Store::new(5000, Arc::new(Zipf::new(5000)));
        let mut random = Random::new(1);
        for _ in 0..1000 {
            store.next_number();
            let below = |id: i64, bound: i64| (0..bound).contains(&id);
            assert!(below(store.uniform(&mut random), 5000));
            assert!(below(store.popular(&mut random), 5000));
            assert!(below(store.recent(&mut random), 5000));
        }
        assert_eq!(store.next_number(), 6000);
    }
}
