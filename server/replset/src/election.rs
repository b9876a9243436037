//! Who stands for election, how soon, and to whom a primary hands over.
//!
//! The log's core elects any voter that has everything committed; priorities, freezes and members
//! that clients must not write to are unknown to it. Owns those rules. They only ever delay or prefer
//! somebody: safety never depends on them.

use crate::config::{MemberConfig, MemberId, ReplicaSetConfig};
use crate::optime::OpTime;
use crate::state::MemberState;
use std::cmp::Ordering;
use std::fmt;
use thiserror::Error;

/// For each electable member of higher priority a member waits a quarter of the timeout longer: more
/// than the jitter of the timeouts, which is 15 %, so that the best of those who live is first.
const RANK_STEP_PERCENT: u64 = 25;

/// How far behind the primary a member may be that wants to take over.
const TAKEOVER_LAG_MAX_SECS: u32 = 2;

/// After so many elections without a winner a member stands that is not meant to lead: it may be the
/// only one with the newest entries.
pub const FAILED_ELECTIONS_BEFORE_SILENT: u32 = 2;

/// Why there was an election, as `electionCandidateMetrics` spells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    ElectionTimeout,
    PriorityTakeover,
    StepUpRequest,
    /// The primary asked for it when it stepped down.
    StepUpRequestSkipDryRun,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::ElectionTimeout => "electionTimeout",
            Reason::PriorityTakeover => "priorityTakeover",
            Reason::StepUpRequest => "stepUpRequest",
            Reason::StepUpRequestSkipDryRun => "stepUpRequestSkipDryRun",
        })
    }
}

/// What a member knows of itself when its timeout ends.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub own: &'a MemberConfig,
    pub state: MemberState,
    /// By `replSetFreeze`, or after stepping down.
    pub is_frozen: bool,
    /// By `replSetMaintenance`.
    pub in_maintenance: bool,
    /// How many elections have passed without a winner since there was a primary.
    pub failed_elections: u32,
}

/// In which role a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// To be primary.
    Openly,
    /// To bring the others up to date and hand over to one of them: clients see no primary.
    Silently,
}

/// Why a member does not stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Abstention {
    #[error("member is not currently a secondary (it is {0})")]
    NotSecondary(MemberState),
    #[error("member has no vote")]
    NoVote,
    #[error("member is an arbiter")]
    Arbiter,
    #[error("member has zero priority")]
    NoPriority,
    #[error("I stepped down recently or was frozen")]
    Frozen,
    #[error("member is in maintenance mode")]
    Maintenance,
}

impl Standing<'_> {
    /// Whether it stands now, and as what.
    pub fn decide(&self) -> Result<Stand, Abstention> {
        if !self.own.is_voter() {
            return Err(Abstention::NoVote);
        }
        if !matches!(self.state, MemberState::Secondary | MemberState::Arbiter) {
            let state = self.state;
            let in_maintenance = self.in_maintenance && state == MemberState::Recovering;
            return Err(if in_maintenance {
                Abstention::Maintenance
            } else {
                Abstention::NotSecondary(state)
            });
        }
        if self.is_frozen {
            return Err(Abstention::Frozen);
        }
        if self.in_maintenance {
            return Err(Abstention::Maintenance);
        }
        let unfit = if self.own.arbiter_only {
            Abstention::Arbiter
        } else if self.own.effective_priority() == 0.0 {
            Abstention::NoPriority
        } else {
            return Ok(Stand::Openly);
        };
        if self.failed_elections >= FAILED_ELECTIONS_BEFORE_SILENT {
            Ok(Stand::Silently)
        } else {
            Err(unfit)
        }
    }
}

/// How many electable members that are up come before this one.
pub fn rank(
    config: &ReplicaSetConfig,
    own: &MemberConfig,
    is_up: impl Fn(MemberId) -> bool,
) -> u32 {
    let priority = if own.is_electable() { own.effective_priority() } else { 0.0 };
    let better = config.members.iter().filter(|member| {
        member.id != own.id
            && member.is_electable()
            && member.effective_priority() > priority
            && is_up(member.id)
    });
    u32::try_from(better.count()).unwrap_or(u32::MAX)
}

/// How long a member of this rank waits for a silent primary, before jitter.
pub fn timeout_millis(config: &ReplicaSetConfig, rank: u32) -> u64 {
    let base = u64::try_from(config.settings.election_timeout_millis).unwrap_or(1);
    let percent = u64::from(rank).saturating_mul(RANK_STEP_PERCENT).saturating_add(100);
    base.saturating_mul(percent) / 100
}

/// How long a member waits before it takes over from a primary of lower priority; `None` where it
/// has no reason to. The best waits shortest, and every one longer than an election takes.
pub fn takeover_delay_millis(
    config: &ReplicaSetConfig,
    own: &MemberConfig,
    primary: &MemberConfig,
) -> Option<u64> {
    let is_better = own.is_electable() && own.effective_priority() > primary.effective_priority();
    if !is_better {
        return None;
    }
    let base = u64::try_from(config.settings.election_timeout_millis).unwrap_or(1);
    let turns = u64::from(rank(config, own, |_| true)).saturating_add(1);
    Some(base.saturating_mul(turns))
}

/// Whether a member is close enough behind the primary for a takeover to be short.
pub fn is_fresh_enough(own: OpTime, primary: OpTime) -> bool {
    own >= primary || primary.ts.time.saturating_sub(own.ts.time) <= TAKEOVER_LAG_MAX_SECS
}

/// What a primary knows of another member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Follower {
    pub member: MemberId,
    /// Heard of lately, as a secondary that is neither frozen nor in maintenance.
    pub is_ready: bool,
    /// Votes below: a node that is still catching up cannot win.
    pub votes: bool,
    /// The newest position of the log it is known to have.
    pub matched: u64,
    pub applied: u64,
}

/// The member to hand over to: electable, ready, with everything up to `last`. Of several it is the
/// one of the highest priority, then the one that has applied most and so takes writes soonest.
pub fn successor(
    config: &ReplicaSetConfig,
    own: MemberId,
    followers: &[Follower],
    last: u64,
) -> Option<MemberId> {
    let fit = followers.iter().filter_map(|follower| {
        let member = config.member(follower.member)?;
        let is_fit = member.id != own
            && member.is_electable()
            && follower.is_ready
            && follower.votes
            && follower.matched >= last;
        is_fit.then_some((member, follower))
    });
    let best = fit.max_by(|(a, their), (b, other)| {
        let by_priority = a.effective_priority().total_cmp(&b.effective_priority());
        // The smaller `_id` last: of equals the choice is always the same.
        by_priority.then(their.applied.cmp(&other.applied)).then(reverse(a.id, b.id))
    });
    best.map(|(member, _)| member.id)
}

fn reverse(a: MemberId, b: MemberId) -> Ordering {
    b.cmp(&a)
}

#[cfg(test)]
mod tests;
