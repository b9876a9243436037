//! Writes of one command that are in the log's queue and not waited for yet.
//!
//! Owns the waiting of commands that write more than once: their entries follow each other into the
//! queue and share syncs, and the command waits for all of them before it answers, as long as it has
//! patience. Statements in between see the writes before them because rows are read with what is
//! pending; whoever looks at the applied state alone must settle first, however long that takes.

use crate::sequencer::superseded;
use crate::{Patience, Sequenced, Sequencer, Verdict};
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
        patience: &Patience,
        sequenced: Sequenced,
    ) -> Result<Vec<Verdict>> {
        let verdicts = self.keep(sequenced);
        // Whose patience is over leaves it to the log to take no more.
        if self.waiting.lock().len() > ENTRIES_MAX {
            self.settle_oldest(sequencer, patience).await?;
        }
        Ok(verdicts)
    }

    /// Remembers a batch that is waited for when the applied state has to be looked at.
    pub(super) fn keep(&self, mut sequenced: Sequenced) -> Vec<Verdict> {
        let verdicts = std::mem::take(&mut sequenced.verdicts);
        self.waiting.lock().push_back(sequenced);
        verdicts
    }

    /// Remembers that an answer depends on a row that may be pending.
    pub(super) fn note(&self, revision: Timestamp) {
        let mut seen = self.seen.lock();
        *seen = revision.max(*seen);
    }

    /// Waits until all that was put off is committed and can be read: the applied state is looked at
    /// next.
    pub(super) async fn settle(&self, sequencer: &Sequencer) -> Result<()> {
        self.settle_within(sequencer, &Patience::endless()).await
    }

    /// Waits likewise at the end of a command or statement, whose results are known already: no
    /// longer than its patience lasts. What is not certain then stays in the backlog.
    pub async fn settle_within(&self, sequencer: &Sequencer, patience: &Patience) -> Result<()> {
        while self.settle_oldest(sequencer, patience).await? {}
        if patience.is_over() {
            return Ok(());
        }
        let seen = *self.seen.lock();
        match patience.wait(sequencer.reached(seen)).await {
            Some(false) => Err(superseded()),
            Some(true) | None => Ok(()),
        }
    }

    /// Waits until the oldest batch's verdicts can be told. The statement behind them is over and
    /// cannot be planned again, so the command fails when they are void. False when there is none,
    /// or when it does not come in time.
    async fn settle_oldest(&self, sequencer: &Sequencer, patience: &Patience) -> Result<bool> {
        let oldest = self.waiting.lock().pop_front();
        let Some(mut oldest) = oldest else { return Ok(false) };
        match patience.wait(oldest.is_certain(sequencer)).await {
            Some(is_certain) => is_certain?.then_some(true).ok_or_else(superseded),
            None => {
                self.waiting.lock().push_front(oldest);
                Ok(false)
            }
        }
    }
}
