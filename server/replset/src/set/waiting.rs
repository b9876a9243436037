//! Waiting for other members, for a majority's word, and for a time.

use super::{ReplicaSet, Standing};
use crate::write_concern::{Progress, WriteConcern, timed_out};
use crate::{Detail, MemberState};
use quire_bson::{Timestamp, doc};
use quire_consensus::{LostCause, Role};
use quire_errors::{Code, CommandError, Result};
use quire_log::LogIndex;
use std::time::{Duration, Instant};

/// How long to wait before looking again, should a signal be missed.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How long a primary may be out of sight before whoever waits for it gives up. Elections take less,
/// so then there is no majority.
const OUT_OF_SIGHT_MAX: Duration = Duration::from_secs(10);

impl ReplicaSet {
    /// Waits until what is applied here now has reached all that the concern asks for, but no longer
    /// than `limit`. The error is the one that stands beside a write which itself succeeded.
    pub async fn await_replication(
        &self,
        concern: &WriteConcern,
        limit: Option<Duration>,
    ) -> Result<()> {
        if concern.is_met_by_commit() {
            return Ok(());
        }
        let index = self.parts()?.replica.applied().index;
        let term = self.standing().term;
        let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
        loop {
            let seen = self.progressed.generation();
            let Some(detail) = self.detail() else { return Err(crate::status::not_initialized()) };
            if concern.is_satisfied(&detail.config, &self.progress(&detail), index.0) {
                return Ok(());
            }
            concern.check_satisfiable(&detail.config)?;
            let standing = self.standing();
            if standing.state != MemberState::Primary || standing.term != term {
                return Err(CommandError::new(
                    Code::PrimarySteppedDown,
                    "Primary stepped down while waiting for replication",
                ));
            }
            let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Err(timed_out());
            }
            self.changed_or(seen, left.unwrap_or(LOOK_AGAIN).min(LOOK_AGAIN)).await;
        }
    }

    /// How far every member is, as a primary knows it.
    pub(super) fn progress(&self, detail: &Detail) -> Vec<Progress> {
        let Some(parts) = self.parts.get() else { return Vec::new() };
        let applied = parts.replica.applied().index.0;
        let peers = self.inner.lock().view.peers.clone();
        let of = |(member, node): (&i32, &u64)| {
            if *node == self.founding.node {
                return Progress { member: *member, durable: applied, applied };
            }
            let peer = peers.iter().find(|peer| peer.node == *node);
            let (durable, applied) = peer.map_or((0, 0), |peer| (peer.durable.0, peer.applied.0));
            Progress { member: *member, durable, applied }
        };
        detail.nodes.iter().map(of).collect()
    }

    /// Makes sure that this member still leads and sees everything that was ever acknowledged.
    pub async fn read_barrier(&self) -> Result<()> {
        let parts = self.parts()?;
        let ticket = parts.replica.read_barrier().map_err(|_| not_primary())?;
        match ticket.await {
            Ok(_) => Ok(()),
            Err(lost) if lost.cause == LostCause::NotLeader => Err(not_primary()),
            Err(lost) => Err(quire_execution::lost(lost)),
        }
    }

    /// Waits until the primary of a standing is primary no more, as far as this member can tell.
    pub async fn await_deposition(&self, of: &Standing) {
        let mut last_seen = Instant::now();
        loop {
            let seen = self.progressed.generation();
            let now = self.standing();
            match now.primary_host() {
                // Elected anew, it has ended what it did before.
                Some(host) if now.term != of.term || of.primary_host() != Some(host) => return,
                Some(_) => last_seen = Instant::now(),
                None if last_seen.elapsed() >= OUT_OF_SIGHT_MAX => return,
                None => {}
            }
            self.changed_or(seen, LOOK_AGAIN).await;
        }
    }

    /// Waits until everything up to a time is applied here. `name` is what the client calls it.
    pub async fn await_time(&self, name: &str, after: Timestamp) -> Result<()> {
        let wanted = super::time::number_of(after);
        if wanted > self.seen().max(self.applied_time()) {
            return Err(CommandError::new(
                Code::InvalidOptions,
                format!(
                    "readConcern {name} value must not be greater than the current clusterTime. \
                     Requested clusterTime: {{ ts: Timestamp({}, {}) }}; current clusterTime: {{ \
                     ts: Timestamp({}, {}) }}",
                    after.time,
                    after.increment,
                    self.cluster_time().time,
                    self.cluster_time().increment
                ),
            ));
        }
        loop {
            let parts = self.parts()?;
            let applied = parts.sequencer.applied_signal();
            let seen = applied.generation();
            if self.applied_time() >= wanted {
                return Ok(());
            }
            if self.inner.lock().view.role == Role::Leader {
                // Nobody else will write an entry of that time.
                self.write_note(doc! { "msg": "periodic noop" }).await?;
                continue;
            }
            let changed = applied.changed_since(seen);
            let _ = quire_execution::wait::race(changed, self.outside.sleep(LOOK_AGAIN)).await;
        }
    }

    /// Writes an entry without effect.
    pub async fn write_note(&self, note: quire_bson::Document) -> Result<()> {
        let parts = self.parts()?;
        // A stamp must not be older than what clients have seen.
        parts.sequencer.stamp_after(quire_log::Timestamp(self.seen()));
        let note = quire_bson::DocBuf::from(&note);
        parts.sequencer.append(vec![quire_documents::Effect::Noop { note }]).await
    }

    /// Waits until something holds that changes with what the replica or the others tell; looks again
    /// after each `pause` in any case. False when it does not hold after so long.
    pub(super) async fn wait_until(
        &self,
        patience: Duration,
        pause: Duration,
        holds: impl Fn() -> bool + Send,
    ) -> bool {
        let begun = Instant::now();
        loop {
            let seen = self.progressed.generation();
            if holds() {
                return true;
            }
            if begun.elapsed() > patience {
                return false;
            }
            self.changed_or(seen, pause).await;
        }
    }

    /// How far the log is here: its end, and what is committed of it.
    pub(super) fn log_position(&self) -> (LogIndex, LogIndex) {
        let zero = (LogIndex::ZERO, LogIndex::ZERO);
        self.parts.get().map_or(zero, |parts| parts.replica.log_position())
    }
}

pub(super) fn not_primary() -> CommandError {
    CommandError::new(Code::NotWritablePrimary, "not primary")
}
