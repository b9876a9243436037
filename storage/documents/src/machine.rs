//! The state machine: applies entries and hands out views.
//!
//! Owns what is visible when. Rows, index entries, counts, catalogue and position of one call become
//! durable and visible in one engine batch. When the catalogue changes, batch and catalogue are
//! exchanged under a lock that views are taken under too, so no reader ever combines an old
//! catalogue with newer keys or the other way round.

mod step;
#[cfg(test)]
mod tests;

use crate::catalog::Catalog;
use crate::copy::Arrival;
use crate::counts::Counts;
use crate::effect::Effects;
use crate::open::{OpenError, Standing, Stored, decode_applied, key_range, space};
use crate::{CollectionId, EngineStats, IndexId, ReadView};
use parking_lot::{Mutex, RwLock};
use quire_engine::{Batch, Durability, Engine, EngineError};
use quire_keys::{Key, KeySpace};
use quire_log::{
    Applied, Completeness, Entry, EntryKind, Export, Fatal, LogIndex, StateMachine, Term,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use step::{Origin, Outcome, Step};

/// The replicated documents.
pub struct Documents {
    engine: Arc<dyn Engine>,
    catalog: RwLock<Arc<Catalog>>,
    standing: RwLock<Standing>,
    /// Held while applying; equal to what the engine holds.
    counts: Mutex<BTreeMap<CollectionId, Counts>>,
    /// The copy that is coming in.
    arrival: Mutex<Option<Arrival>>,
    refused: AtomicU64,
    /// Set when a write has failed: it may have taken effect all the same.
    doubtful: AtomicBool,
    /// The position from which entries are tried again, while they fail.
    tried_from: Mutex<Option<LogIndex>>,
}

impl Documents {
    pub(crate) fn from_stored(engine: Arc<dyn Engine>, stored: Stored) -> Documents {
        Documents {
            engine,
            catalog: RwLock::new(Arc::new(stored.catalog)),
            standing: RwLock::new(stored.standing),
            counts: Mutex::new(stored.counts),
            arrival: Mutex::new(None),
            refused: AtomicU64::new(0),
            doubtful: AtomicBool::new(false),
            tried_from: Mutex::new(None),
        }
    }

    /// The state as it is now, unchanged by what is applied later.
    pub fn view(&self) -> ReadView {
        let catalog = self.catalog.read();
        // while the lock is held no batch that changes the catalogue can be written
        ReadView::new(self.engine.snapshot(), Arc::clone(&catalog))
    }

    /// The state as it is at each call: cheaper than a snapshot for a single lookup, and what a
    /// sequencer checks constraints against. Two calls may see different states, and the catalogue
    /// is that of now.
    pub fn live(&self) -> ReadView {
        ReadView::new(Arc::clone(&self.engine) as Arc<_>, self.catalog())
    }

    pub fn catalog(&self) -> Arc<Catalog> {
        Arc::clone(&self.catalog.read())
    }

    /// How many effects did not fit the state they were applied to since the start. Anything but
    /// zero is a defect of a leader.
    pub fn refused_effects(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// About how many bytes the rows of a collection take where they are stored.
    pub fn stored_row_bytes(&self, collection: CollectionId) -> u64 {
        let range = Key::rows_of(collection.0);
        self.engine.approximate_bytes(space(KeySpace::Rows), key_range(&range))
    }

    /// About how many bytes the entries of an index take where they are stored.
    pub fn stored_index_bytes(&self, index: IndexId) -> u64 {
        let range = Key::entries_of(index.0);
        self.engine.approximate_bytes(space(KeySpace::Index), key_range(&range))
    }

    pub fn engine_stats(&self) -> EngineStats {
        self.engine.stats()
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    pub(crate) fn arrival(&self) -> &Mutex<Option<Arrival>> {
        &self.arrival
    }

    pub(crate) fn standing(&self) -> Standing {
        self.standing.read().clone()
    }

    pub(crate) fn set_completeness(&self, completeness: Completeness) {
        self.standing.write().completeness = completeness;
    }

    /// Writes a batch that puts another state in the place of this one, and shows that state.
    pub(crate) fn exchange(
        &self,
        stored: Stored,
        batch: &Batch,
        durability: Durability,
    ) -> Result<(), Fatal> {
        let mut counts = self.counts.lock();
        let mut catalog = self.catalog.write();
        self.engine.write(batch, durability).map_err(fatal)?;
        self.show(stored, &mut counts, &mut catalog);
        self.doubtful.store(false, Ordering::Relaxed);
        *self.tried_from.lock() = None;
        Ok(())
    }

    /// Shows what a write that failed has left. Should that remain unknown, nothing here counts.
    pub(crate) fn look_again(&self) {
        let mut counts = self.counts.lock();
        self.doubtful.store(true, Ordering::Relaxed);
        if self.settle(&mut counts).is_err() {
            self.show(Stored::arriving(), &mut counts, &mut self.catalog.write());
        }
    }

    /// What was loaded is what everybody sees from now on.
    fn show(
        &self,
        stored: Stored,
        counts: &mut BTreeMap<CollectionId, Counts>,
        catalog: &mut Arc<Catalog>,
    ) {
        *counts = stored.counts;
        *catalog = Arc::new(stored.catalog);
        *self.standing.write() = stored.standing;
    }

    /// Writes the outcome of a step and makes it visible.
    fn publish(&self, outcome: Outcome, after: Standing) -> Result<(), Fatal> {
        match outcome.catalog {
            None => {
                self.write(&outcome.batch)?;
                *self.standing.write() = after;
            }
            Some(changed) => {
                let mut catalog = self.catalog.write();
                self.write(&outcome.batch)?;
                *catalog = changed;
                *self.standing.write() = after;
            }
        }
        Ok(())
    }

    fn write(&self, batch: &Batch) -> Result<(), Fatal> {
        self.engine.write(batch, Durability::Unsynced).map_err(|error| {
            self.doubtful.store(true, Ordering::Relaxed);
            fatal(error)
        })
    }

    /// Moves the position over entries, and does with their effects what is said.
    fn advance(&self, entries: &[Entry], manner: Manner) -> Result<(), Fatal> {
        let mut counts = self.counts.lock();
        let first = *self.tried_from.lock().get_or_insert(self.applied().index);
        self.settle(&mut counts)?;
        let mut after = self.standing();
        if after.completeness != Completeness::Whole {
            // Before the log begins behind a copy, a restart would drop these entries from it.
            return Err(stopped("its state is a copy that is not in use yet".to_owned()));
        }
        if after.hollow && manner == Manner::CarryOut {
            return Err(stopped(
                "effects were left out of its state, which needs a copy".to_owned(),
            ));
        }
        let was_hollow = after.hollow;
        let position = after.applied;
        // Entries are repeated after failures only; then those that took effect are left out.
        let done = |entry: &&Entry| entry.index > first && entry.index <= position.index;
        let skipped = entries.iter().take_while(done).count();
        if skipped > 0 && skipped == entries.len() {
            // Nothing is left to write, and a write that failed would make them unknown once more.
            *self.tried_from.lock() = None;
            return Ok(());
        }
        let known = after.configuration.clone();
        let payloads = decode(entries.get(skipped..).unwrap_or_default(), manner, &mut after)?;
        let bytes = entries.iter().map(|entry| entry.payload.len()).fold(0, usize::saturating_add);
        let mut step = Step::new(self.engine.as_ref(), self.catalog(), &counts, bytes);
        for (term, Effects { wall_millis, effects, .. }) in &payloads {
            step.enter(Origin { term: *term, wall_millis: *wall_millis });
            for effect in effects {
                step.apply(effect).map_err(fatal)?;
            }
        }
        if after.configuration != known {
            step.set_configuration(after.configuration.clone());
        }
        if after.hollow && !was_hollow {
            step.leave_out();
        }
        let mut outcome = step.finish(after.applied);
        let (changed_counts, refused) = (std::mem::take(&mut outcome.counts), outcome.refused);
        self.publish(outcome, after)?;
        *self.tried_from.lock() = None;
        for (collection, changed) in changed_counts {
            match changed {
                Some(changed) => counts.insert(collection, changed),
                None => counts.remove(&collection),
            };
        }
        self.refused.fetch_add(refused, Ordering::Relaxed);
        Ok(())
    }

    /// Finds out what a failed write has left. Without this a repeated entry would be counted twice.
    fn settle(&self, counts: &mut BTreeMap<CollectionId, Counts>) -> Result<(), Fatal> {
        if self.doubtful.load(Ordering::Relaxed) {
            let mut catalog = self.catalog.write();
            let stored = Stored::load(self.engine.as_ref()).map_err(|error| match error {
                OpenError::Engine(error) => fatal(error),
                other => stopped(other.to_string()),
            })?;
            self.show(stored, counts, &mut catalog);
            self.doubtful.store(false, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What becomes of the effects of entries.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    CarryOut,
    LeaveOut,
}

/// Reads the entries that follow the position of `standing`, which moves along.
fn decode(
    entries: &[Entry],
    manner: Manner,
    standing: &mut Standing,
) -> Result<Vec<(Term, Effects)>, Fatal> {
    let mut payloads = Vec::with_capacity(entries.len());
    for entry in entries {
        let position = standing.applied;
        if entry.index != position.index.next() {
            let (next, last) = (entry.index, position.index);
            return Err(stopped(format!("entry {next} does not follow entry {last}")));
        }
        match entry.kind {
            EntryKind::Effects if manner == Manner::LeaveOut => standing.hollow = true,
            EntryKind::Effects => {
                let effects = Effects::decode(&entry.payload)
                    .map_err(|why| stopped(format!("entry {}: {why}", entry.index)))?;
                payloads.push((entry.term, effects));
            }
            EntryKind::Configuration => {
                standing.configuration = Some(Arc::from(&entry.payload[..]));
            }
            EntryKind::TermStart => {}
        }
        standing.applied = Applied {
            index: entry.index,
            term: entry.term,
            timestamp: entry.timestamp.max(position.timestamp),
        };
    }
    Ok(payloads)
}

impl StateMachine for Documents {
    fn applied(&self) -> Applied {
        self.standing.read().applied
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        let key = Key::Applied.encode();
        match self.engine.get_durable(space(KeySpace::Meta), &key).map_err(fatal)? {
            Some(bytes) => Ok(decode_applied(&bytes).map_err(fatal)?.index),
            None => Ok(LogIndex::ZERO),
        }
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        self.advance(entries, Manner::CarryOut)
    }

    fn pass(&self, entries: &[Entry]) -> Result<(), Fatal> {
        self.advance(entries, Manner::LeaveOut)
    }

    fn is_hollow(&self) -> bool {
        self.standing.read().hollow
    }

    fn flush(&self) -> Result<(), Fatal> {
        self.engine.flush().map_err(fatal)
    }

    fn completeness(&self) -> Completeness {
        self.standing.read().completeness
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        self.standing.read().configuration.as_deref().map(<[u8]>::to_vec)
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        Ok(Box::new(self.start_export()?))
    }

    fn export_position(&self) -> Result<Box<dyn Export>, Fatal> {
        Ok(Box::new(self.start_export_of_position()?))
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        self.start_install()
    }

    fn install_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        self.take_chunk(chunk)
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        self.end_install()
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        self.put_to_use()
    }
}

pub(crate) fn stopped(reason: String) -> Fatal {
    Fatal { reason, no_space: false }
}

pub(crate) fn fatal(error: EngineError) -> Fatal {
    let no_space = matches!(error, EngineError::NoSpace(_));
    Fatal { reason: error.to_string(), no_space }
}
