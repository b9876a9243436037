//! Which sessions are in use by a numbered command.
//!
//! Owns that a session runs one such command at a time, and that a retry begins only once the fate of
//! everything that was proposed under its number is known: whoever finds a record then finds all of
//! it. A command with a newer number need not wait for that: it has no record yet, and what comes
//! behind it in the log takes the place of what stood there. A session is checked out for as long as
//! a guard lives, whatever ends the command.

use super::request::too_old;
use parking_lot::Mutex;
use quire_documents::SessionKey;
use quire_errors::Result;
use quire_execution::wait::Signal;
use quire_execution::{Horizon, Patience, Sequencer};
use quire_replset::write_concern::timed_out;
use std::collections::HashMap;
use std::sync::Arc;

/// Sessions that are remembered while nobody uses them. What is forgotten is only that a number was
/// used for something that changed nothing: whatever did change something is in the record.
const IDLE_MAX: usize = 65_536;

/// One session.
#[derive(Debug, Default)]
struct Slot {
    held: bool,
    /// Rings when it is free again.
    freed: Arc<Signal>,
    /// The highest number that was begun here.
    number: Option<i64>,
    /// What the last holder may have proposed, when it ended without knowing its fate.
    unsure: Option<Unsure>,
}

/// Proposals under a number, and how far they may reach.
#[derive(Clone, Copy, Debug)]
struct Unsure {
    number: i64,
    reach: Horizon,
}

/// All sessions that numbered commands have used lately.
#[derive(Debug, Default)]
pub struct Checkouts {
    slots: Mutex<HashMap<SessionKey, Slot>>,
}

/// Keeps a session for one command.
pub struct CheckedOut<'a> {
    checkouts: &'a Checkouts,
    sequencer: &'a Sequencer,
    session: SessionKey,
    number: i64,
    /// It may have proposed something whose fate it does not know.
    is_unsure: bool,
}

impl Checkouts {
    /// Waits for the session and for the fate of what was written in it under this number.
    pub async fn take<'a>(
        &'a self,
        sequencer: &'a Sequencer,
        session: SessionKey,
        number: i64,
        patience: &Patience,
    ) -> Result<CheckedOut<'a>> {
        let unsure = loop {
            let (freed, generation) = {
                let mut slots = self.slots.lock();
                let slot = slots.entry(session).or_default();
                if let Some(newer) = slot.number.filter(|newer| *newer > number) {
                    return Err(too_old(&session, number, newer));
                }
                if !slot.held {
                    slot.held = true;
                    break slot.unsure;
                }
                (slot.freed.clone(), slot.freed.generation())
            };
            freed.changed_since(generation).await;
        };
        let held = CheckedOut { checkouts: self, sequencer, session, number, is_unsure: false };
        if let Some(unsure) = unsure.filter(|unsure| unsure.number >= number) {
            patience.wait(sequencer.passed(unsure.reach)).await.ok_or_else(timed_out)?;
            held.change(|slot| slot.unsure = None);
        }
        Ok(held)
    }

    /// How many sessions are remembered.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.slots.lock().len()
    }
}

impl CheckedOut<'_> {
    /// From here on the holder may write under its number.
    pub fn begin(&mut self) {
        self.is_unsure = true;
        let number = self.number;
        self.change(|slot| slot.number = slot.number.max(Some(number)));
    }

    /// The fate of all that was written is known.
    pub fn settled(mut self) {
        self.is_unsure = false;
    }

    fn change(&self, change: impl FnOnce(&mut Slot)) {
        if let Some(slot) = self.checkouts.slots.lock().get_mut(&self.session) {
            change(slot);
        }
    }
}

impl Drop for CheckedOut<'_> {
    fn drop(&mut self) {
        let unsure =
            self.is_unsure.then(|| Unsure { number: self.number, reach: self.sequencer.horizon() });
        let mut slots = self.checkouts.slots.lock();
        if let Some(slot) = slots.get_mut(&self.session) {
            slot.held = false;
            slot.unsure = unsure.or(slot.unsure);
            slot.freed.notify();
        }
        if slots.len() > IDLE_MAX {
            let is_unsure = |slot: &Slot| {
                slot.unsure.is_some_and(|unsure| !self.sequencer.has_passed(unsure.reach))
            };
            slots.retain(|_, slot| slot.held || is_unsure(slot));
        }
    }
}
