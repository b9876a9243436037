//! Who is building which index.
//!
//! Owns the claims: an index has one builder at a time. A builder that is dropped in the middle, as
//! happens to every command that is told to stop, leaves word of what is to become of the index.

use crate::Watch;
use crate::wait::Signal;
use parking_lot::Mutex;
use quire_documents::{CollectionId, IndexId};
use quire_errors::Code;
use std::collections::HashSet;

/// All builders of this process.
#[derive(Debug, Default)]
pub struct Builders {
    state: Mutex<State>,
    changed: Signal,
}

#[derive(Debug, Default)]
struct State {
    claimed: HashSet<IndexId>,
    /// Builds that were called off and whose indexes are still there.
    cancelled: HashSet<IndexId>,
}

impl Builders {
    /// Takes the indexes to build; `None` when somebody else is at one of them.
    pub fn claim<'a>(
        &'a self,
        collection: CollectionId,
        indexes: Vec<IndexId>,
        watch: &'a dyn Watch,
    ) -> Option<Build<'a>> {
        let mut state = self.state.lock();
        if indexes.iter().any(|index| state.claimed.contains(index)) {
            return None;
        }
        state.claimed.extend(&indexes);
        drop(state);
        Some(Build { builders: self, collection, indexes, watch, settled: false })
    }

    /// True when the build was called off.
    pub fn is_cancelled(&self, index: IndexId) -> bool {
        self.state.lock().cancelled.contains(&index)
    }

    /// Rings when a builder stops.
    pub fn changed(&self) -> &Signal {
        &self.changed
    }
}

/// Indexes of one collection that are being built. Dropping it lets others take over.
pub struct Build<'a> {
    builders: &'a Builders,
    pub(super) watch: &'a dyn Watch,
    pub(super) collection: CollectionId,
    pub(super) indexes: Vec<IndexId>,
    settled: bool,
}

impl Build<'_> {
    /// Notes that there is nothing left to do, however it ended.
    pub(super) fn settle(&mut self) {
        self.settled = true;
    }

    /// True when the operation was stopped by somebody who wants its effect gone too.
    fn is_called_off(&self) -> bool {
        self.watch
            .check()
            .is_err_and(|error| matches!(error.code(), Code::Interrupted | Code::MaxTimeMSExpired))
    }
}

impl Drop for Build<'_> {
    fn drop(&mut self) {
        let called_off = !self.settled && self.is_called_off();
        {
            let mut state = self.builders.state.lock();
            for index in &self.indexes {
                state.claimed.remove(index);
                if called_off {
                    state.cancelled.insert(*index);
                } else if self.settled {
                    state.cancelled.remove(index);
                }
            }
        }
        self.builders.changed.notify();
    }
}
