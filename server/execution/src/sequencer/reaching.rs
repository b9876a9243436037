//! Waiting for what is in the log.
//!
//! Owns when the outcome of a batch may be told. A verdict rests on pending writes, which may still
//! be lost, so it is told once they are certain.

use super::{Sequencer, State, Verdict, lost};
use quire_consensus::{Submitted, Ticket};
use quire_errors::Result;
use quire_log::{StateMachine, Timestamp};

/// A batch that has its place in the log.
pub struct Sequenced {
    pub verdicts: Vec<Verdict>,
    pub(super) place: Place,
    /// The pending writes that the verdicts rest on.
    pub(super) rests_on: Horizon,
}

/// Where a batch is on its way.
pub(super) enum Place {
    /// Nothing of it was accepted.
    Nowhere,
    Submitted(Submitted),
    Awaited(Ticket),
}

/// A place in the log that is reached unless what is queued there is lost.
#[derive(Clone, Copy, Debug)]
pub struct Horizon {
    revision: Timestamp,
    epoch: u64,
}

impl Sequenced {
    /// Waits until the accepted changes are committed and can be read. `None` when nothing was
    /// accepted and the pending writes that stood against it were lost: plan again.
    pub async fn committed(mut self, sequencer: &Sequencer) -> Result<Option<Vec<Verdict>>> {
        Ok(self.is_certain(sequencer).await?.then_some(self.verdicts))
    }

    /// Waits as [`Sequenced::committed`] does; false where that gives `None`. Who gives up in between
    /// may wait again later.
    pub(crate) async fn is_certain(&mut self, sequencer: &Sequencer) -> Result<bool> {
        self.place = match std::mem::replace(&mut self.place, Place::Nowhere) {
            Place::Submitted(submitted) => Place::Awaited(submitted.commit()),
            place => place,
        };
        match &mut self.place {
            Place::Awaited(ticket) => ticket.await.map(|_| true).map_err(lost),
            Place::Nowhere | Place::Submitted(_) => Ok(sequencer.reach(self.rests_on).await),
        }
    }
}

impl State {
    /// Everything that was proposed so far.
    pub(super) fn horizon(&self) -> Horizon {
        Horizon { revision: self.proposed, epoch: self.epoch }
    }

    fn is_voided(&self, revision: Timestamp) -> bool {
        self.voided.iter().any(|(above, through)| *above < revision && revision <= *through)
    }
}

impl Sequencer {
    /// Waits until all that is in the log's queue now can be read, or is lost.
    pub async fn caught_up(&self) {
        self.reach(self.horizon()).await;
    }

    /// Waits until a write of this revision can be read. False when it is lost, or may be, which
    /// makes void whatever was concluded from it.
    #[must_use = "a lost write must not be told to anybody"]
    pub async fn reached(&self, revision: Timestamp) -> bool {
        let horizon = {
            let mut state = self.state.lock();
            self.catch_up(&mut state);
            if state.is_voided(revision) {
                return false;
            }
            Horizon { revision, ..state.horizon() }
        };
        self.reach(horizon).await
    }

    /// The place of the newest entry in the log's queue.
    pub fn horizon(&self) -> Horizon {
        let mut state = self.state.lock();
        self.catch_up(&mut state);
        state.horizon()
    }

    /// Waits until all that is in the queue up to there can be read, or is lost.
    pub async fn passed(&self, horizon: Horizon) {
        self.reach(horizon).await;
    }

    /// Whether [`Sequencer::passed`] would not wait.
    pub fn has_passed(&self, horizon: Horizon) -> bool {
        let applied = self.documents.applied().timestamp;
        applied >= horizon.revision || self.replica.epoch() != horizon.epoch
    }

    async fn reach(&self, Horizon { revision, epoch }: Horizon) -> bool {
        loop {
            // Read first: whatever changes from here on ends the wait.
            let generation = self.applied.generation();
            // The stamp of a lost write is passed too, but only in a later epoch.
            let applied = self.documents.applied().timestamp;
            if self.replica.epoch() != epoch {
                return false;
            }
            if applied >= revision {
                return true;
            }
            self.applied.changed_since(generation).await;
        }
    }
}
