//! Writes of one command that are in the log's queue and not waited for yet.
//!
//! Owns the waiting of commands that write more than once: their entries follow each other into the
//! queue and share syncs, and the command waits for all of them before it answers. Statements in
//! between see the writes before them because rows are read with what is pending; whoever looks at
//! the applied state alone must [`Backlog::settle`] first.

use crate::sequencer::superseded;
use crate::{Sequenced, Sequencer, Verdict};
use parking_lot::Mutex;
use quire_errors::Result;
use quire_log::Timestamp;
use std::collections::VecDeque;

/// Entries of one command that may be in the queue at once.
const ENTRIES_MAX: usize = 64;

/// What a command has yet to wait for.
#[derive(Default)]
pub struct Backlog {
    waiting: Mutex<VecDeque<Sequenced>>,
    /// The newest pending row that the command has seen and let be.
    seen: Mutex<Timestamp>,
}

impl Backlog {
    /// Puts off waiting for a batch; waits for the oldest one when there are many.
    pub(super) async fn add(
        &self,
        sequencer: &Sequencer,
        mut sequenced: Sequenced,
    ) -> Result<Vec<Verdict>> {
        let verdicts = std::mem::take(&mut sequenced.verdicts);
        let oldest = {
            let mut waiting = self.waiting.lock();
            waiting.push_back(sequenced);
            if waiting.len() > ENTRIES_MAX { waiting.pop_front() } else { None }
        };
        if let Some(oldest) = oldest {
            certain(sequencer, oldest).await?;
        }
        Ok(verdicts)
    }

    /// Remembers that an answer depends on a row that may be pending.
    pub(super) fn note(&self, revision: Timestamp) {
        let mut seen = self.seen.lock();
        *seen = revision.max(*seen);
    }

    /// Waits until all that was put off is committed and can be read.
    pub async fn settle(&self, sequencer: &Sequencer) -> Result<()> {
        loop {
            let next = self.waiting.lock().pop_front();
            let Some(next) = next else { break };
            certain(sequencer, next).await?;
        }
        let seen = *self.seen.lock();
        if sequencer.reached(seen).await { Ok(()) } else { Err(superseded()) }
    }
}

/// Waits until a batch's verdicts can be told. The statement behind them is over and cannot be
/// planned again, so the command fails when they are void.
async fn certain(sequencer: &Sequencer, sequenced: Sequenced) -> Result<()> {
    sequenced.committed(sequencer).await?.map(|_| ()).ok_or_else(superseded)
}
