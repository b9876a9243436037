//! Putting writes in order.
//!
//! Owns the short lock under which every write is checked for the last time, stamped and proposed.
//! Writers evaluate their statements outside of it, against what is applied plus what is pending; the
//! lock then verifies that the rows are still the ones they saw and that unique values are free. So
//! what reaches the log always holds, and applying it needs no decision.
//!
//! | what changed in between | verdict |
//! |---|---|
//! | the row was written by somebody else | [`Verdict::Stale`]: read it again and re-evaluate |
//! | a unique value is taken | [`Verdict::Duplicate`] |
//! | the collection was altered or dropped | [`Refusal::CatalogChanged`]: plan again |
//! | pending writes were lost | [`Refusal::CatalogChanged`]: plan again |
//! | a catalogue change is on its way | [`Refusal::CatalogBusy`]: wait for it, then plan again |
//! | all writes are held | [`Refusal::CatalogBusy`]: wait for their release, then plan again |

mod capped;
mod pending;
mod reaching;
mod recording;
mod unique;

pub use reaching::{Horizon, Sequenced};
pub use recording::{CommitGate, Recording, SessionStanding};
pub use unique::{duplicate, key_error};

use crate::patience::Patience;
use crate::rules::{KnownRules, Rules};
use crate::wait::Signal;
use parking_lot::Mutex;
use pending::Pending;
use quire_bson::DocBuf;
use quire_consensus::{Lost, LostCause, Membership, Replica, Submitted, Ticket};
use quire_documents::{
    Catalog, Collection, CollectionId, Documents, Effect, Effects, IndexId, Names,
};
use quire_errors::{Code, CommandError, Result};
use quire_log::{StateMachine, Timestamp};
use reaching::Place;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use unique::Prepared;

/// The leader's clock, read here so that nothing below reads one.
pub trait Clock: Send + Sync {
    /// Milliseconds since the epoch.
    fn now_millis(&self) -> i64;
}

/// One row as a writer sees it: pending writes included.
#[derive(Clone, Debug)]
pub struct CurrentRow {
    pub revision: Timestamp,
    pub doc: Arc<DocBuf>,
}

/// A write of one row, evaluated but not yet in order.
#[derive(Clone, Debug)]
pub enum Change {
    Insert { doc: Arc<DocBuf>, partial: Vec<IndexId> },
    Replace { row_key: Vec<u8>, seen: CurrentRow, doc: Arc<DocBuf>, partial: Vec<IndexId> },
    Delete { row_key: Vec<u8>, seen: CurrentRow },
}

/// How a batch is carried out.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    /// The first change that does not hold ends the batch.
    pub ordered: bool,
    /// The writer has more before it waits, so it need not be carried out at once.
    pub more_follows: bool,
}

/// What became of one change.
#[derive(Clone, Debug)]
pub enum Verdict {
    Accepted,
    /// The row is not the one the writer saw.
    Stale,
    /// A value that must be unique is taken; the error is the client's.
    Duplicate(CommandError),
    /// The document cannot be indexed; the error is the client's.
    Unindexable(CommandError),
    /// An earlier change of an ordered batch failed.
    Skipped,
}

/// Why a batch could not be looked at.
#[derive(Debug)]
pub enum Refusal {
    /// The plan was made under another catalogue, or over writes that were lost since.
    CatalogChanged,
    /// A change of the catalogue is in the log but not applied, or all writes are held; wait past
    /// this generation.
    CatalogBusy { generation: u64 },
    /// Nothing can be written now.
    Error(CommandError),
}

/// The error for a write whose outcome is not known, or which was refused.
pub fn lost(lost: Lost) -> CommandError {
    match lost.cause {
        LostCause::NotLeader => {
            CommandError::new(Code::PrimarySteppedDown, "Primary stepped down while waiting")
        }
        LostCause::ShuttingDown => {
            CommandError::new(Code::InterruptedAtShutdown, "interrupted at shutdown")
        }
        LostCause::NoSpace => disk_full(),
        LostCause::Overloaded => CommandError::new(
            Code::IngressRequestRateLimitExceeded,
            "too many writes are waiting for the log; try again later",
        )
        .with_label("SystemOverloadedError")
        .with_label("RetryableError"),
        LostCause::Superseded => superseded(),
        LostCause::Stalled => CommandError::new(
            Code::InterruptedDueToReplStateChange,
            "the write is in the log and could not be applied yet; its outcome is not known here",
        ),
        LostCause::Failed => CommandError::new(
            Code::InternalError,
            "the log failed, the outcome of the write is unknown; see the server's log",
        ),
    }
}

fn disk_full() -> CommandError {
    CommandError::new(
        Code::OutOfDiskSpace,
        "the disk is full: writes are refused until space returns, reads go on",
    )
}

pub(crate) fn superseded() -> CommandError {
    CommandError::new(Code::WriteConflict, "an earlier write was lost; plan again")
}

/// The one place through which writes enter the log.
pub struct Sequencer {
    documents: Arc<Documents>,
    replica: Arc<Replica>,
    clock: Arc<dyn Clock>,
    applied: Arc<Signal>,
    disk_full: AtomicBool,
    rules: KnownRules,
    state: Mutex<State>,
}

struct State {
    pending: Pending,
    /// The last stamp given out.
    last: Timestamp,
    /// The last stamp that reached the log.
    proposed: Timestamp,
    /// The stamp of the last catalogue change that was proposed.
    catalog_change: Timestamp,
    epoch: u64,
    /// Everything up to here was applied in this epoch.
    settled: Timestamp,
    /// Stamps that were lost: above the first of a pair, up to the second.
    voided: VecDeque<(Timestamp, Timestamp)>,
    /// How often [`Sequencer::hold_writes`] was asked for and not taken back.
    holds: u32,
}

/// How many losses are remembered; nobody holds on to a stamp for longer.
const VOIDED_MAX: usize = 16;

impl Sequencer {
    pub fn new(
        documents: Arc<Documents>,
        replica: Arc<Replica>,
        clock: Arc<dyn Clock>,
        applied: Arc<Signal>,
    ) -> Sequencer {
        let state = State {
            pending: Pending::default(),
            last: documents.applied().timestamp,
            proposed: documents.applied().timestamp,
            catalog_change: Timestamp::ZERO,
            epoch: replica.epoch(),
            settled: documents.applied().timestamp,
            voided: VecDeque::new(),
            holds: 0,
        };
        let disk_full = AtomicBool::new(false);
        let rules = KnownRules::default();
        let state = Mutex::new(state);
        Sequencer { documents, replica, clock, applied, disk_full, rules, state }
    }

    pub fn documents(&self) -> &Arc<Documents> {
        &self.documents
    }

    pub fn replica(&self) -> &Arc<Replica> {
        &self.replica
    }

    /// Rings after every applied step.
    pub fn applied_signal(&self) -> &Arc<Signal> {
        &self.applied
    }

    /// Refuses writes, or allows them again, as the disk fills and empties.
    pub fn set_disk_full(&self, full: bool) -> bool {
        self.disk_full.swap(full, Ordering::Relaxed)
    }

    /// Lets every later write wait until [`Sequencer::release_writes`] was called as often. Gives how
    /// often that is now.
    pub fn hold_writes(&self) -> u32 {
        let mut state = self.state.lock();
        state.holds = state.holds.saturating_add(1);
        state.holds
    }

    /// Takes one hold back and gives how many are left; `None` when there was none.
    pub fn release_writes(&self) -> Option<u32> {
        let left = {
            let mut state = self.state.lock();
            state.holds = state.holds.checked_sub(1)?;
            state.holds
        };
        if left == 0 {
            self.applied.notify();
        }
        Some(left)
    }

    /// How often writes are held.
    pub fn holds(&self) -> u32 {
        self.state.lock().holds
    }

    /// The collection's partial indexes and validator, parsed.
    pub fn rules(&self, collection: &Collection) -> Result<Arc<Rules>> {
        self.rules.of(collection)
    }

    /// The row as the next writer has to see it; `None` when there is none.
    pub fn current(&self, collection: &Collection, row_key: &[u8]) -> Result<Option<CurrentRow>> {
        {
            let mut state = self.state.lock();
            self.catch_up(&mut state);
            if let Some(row) = state.pending.row(collection.id, row_key) {
                return Ok(row);
            }
        }
        self.applied_row(collection.id, row_key)
    }

    fn applied_row(&self, id: CollectionId, row_key: &[u8]) -> Result<Option<CurrentRow>> {
        let mut found = None;
        self.documents
            .live()
            .get_row(id, row_key, &mut |row| {
                let doc = Arc::new(DocBuf::from(row.doc));
                found = Some(CurrentRow { revision: row.revision, doc });
            })
            .map_err(crate::local_failure)?;
        Ok(found)
    }

    /// Checks a batch for one collection and proposes what holds of it as one entry. `ordered` stops
    /// at the first change that does not hold.
    pub fn sequence(
        &self,
        collection: &Collection,
        changes: Vec<Change>,
        ordered: bool,
    ) -> Result<Sequenced, Refusal> {
        self.sequence_with(collection, changes, Manner { ordered, more_follows: false }, None)
    }

    /// [`Sequencer::sequence`], and tells how the batch is to be carried out and what is recorded of
    /// it for its session.
    pub fn sequence_with(
        &self,
        collection: &Collection,
        changes: Vec<Change>,
        manner: Manner,
        recording: Option<Recording<'_>>,
    ) -> Result<Sequenced, Refusal> {
        let prepared = self.prepare(collection, changes)?;
        let mut state = self.lock_for_writes()?;
        if let Some(recording) = &recording {
            recording.check(&state)?;
        }
        self.check_catalog(&state, collection)?;
        let rests_on = state.horizon();
        let outcome = self.admit_all(&mut state, collection, prepared, manner, recording);
        if outcome.is_err() {
            // Nothing of this batch reached the log, so nobody may plan over it.
            let proposed = state.proposed;
            state.pending.forget_above(proposed);
        }
        let (verdicts, submitted) = outcome?;
        let place = submitted.map_or(Place::Nowhere, Place::Submitted);
        Ok(Sequenced { verdicts, place, rests_on })
    }

    fn prepare(
        &self,
        collection: &Collection,
        changes: Vec<Change>,
    ) -> Result<Vec<Prepared>, Refusal> {
        let rules = self.rules(collection).map_err(Refusal::Error)?;
        unique::prepare(collection, &rules, changes).map_err(Refusal::Error)
    }

    fn admit_all(
        &self,
        state: &mut State,
        collection: &Collection,
        prepared: Vec<Prepared>,
        manner: Manner,
        recording: Option<Recording<'_>>,
    ) -> Result<(Vec<Verdict>, Option<Submitted>), Refusal> {
        let mut verdicts = Vec::with_capacity(prepared.len());
        let mut effects = Vec::with_capacity(prepared.len());
        let mut accepted = Vec::new();
        let mut failed = false;
        for (position, change) in prepared.into_iter().enumerate() {
            if failed && manner.ordered {
                verdicts.push(Verdict::Skipped);
                continue;
            }
            let verdict = self.admit(state, collection, change, &mut effects)?;
            match verdict {
                Verdict::Accepted if recording.is_some() => accepted.push(position),
                Verdict::Accepted => {}
                _ => failed = true,
            }
            verdicts.push(verdict);
        }
        if effects.is_empty() {
            return Ok((verdicts, None));
        }
        self.evict(state, collection, &mut effects)?;
        if let Some(recording) = recording {
            recording.gate.map_or(Ok(()), CommitGate::pass).map_err(Refusal::Error)?;
            effects.push(recording.effect(&accepted, state));
        }
        let submitted = self.propose(state, effects, manner.more_follows)?;
        Ok((verdicts, Some(submitted)))
    }

    /// Changes the catalogue, or whatever else is decided from it: `plan` sees the newest catalogue
    /// and gives the effects. Returns once they are applied.
    pub async fn change_catalog<T>(
        &self,
        plan: impl FnMut(&Catalog) -> Result<(Vec<Effect>, T)>,
    ) -> Result<T> {
        self.change_catalog_within(&Patience::endless(), plan).await
    }

    /// [`Sequencer::change_catalog`] for a command whose answer is known before the change is
    /// applied: returns without that when its patience is over. Fails when that is over before
    /// anything could be planned, since an earlier change is on its way.
    pub async fn change_catalog_within<T>(
        &self,
        patience: &Patience,
        mut plan: impl FnMut(&Catalog) -> Result<(Vec<Effect>, T)>,
    ) -> Result<T> {
        loop {
            match self.propose_catalog_change(&mut plan) {
                Ok((None, value)) => return Ok(value),
                Ok((Some(submitted), value)) => {
                    patience.wait(submitted.commit()).await.transpose().map_err(lost)?;
                    return Ok(value);
                }
                Err(Refusal::CatalogBusy { generation }) => {
                    patience.wait_first(self.applied.changed_since(generation)).await?;
                }
                Err(Refusal::CatalogChanged) => {}
                Err(Refusal::Error(error)) => return Err(error),
            }
        }
    }

    fn propose_catalog_change<T>(
        &self,
        plan: &mut impl FnMut(&Catalog) -> Result<(Vec<Effect>, T)>,
    ) -> Result<(Option<Submitted>, T), Refusal> {
        let mut state = self.lock_for_writes()?;
        self.check_not_busy(&state)?;
        let (effects, value) = plan(&self.documents.catalog()).map_err(Refusal::Error)?;
        if effects.is_empty() {
            return Ok((None, value));
        }
        let changes_catalog = effects.iter().any(Effect::changes_catalog);
        self.stamp_each(&mut state, &effects);
        let submitted = self.propose(&mut state, effects, false)?;
        if changes_catalog {
            state.catalog_change = state.last;
        }
        Ok((Some(submitted), value))
    }

    /// Lets every later stamp be greater than this one, which a client has seen elsewhere.
    pub fn stamp_after(&self, seen: Timestamp) {
        let mut state = self.state.lock();
        state.last = state.last.max(seen);
    }

    /// Proposes the next membership of the set, stamped in order with all other writes.
    pub fn propose_membership(&self, next: &Membership) -> Result<Ticket> {
        let mut state = self.state.lock();
        self.catch_up(&mut state);
        let stamp = self.stamp(&mut state);
        let ticket = self.replica.propose_membership(state.epoch, stamp, next);
        let ticket = ticket.map_err(|refused| Refusal::from_lost(refused).into_error())?;
        state.proposed = state.last;
        Ok(ticket)
    }

    /// Proposes effects that need no check, such as a chunk of an index build.
    pub async fn append(&self, effects: Vec<Effect>) -> Result<()> {
        let submitted = loop {
            match self.propose_unchecked(&effects) {
                Ok(submitted) => break submitted,
                Err(Refusal::CatalogBusy { generation }) => {
                    self.applied.changed_since(generation).await;
                }
                Err(refusal) => return Err(refusal.into_error()),
            }
        };
        submitted.commit().await.map_err(lost)?;
        Ok(())
    }

    fn propose_unchecked(&self, effects: &[Effect]) -> Result<Submitted, Refusal> {
        let mut state = self.lock_for_writes()?;
        self.stamp_each(&mut state, effects);
        self.propose(&mut state, effects.to_vec(), false)
    }

    fn lock_for_writes(&self) -> Result<parking_lot::MutexGuard<'_, State>, Refusal> {
        if self.disk_full.load(Ordering::Relaxed) {
            return Err(Refusal::Error(disk_full()));
        }
        let mut state = self.state.lock();
        if state.holds > 0 {
            // Under the lock that a release needs, so it cannot ring before this is waited for.
            return Err(Refusal::CatalogBusy { generation: self.applied.generation() });
        }
        self.catch_up(&mut state);
        Ok(state)
    }

    /// Forgets pending writes that have been applied, and all of them when the log lost some.
    fn catch_up(&self, state: &mut State) {
        let epoch = self.replica.epoch();
        if epoch != state.epoch {
            state.epoch = epoch;
            state.catalog_change = Timestamp::ZERO;
            state.pending = Pending::default();
            // Some of it may still be applied; who rests on it has to look again in any case.
            state.voided.push_back((state.settled, state.last));
            state.proposed = self.documents.applied().timestamp;
            // Another leader's clock may have been ahead of ours.
            state.last = state.last.max(state.proposed);
            if state.voided.len() > VOIDED_MAX {
                state.voided.pop_front();
            }
        }
        state.settled = self.documents.applied().timestamp;
        state.pending.forget_through(state.settled);
    }

    fn check_not_busy(&self, state: &State) -> Result<(), Refusal> {
        // The generation is read first: what happens in between then ends the wait at once.
        let generation = self.applied.generation();
        if self.documents.applied().timestamp >= state.catalog_change {
            return Ok(());
        }
        if self.replica.epoch() != state.epoch {
            // It was lost just now, and nothing else will ring the bell for it.
            return Err(Refusal::CatalogChanged);
        }
        Err(Refusal::CatalogBusy { generation })
    }

    fn check_catalog(&self, state: &State, planned: &Collection) -> Result<(), Refusal> {
        self.check_not_busy(state)?;
        match self.documents.catalog().collection(planned.id) {
            Some(now) if now.version == planned.version => Ok(()),
            _ => Err(Refusal::CatalogChanged),
        }
    }

    fn admit(
        &self,
        state: &mut State,
        collection: &Collection,
        change: Prepared,
        effects: &mut Vec<Effect>,
    ) -> Result<Verdict, Refusal> {
        if let Some(error) = change.unindexable {
            return Ok(Verdict::Unindexable(error));
        }
        let row_key = change.row_key.as_deref();
        if let Some((row_key, seen)) = row_key.zip(change.seen.as_ref())
            && self.revision(state, collection.id, row_key)? != Some(seen.revision)
        {
            return Ok(Verdict::Stale);
        }
        let taken = self.taken(state, collection, &change).map_err(Refusal::Error)?;
        if let Some(error) = taken {
            return Ok(Verdict::Duplicate(error));
        }
        let revision = self.stamp(state);
        effects.push(change.into_effect(collection, revision, &mut state.pending));
        Ok(Verdict::Accepted)
    }

    fn revision(
        &self,
        state: &State,
        collection: CollectionId,
        row_key: &[u8],
    ) -> Result<Option<Timestamp>, Refusal> {
        if let Some(row) = state.pending.row(collection, row_key) {
            return Ok(row.map(|current| current.revision));
        }
        let mut revision = None;
        self.documents
            .live()
            .get_row(collection, row_key, &mut |row| revision = Some(row.revision))
            .map_err(|e| Refusal::Error(crate::local_failure(e)))?;
        Ok(revision)
    }

    /// The next stamp: the clock's second while it moves forward, never twice the same.
    fn stamp(&self, state: &mut State) -> Timestamp {
        // A clock before 1970 must not be taken for one behind 2106.
        let seconds = u32::try_from(self.clock.now_millis().max(0) / 1000).unwrap_or(u32::MAX);
        state.last = state.last.next().max(Timestamp::new(seconds, 1));
        state.last
    }

    /// As many stamps in a row as there are effects, for those that carry none themselves: the
    /// oplog's readers tell them apart by these. The last is the entry's.
    fn stamp_each(&self, state: &mut State, effects: &[Effect]) {
        self.stamp(state);
        let more = (effects.len() as u64).saturating_sub(1);
        state.last = Timestamp(state.last.0.saturating_add(more));
    }

    fn propose(
        &self,
        state: &mut State,
        effects: Vec<Effect>,
        more_follows: bool,
    ) -> Result<Submitted, Refusal> {
        let wall_millis = self.clock.now_millis();
        let names = Names::of(&effects, &self.documents.catalog());
        let payload = Effects { wall_millis, names, effects }.encode();
        let (epoch, stamp) = (state.epoch, state.last);
        let submitted = if more_follows {
            self.replica.enqueue(epoch, stamp, payload)
        } else {
            self.replica.propose(epoch, stamp, payload)
        };
        let submitted = submitted.map_err(Refusal::from_lost)?;
        state.proposed = state.last;
        Ok(submitted)
    }
}

impl Refusal {
    /// Of a proposal that was refused.
    fn from_lost(refused: Lost) -> Refusal {
        match refused.cause {
            LostCause::Superseded => Refusal::CatalogChanged,
            // Refused and not lost: nothing was written.
            LostCause::NotLeader => {
                Refusal::Error(CommandError::new(Code::NotWritablePrimary, "not primary"))
            }
            _ => Refusal::Error(lost(refused)),
        }
    }

    fn into_error(self) -> CommandError {
        match self {
            Refusal::Error(error) => error,
            Refusal::CatalogChanged | Refusal::CatalogBusy { .. } => {
                CommandError::new(Code::WriteConflict, "the collection was changed meanwhile")
            }
        }
    }
}
