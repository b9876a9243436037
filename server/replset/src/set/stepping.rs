//! Handing leadership over and taking it, because somebody said so.
//!
//! Owns the order of a step-down: no new writes, what runs comes to its end, somebody with all of it
//! is told to take over. Client connections and open cursors stay.

use super::ReplicaSet;
use super::waiting::not_primary;
use crate::election::{self, Follower};
use crate::{MemberId, MemberState, RaftId};
use quire_bson::DateTime;
use quire_consensus::Role;
use quire_errors::{Code, CommandError, Result};
use std::time::{Duration, Instant};

/// How long a successor may take to be elected before another one is tried.
const HANDOVER_PATIENCE: Duration = Duration::from_millis(800);

/// How long an ordered election may take.
const STEP_UP_PATIENCE: Duration = Duration::from_secs(5);

/// How an operator wants a primary to step down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepDown {
    /// For so long it does not stand for election.
    pub seconds: u32,
    /// So long a successor may take to catch up.
    pub catch_up_seconds: u32,
    /// Step down even if nobody has caught up.
    pub force: bool,
}

impl ReplicaSet {
    pub async fn step_down(&self, order: StepDown) -> Result<()> {
        self.begin_step_down()?;
        let mut ending = EndOfStepDown { set: self, frozen_until: None };
        let until = Instant::now() + Duration::from_secs(u64::from(order.seconds));
        let outcome = self.hand_over(order).await;
        if outcome.is_ok() {
            ending.frozen_until = Some(until);
        }
        outcome
    }

    fn begin_step_down(&self) -> Result<()> {
        let (before, now) = {
            let mut inner = self.inner.lock();
            let before = inner.standing(self.founding.node);
            if before.state != MemberState::Primary || !before.is_writable {
                return Err(not_primary().with_message("not primary so can't step down"));
            }
            inner.stepping_down = true;
            (before, inner.standing(self.founding.node))
        };
        self.parts()?.replica.refuse_proposals(true);
        self.announce(&before, &now);
        Ok(())
    }

    /// The standing as it would be shown now, and as it was shown before.
    fn twice_standing(&self, resumed: bool) -> (super::Standing, super::Standing) {
        let now = self.standing();
        let mut before = now.clone();
        if resumed {
            before.is_writable = false;
        }
        (before, now)
    }

    async fn hand_over(&self, order: StepDown) -> Result<()> {
        let patience = Duration::from_secs(u64::from(order.catch_up_seconds));
        let deadline = Instant::now() + patience;
        let parts = self.parts()?;
        let mut told = None;
        loop {
            let seen = self.progressed.generation();
            // Not what the core has decided, but what clients are told already: whoever asks after
            // the answer must not find a primary here.
            if self.inner.lock().view.role != Role::Leader {
                return Ok(());
            }
            let successor = self.successor();
            let is_late = Instant::now() >= deadline;
            let is_waiting =
                |told: Option<Instant>| told.is_some_and(|at| at.elapsed() < HANDOVER_PATIENCE);
            // However little was granted for catching up, whoever has caught up is told once.
            if let Some(node) = successor
                && !is_waiting(told)
                && (!is_late || told.is_none())
            {
                parts.replica.transfer(node);
                told = Some(Instant::now());
            }
            if is_late && !is_waiting(told) {
                if !order.force {
                    return Err(nobody_caught_up(self.outside.now_millis()));
                }
                parts.replica.resign();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            let pause = left.clamp(Duration::from_millis(1), Duration::from_millis(20));
            self.changed_or(seen, pause).await;
        }
    }

    /// The node to hand over to, if anybody has everything.
    pub(super) fn successor(&self) -> Option<RaftId> {
        let detail = self.detail()?;
        let own = detail.member_of(self.founding.node)?.id;
        let (last, _) = self.log_position();
        let followers = self.followers();
        let next = election::successor(&detail.config, own, &followers, last.0)?;
        detail.node_of(next)
    }

    /// The other members as a primary knows them.
    pub(super) fn followers(&self) -> Vec<Follower> {
        let inner = self.inner.lock();
        let Some(detail) = inner.detail.clone() else { return Vec::new() };
        let follower = |(member, node): (&MemberId, &RaftId)| {
            let peer = inner.view.peers.iter().find(|peer| peer.node == *node)?;
            let heard = inner.heard.get(node);
            let is_ready = peer.active
                && heard.is_none_or(|heard| {
                    let gossip = &heard.gossip;
                    gossip.state == MemberState::Secondary && !gossip.frozen
                });
            Some(Follower {
                member: *member,
                is_ready,
                votes: inner.view.membership.is_voter(*node),
                matched: peer.durable.0,
                applied: peer.applied.0,
            })
        };
        detail.nodes.iter().filter_map(follower).collect()
    }

    /// Stands for election at once, if this member could win.
    pub async fn step_up(&self) -> Result<()> {
        let standing = self.standing();
        if standing.state == MemberState::Primary {
            return Ok(());
        }
        if self.detail().is_none() {
            return Err(crate::status::not_initialized());
        }
        let electable = standing.own_member().is_some_and(crate::MemberConfig::is_electable);
        let is_kept = self.is_kept_from_standing(&self.inner.lock());
        if standing.state != MemberState::Secondary || !electable || is_kept {
            return Err(failed("Election failed. The member may not stand for election now."));
        }
        self.parts()?.replica.campaign();
        let is_primary = || self.standing().state == MemberState::Primary;
        match self.wait_until(STEP_UP_PATIENCE, Duration::from_millis(20), is_primary).await {
            true => Ok(()),
            false => Err(failed("Election failed.")),
        }
    }

    /// Keeps this member from standing for election for so long; zero ends it. True when it ends one.
    pub fn freeze(&self, seconds: u32) -> Result<bool> {
        let standing = self.standing();
        if standing.detail.is_none() {
            return Err(crate::status::not_initialized());
        }
        if standing.state == MemberState::Primary {
            return Err(CommandError::new(
                Code::NotSecondary,
                "cannot freeze node when primary or running for election. state: Primary",
            ));
        }
        let until = Instant::now() + Duration::from_secs(u64::from(seconds));
        self.inner.lock().frozen_until = (seconds > 0).then_some(until);
        self.refresh_candidacy();
        let is_alone = standing.detail.is_some_and(|detail| detail.config.members.len() == 1);
        if seconds == 0 && is_alone {
            self.parts()?.replica.campaign();
        }
        Ok(seconds == 0)
    }

    /// Takes this member out of service, as often as it is asked to, and back.
    pub fn set_maintenance(&self, on: bool) -> Result<()> {
        let (before, now) = {
            let mut inner = self.inner.lock();
            let before = inner.standing(self.founding.node);
            if before.detail.is_none() {
                return Err(crate::status::not_initialized());
            }
            if before.state == MemberState::Primary {
                return Err(CommandError::new(
                    Code::NotSecondary,
                    "primaries can't modify maintenance mode",
                ));
            }
            if on {
                inner.maintenance = inner.maintenance.saturating_add(1);
            } else {
                inner.maintenance = inner.maintenance.checked_sub(1).ok_or_else(|| {
                    CommandError::new(Code::OperationFailed, "already out of maintenance mode")
                })?;
            }
            (before, inner.standing(self.founding.node))
        };
        self.refresh_candidacy();
        self.announce(&before, &now);
        Ok(())
    }

    /// Hands over before this process ends, if it leads and somebody else can.
    pub async fn leave(&self, patience: Duration) {
        if self.begin_step_down().is_err() {
            return;
        }
        let seconds = u32::try_from(patience.as_secs()).unwrap_or(u32::MAX).max(1);
        let alone = self.followers().is_empty();
        let catch_up_seconds = if alone { 0 } else { seconds };
        let _ = self.hand_over(StepDown { seconds, catch_up_seconds, force: true }).await;
    }
}

/// Ends a step-down, also one that is cut off because whoever ordered it has gone: a primary that
/// took no writes for ever would be worse than none.
struct EndOfStepDown<'a> {
    set: &'a ReplicaSet,
    /// Until when it does not stand, if it has stepped down.
    frozen_until: Option<Instant>,
}

impl Drop for EndOfStepDown<'_> {
    fn drop(&mut self) {
        let set = self.set;
        let has_failed = self.frozen_until.is_none();
        {
            let mut inner = set.inner.lock();
            inner.stepping_down = false;
            if !has_failed {
                inner.frozen_until = self.frozen_until;
            }
        }
        if let Ok(parts) = set.parts() {
            parts.replica.refuse_proposals(false);
        }
        set.refresh_candidacy();
        let (before, now) = set.twice_standing(has_failed);
        set.announce(&before, &now);
    }
}

fn nobody_caught_up(now_millis: i64) -> CommandError {
    let now = DateTime::from_millis(now_millis).try_to_rfc3339_string().unwrap_or_default();
    CommandError::new(
        Code::ExceededTimeLimit,
        format!(
            "No electable secondaries caught up as of {now}. Please use the replSetStepDown \
             command with the argument {{force: true}} to force node to step down."
        ),
    )
}

fn failed(message: &str) -> CommandError {
    CommandError::new(Code::CommandFailed, message)
}
