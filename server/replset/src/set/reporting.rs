//! What operators are told.

use super::{Heard, Inner, ReplicaSet};
use crate::election::Reason;
use crate::status::{
    self, CandidateMetrics, InitialSync, MemberStatus, Own, Point, Points, Status,
};
use crate::{HostPort, MemberConfig, MemberId, MemberState, OpTime};
use quire_bson::{Document, Timestamp};
use quire_errors::Result;

impl ReplicaSet {
    /// The answer of `replSetGetStatus`.
    pub fn status(&self) -> Result<Document> {
        let parts = self.parts()?;
        let applied = super::time::op_time(parts.replica.applied());
        let inner = self.inner.lock();
        let standing = inner.standing(self.founding.node);
        let Some(detail) = standing.detail.clone() else { return Err(status::not_initialized()) };
        let Some(own) = standing.own_member() else { return Err(status::not_a_member()) };
        let point = point(applied);
        let members = detail.config.members.iter().map(|member| {
            if member.id == own.id {
                return MemberStatus::Own(Own {
                    member,
                    uptime_secs: seconds(self.started.elapsed()),
                    elected: inner.elected_at(standing.state),
                    info: String::new(),
                });
            }
            let node = detail.node_of(member.id);
            let heard = node.and_then(|node| inner.heard.get(&node));
            let mut shown = inner.heard_of(member, heard);
            let trouble = node.and_then(|node| self.outside.trouble_with(node));
            shown.message = trouble.unwrap_or_default();
            MemberStatus::Other(shown)
        });
        let voters = &inner.view.membership.voters;
        let counts =
            |member: &MemberId| detail.node_of(*member).is_some_and(|n| voters.contains(&n));
        let voters = detail.config.members.iter().map(|member| member.id).filter(counts);
        let primary = standing.primary.and_then(|position| detail.config.members.get(position));
        let source = primary.filter(|primary| primary.id != own.id);
        let status = Status {
            config: &detail.config,
            state: standing.state,
            now_millis: self.outside.now_millis(),
            term: standing.term,
            source,
            points: Points {
                committed: point,
                applied: point,
                durable: point,
                recovered_from: applied.ts,
            },
            initial_sync: inner.initial_sync(applied),
            candidate: self.candidate(&inner, standing.state, applied, own),
            participant: None,
            voters: voters.collect(),
            members: members.collect(),
        };
        Ok(status.to_document())
    }

    fn candidate(
        &self,
        inner: &Inner,
        state: MemberState,
        applied: OpTime,
        own: &MemberConfig,
    ) -> Option<CandidateMetrics> {
        let elected = inner.elected.filter(|_| state == MemberState::Primary)?;
        let votes_needed = inner.detail.as_ref()?.config.majority_vote_count();
        Some(CandidateMetrics {
            reason: Reason::ElectionTimeout,
            date_millis: elected.at_millis,
            term: elected.term,
            committed: applied,
            last_seen: applied,
            votes_needed,
            priority: own.effective_priority(),
            prior_primary: None::<MemberId>,
            term_start_millis: Some(elected.at_millis),
            majority_available_millis: Some(elected.at_millis),
        })
    }

    /// Whom this member receives from.
    pub fn sync_source(&self) -> Option<HostPort> {
        let standing = self.standing();
        if standing.primary == standing.own {
            return None;
        }
        standing.primary_host().cloned()
    }

    /// Whether a write concern was set for the whole set.
    pub(super) fn has_default_write_concern(&self) -> bool {
        self.has_default_concern.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// A write concern was set for the whole set, or taken back.
    pub fn note_default_write_concern(&self, is_set: bool) {
        self.has_default_concern.store(is_set, std::sync::atomic::Ordering::Relaxed);
    }
}

impl Inner {
    fn elected_at(&self, state: MemberState) -> Option<Timestamp> {
        let elected = self.elected.filter(|_| state == MemberState::Primary)?;
        let time = u32::try_from(elected.at_millis / 1000).unwrap_or(u32::MAX);
        Some(Timestamp { time, increment: 1 })
    }

    fn heard_of<'a>(&self, member: &'a MemberConfig, heard: Option<&Heard>) -> status::Heard<'a> {
        let mut shown = status::Heard::silent(member);
        let Some(heard) = heard else { return shown };
        let gossip = &heard.gossip;
        shown.is_up = self.is_up(member.id);
        shown.state = gossip.state;
        shown.uptime_secs = seconds(heard.since.elapsed());
        shown.applied = point(gossip.applied);
        shown.durable = point(gossip.applied);
        shown.answered_millis = Some(heard.at_millis);
        shown.asked_millis = Some(heard.at_millis);
        shown.config_version = gossip.config_version;
        shown.config_term = gossip.config_term;
        if gossip.state == MemberState::Primary {
            let time = u32::try_from(gossip.elected_millis / 1000).unwrap_or(0);
            shown.elected = Some(Timestamp { time, increment: 1 });
        }
        shown
    }

    fn initial_sync(&self, applied: OpTime) -> Option<InitialSync> {
        let (began, start_millis) = self.copy_began?;
        let arriving = self.view.arriving;
        Some(InitialSync {
            start_millis,
            elapsed_millis: i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX),
            bytes_total: None,
            bytes_copied: arriving.map_or(0, |arriving| arriving.bytes),
            begins_at: applied,
            applied_entries: 0,
            failed_attempts: Vec::new(),
        })
    }
}

fn point(op_time: OpTime) -> Point {
    Point { op_time, wall_millis: op_time.millis() }
}

fn seconds(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
