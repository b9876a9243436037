//! What a member does unasked, a little with every beat.
//!
//! Owns the periodic decisions: telling others how it is, giving votes to those who caught up,
//! finding members that came back on another disk, handing over to a better member, and the entry
//! without effect by which an idle set shows that it lives.

use super::ReplicaSet;
use crate::election;
use crate::{Detail, HostPort, MemberId, MemberState, RaftId};
use quire_bson::doc;
use quire_consensus::Role;
use quire_errors::Result;
use std::time::{Duration, Instant};

/// How often [`ReplicaSet::beat`] is to be called.
pub const BEAT_EVERY: Duration = Duration::from_millis(50);

/// An idle primary writes so often.
const NOTE_EVERY: Duration = Duration::from_secs(10);

/// How often the addresses of members that are away are asked who answers there.
const PROBE_EVERY: Duration = Duration::from_millis(1_000);

/// A member has caught up when it lacks no more entries than this.
const LAG_MAX: u64 = 1_000;

impl ReplicaSet {
    /// One round of everything.
    pub async fn beat(&self) {
        self.spread_gossip();
        self.count_elections();
        self.refresh_candidacy();
        let Some(detail) = self.detail() else { return };
        let Some(parts) = self.parts.get() else { return };
        let view = parts.replica.view();
        if view.role != Role::Leader || !view.writable || view.halted {
            return;
        }
        let outcome = self.lead(&detail, view.stalled).await;
        if let Err(error) = outcome {
            tracing::debug!(target: "REPL", id = 7_200_041, error = %error, "A beat was cut short");
        }
    }

    async fn lead(&self, detail: &Detail, stalled: bool) -> Result<()> {
        let standing = self.standing();
        if stalled || standing.state != MemberState::Primary {
            // It cannot serve, or was not meant to: somebody else should.
            if let Some(node) = self.successor() {
                self.parts()?.replica.transfer(node);
            } else if stalled {
                self.parts()?.replica.resign();
            }
            return Ok(());
        }
        if self.inner.lock().stepping_down {
            return Ok(());
        }
        self.tend_membership(detail).await?;
        self.take_over_by_priority(detail).await;
        self.note_idleness().await
    }

    /// Members of higher priority wait until those of lower priority had their chance to see that
    /// nobody of them can win.
    fn count_elections(&self) {
        let mut inner = self.inner.lock();
        let Some(detail) = inner.detail.clone() else { return };
        let timeout = detail.config.settings.election_timeout_millis.max(1);
        let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(1_000));
        let waited = inner.leaderless_since.map_or(Duration::ZERO, |since| since.elapsed());
        // Each round takes one to two timeouts.
        let rounds = waited.as_millis() / (timeout.as_millis().max(1) * 2);
        inner.failed_elections = u32::try_from(rounds).unwrap_or(u32::MAX);
    }

    async fn tend_membership(&self, detail: &Detail) -> Result<()> {
        if self.inner.lock().configuring {
            return Ok(());
        }
        let membership = self.parts()?.replica.view().membership;
        if membership.is_joint() {
            let ticket = self.parts()?.sequencer.propose_membership(&membership.settled())?;
            ticket.await.map_err(quire_execution::lost)?;
            return Ok(());
        }
        let applied = self.parts()?.replica.applied().index;
        let peers = self.inner.lock().view.peers.clone();
        let has_caught_up = |node: RaftId| {
            let peer = peers.iter().find(|peer| peer.node == node);
            peer.is_some_and(|peer| {
                // Whoever has taken nothing from this leader may still follow another history.
                peer.active
                    && !peer.needs_copy
                    && peer.durable.0 > 0
                    && peer.applied.0.saturating_add(LAG_MAX) >= applied.0
            })
        };
        if let Some((next, sets)) = detail.promotion(&membership.voters, has_caught_up) {
            tracing::info!(
                target: "REPL",
                id = 7_200_042,
                voters = sets.voters.len(),
                "Members have caught up and get their votes"
            );
            return self.configure(&next, sets).await;
        }
        self.look_for_strangers(detail).await
    }

    async fn configure(&self, next: &Detail, sets: crate::RaftSets) -> Result<()> {
        let _turn = self.begin_configuring(false)?;
        self.install(next, sets).await
    }

    /// Finds members that were never reached, and those that came back as another node.
    async fn look_for_strangers(&self, detail: &Detail) -> Result<()> {
        let away = {
            let mut inner = self.inner.lock();
            if inner.last_probe.is_some_and(|at| at.elapsed() < PROBE_EVERY) {
                return Ok(());
            }
            inner.last_probe = Some(Instant::now());
            let is_away = |id: &MemberId| {
                let node = detail.node_of(*id);
                node.is_none_or(|node| {
                    node != self.founding.node
                        && !inner.view.peers.iter().any(|peer| peer.node == node && peer.active)
                })
            };
            let members = detail.config.members.iter();
            let away = members.filter(|member| is_away(&member.id));
            away.map(|member| (member.id, member.host.clone())).collect::<Vec<_>>()
        };
        if away.is_empty() {
            return Ok(());
        }
        let hosts: Vec<HostPort> = away.iter().map(|(_, host)| host.clone()).collect();
        let found = self.look_up(hosts).await;
        for (member, host) in away {
            let Some(identity) = found.at(&host) else { continue };
            let is_ours = identity.set_name == self.founding.name
                && identity.process != self.founding.process
                && (identity.configuration.is_none() || identity.is_empty);
            if !is_ours || detail.node_of(member) == Some(identity.node) {
                continue;
            }
            if let Ok(Some((next, sets))) = detail.bound(member, identity.node, &self.voters()) {
                tracing::warn!(
                    target: "REPL",
                    id = 7_200_043,
                    host = host.to_string(),
                    "Another disk answers at a member's address: it is taken in as a new one"
                );
                return self.configure(&next, sets).await;
            }
        }
        Ok(())
    }

    /// A member of higher priority that is ready for long enough gets the lead.
    async fn take_over_by_priority(&self, detail: &Detail) {
        let Some(own) = detail.member_of(self.founding.node) else { return };
        let Some(parts) = self.parts.get() else { return };
        let last = parts.replica.applied().index;
        let better = self.followers().into_iter().filter_map(|follower| {
            let member = detail.config.member(follower.member)?;
            let delay = election::takeover_delay_millis(&detail.config, member, own)?;
            let is_fit = follower.is_ready
                && follower.votes
                && follower.matched.saturating_add(LAG_MAX) >= last.0;
            is_fit.then_some((delay, follower.member))
        });
        let Some((delay, member)) = better.min() else {
            self.inner.lock().takeover_since = None;
            return;
        };
        let since = *self.inner.lock().takeover_since.get_or_insert_with(Instant::now);
        if since.elapsed() < Duration::from_millis(delay) {
            return;
        }
        self.inner.lock().takeover_since = None;
        tracing::info!(
            target: "REPL",
            id = 7_200_044,
            member,
            "Handing over to a member of higher priority"
        );
        let order = super::StepDown { seconds: 1, catch_up_seconds: 2, force: false };
        let _ = self.step_down(order).await;
    }

    async fn note_idleness(&self) -> Result<()> {
        let applied = self.applied_time();
        let is_due = {
            let mut inner = self.inner.lock();
            let now_seconds = u64::try_from(self.outside.now_millis() / 1000).unwrap_or(0);
            let idle = now_seconds.saturating_sub(applied >> 32) >= NOTE_EVERY.as_secs();
            let waited = inner.last_write_at.is_none_or(|at| at.elapsed() >= NOTE_EVERY);
            if idle && waited {
                inner.last_write_at = Some(Instant::now());
            }
            idle && waited
        };
        if is_due {
            self.write_note(doc! { "msg": "periodic noop" }).await?;
        }
        Ok(())
    }
}
