//! Taking in a copy.
//!
//! Owns the order of what is made durable: first the mark, together with the end of what was here;
//! then the pairs, in any state of durability; last the position, with which the copy is a state.
//! Chunks are believed only one behind the other, so a lost, repeated or foreign one is refused.

use super::chunk::{Chunk, Content, Totals, pairs};
use super::mark::put_mark;
use super::travels;
use crate::Documents;
use crate::machine::{fatal, stopped};
use crate::open::{OpenError, Stored, encode_applied, space};
use quire_engine::{Batch, Direction, Durability, Engine, EngineError, KeyRange};
use quire_keys::{Key, KeySpace};
use quire_log::{Applied, Completeness, Fatal};
use std::ops::ControlFlow;

/// How much of a copy has come.
#[derive(Default)]
pub(crate) struct Arrival {
    /// The position of the copy, once its first chunk is here.
    applied: Option<Applied>,
    next_number: u64,
    totals: Totals,
    /// The place of the last pair, which the next one comes after.
    last: Option<(u8, Vec<u8>)>,
    complete: bool,
}

/// A chunk that fits: what to write, and the arrival once it is written.
struct Step {
    batch: Batch,
    after: Arrival,
}

impl Arrival {
    /// Checks that the chunk is the next one of this copy.
    fn accept(&self, chunk: &[u8]) -> Result<Step, Fatal> {
        let refused = |why: String| stopped(format!("a chunk of a copy cannot be used: {why}"));
        let chunk = Chunk::decode(chunk).map_err(|why| refused(why.to_string()))?;
        if self.complete {
            return Err(refused("the copy was complete before it".to_owned()));
        }
        if chunk.number != self.next_number {
            let (expected, found) = (self.next_number, chunk.number);
            return Err(refused(format!("it has number {found} where {expected} is due")));
        }
        if self.applied.is_some_and(|applied| applied != chunk.applied) {
            return Err(refused("it belongs to another copy".to_owned()));
        }
        let mut after = Arrival {
            applied: Some(chunk.applied),
            next_number: self.next_number.saturating_add(1),
            totals: self.totals,
            last: self.last.clone(),
            complete: false,
        };
        let mut batch = Batch::new();
        match chunk.content {
            Content::Pairs(body) => after.take(body, &mut batch).map_err(refused)?,
            Content::End(totals) if totals == self.totals => after.complete = true,
            Content::End(totals) => {
                return Err(refused(format!("{totals:?} were sent and {:?} arrived", self.totals)));
            }
        }
        Ok(Step { batch, after })
    }

    fn take(&mut self, body: &[u8], batch: &mut Batch) -> Result<(), String> {
        let mut taken = 0_u64;
        for pair in pairs(body) {
            let (key_space, key, value) = pair.map_err(|why| why.to_string())?;
            let number = key_space.number();
            let place = || format!("{} {key:02x?}", key_space.name());
            if self.last.as_ref().is_some_and(|(space, last)| (*space, &**last) >= (number, key)) {
                return Err(format!("the key {} is out of order", place()));
            }
            if Key::decode(key_space, key).is_none() || !travels(key_space, key) {
                return Err(format!("the key {} has no place in a copy", place()));
            }
            batch.put(space(key_space), key, value);
            let (last_space, last_key) = self.last.get_or_insert_default();
            *last_space = number;
            last_key.clear();
            last_key.extend_from_slice(key);
            taken = taken.saturating_add(1);
        }
        self.totals = self.totals.with(taken, body);
        Ok(())
    }
}

impl Documents {
    pub(crate) fn start_install(&self) -> Result<(), Fatal> {
        let mut arrival = self.arrival().lock();
        *arrival = None;
        let mut batch = drop_everything(self.engine()).map_err(fatal)?;
        put_mark(&mut batch, Completeness::Partial);
        let begun = self.exchange(Stored::arriving(), &batch, Durability::Unsynced);
        begun.inspect_err(|_| self.look_again())?;
        // Nothing of the copy may be on its way before the mark is on the disk.
        self.engine().flush().map_err(fatal)?;
        *arrival = Some(Arrival::default());
        Ok(())
    }

    pub(crate) fn take_chunk(&self, chunk: &[u8]) -> Result<(), Fatal> {
        let mut arrival = self.arrival().lock();
        let step = arrival.as_ref().ok_or_else(no_arrival)?.accept(chunk)?;
        // A failed write may have taken effect: then the same pairs are written once more.
        self.engine().write(&step.batch, Durability::Unsynced).map_err(fatal)?;
        *arrival = Some(step.after);
        Ok(())
    }

    pub(crate) fn end_install(&self) -> Result<Applied, Fatal> {
        let mut arrival = self.arrival().lock();
        let came = arrival.as_ref().ok_or_else(no_arrival)?;
        let Some(applied) = came.applied.filter(|_| came.complete) else {
            return Err(stopped("the copy has not arrived whole".to_owned()));
        };
        self.engine().flush().map_err(fatal)?;
        // A copy that cannot be read must not become the state.
        let loaded = Stored::load_as(self.engine(), Completeness::Arrived);
        let mut stored = loaded.map_err(|error| match error {
            OpenError::Engine(error) => fatal(error),
            other => stopped(format!("what was copied: {other}")),
        })?;
        stored.standing.applied = applied;
        let mut batch = Batch::new();
        // A store that nothing was applied to has no position, and its copy holds the same bytes.
        if applied != Applied::default() {
            batch.put(space(KeySpace::Meta), &Key::Applied.encode(), &encode_applied(applied));
        }
        put_mark(&mut batch, Completeness::Arrived);
        self.exchange(stored, &batch, Durability::Synced)?;
        *arrival = None;
        Ok(applied)
    }

    pub(crate) fn put_to_use(&self) -> Result<(), Fatal> {
        match self.standing().completeness {
            Completeness::Whole => Ok(()),
            Completeness::Partial => {
                Err(stopped("a state that is still arriving cannot be used".to_owned()))
            }
            Completeness::Arrived => {
                let mut batch = Batch::new();
                put_mark(&mut batch, Completeness::Whole);
                self.engine().write(&batch, Durability::Synced).map_err(fatal)?;
                self.set_completeness(Completeness::Whole);
                Ok(())
            }
        }
    }
}

fn no_arrival() -> Fatal {
    stopped("no copy is arriving".to_owned())
}

/// Deletes every key but the format of the store.
fn drop_everything(engine: &dyn Engine) -> Result<Batch, EngineError> {
    let mut batch = Batch::new();
    for key_space in KeySpace::ALL {
        let first = match key_space {
            KeySpace::Meta => behind(&Key::FormatVersion.encode()),
            KeySpace::Rows | KeySpace::Index | KeySpace::Sessions => Vec::new(),
        };
        let mut end = None;
        let all = KeyRange::ALL;
        engine.scan(space(key_space), all, Direction::Backward, &mut |key, _| {
            end = Some(behind(key));
            ControlFlow::Break(())
        })?;
        if let Some(end) = end {
            batch.delete_range(space(key_space), &first, &end);
        }
    }
    Ok(batch)
}

/// The first key behind another.
fn behind(key: &[u8]) -> Vec<u8> {
    [key, &[0]].concat()
}
