//! Where this member stands, as clients and other members are told.
//!
//! Owns deriving a member's state from what the replica says of itself, and telling everybody when
//! it changes.

use super::{Elected, Inner, ReplicaSet};
use crate::election::{self, Stand};
use crate::{Detail, HostPort, MemberConfig, MemberState};
use quire_consensus::{Candidacy, ELECTION_TICKS, Membership, Observer, Role};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A member as it stands at one moment.
#[derive(Clone, Debug)]
pub struct Standing {
    pub state: MemberState,
    pub is_writable: bool,
    /// Positions in the configuration.
    pub primary: Option<usize>,
    pub own: Option<usize>,
    pub term: i64,
    pub detail: Option<Arc<Detail>>,
}

impl Standing {
    /// What `hello` shows of it.
    fn shown(&self) -> impl PartialEq {
        let detail = self.detail.as_ref();
        let version = detail.map(|detail| (detail.config.version, detail.config.term));
        (self.state, self.is_writable, self.primary, self.own, version)
    }

    /// The member that this node is.
    pub fn own_member(&self) -> Option<&MemberConfig> {
        self.detail.as_ref()?.config.members.get(self.own?)
    }

    pub fn primary_host(&self) -> Option<&HostPort> {
        Some(&self.detail.as_ref()?.config.members.get(self.primary?)?.host)
    }
}

impl Inner {
    pub(super) fn standing(&self, node: u64) -> Standing {
        let view = &self.view;
        let position = |node: u64| {
            let detail = self.detail.as_ref()?;
            let member = detail.member_of(node)?.id;
            detail.config.members.iter().position(|m| m.id == member)
        };
        let own = position(node);
        let is_writable = self.may_lead(own) && view.writable && !self.stepping_down;
        let state = self.state(own);
        let primary = match state {
            MemberState::Primary => own,
            _ => view.leader.filter(|leader| *leader != node).and_then(position),
        };
        let primary = primary.filter(|position| self.may_lead(Some(*position)));
        Standing {
            state,
            is_writable,
            primary,
            own,
            term: i64::try_from(view.term.0).unwrap_or(i64::MAX),
            detail: self.detail.clone(),
        }
    }

    fn state(&self, own: Option<usize>) -> MemberState {
        let view = &self.view;
        let Some(detail) = &self.detail else {
            return if view.partial { MemberState::Startup2 } else { MemberState::Startup };
        };
        let Some(member) = own.and_then(|own| detail.config.members.get(own)) else {
            return MemberState::Removed;
        };
        if self.known_detail().is_none() {
            return MemberState::Startup2;
        }
        if member.arbiter_only {
            return MemberState::Arbiter;
        }
        if view.partial {
            return MemberState::Startup2;
        }
        if view.stalled || self.maintenance > 0 {
            return MemberState::Recovering;
        }
        if view.role == Role::Leader && view.writable && self.may_lead(own) {
            return MemberState::Primary;
        }
        MemberState::Secondary
    }

    /// The configuration, unless it is only what others say.
    pub(super) fn known_detail(&self) -> Option<&Arc<Detail>> {
        self.detail.as_ref().filter(|_| !self.view.membership.detail.is_empty())
    }

    /// Whether clients may see this member as primary. Others lead in silence, to hand over.
    pub(super) fn may_lead(&self, position: Option<usize>) -> bool {
        let member = self.detail.as_ref().and_then(|detail| detail.config.members.get(position?));
        member.is_some_and(MemberConfig::is_electable)
    }

    pub(super) fn own_member(&self, node: u64) -> Option<&MemberConfig> {
        self.detail.as_ref()?.member_of(node)
    }

    pub(super) fn is_frozen(&self) -> bool {
        self.frozen_until.is_some_and(|until| until > Instant::now())
    }
}

impl ReplicaSet {
    pub fn standing(&self) -> Standing {
        self.inner.lock().standing(self.founding.node)
    }

    /// A member's process is known to be gone.
    pub fn peer_is_dead(&self, node: u64) {
        self.inner.lock().heard.remove(&node);
        if let Some(parts) = self.parts.get() {
            parts.replica.peer_is_dead(node);
        }
    }

    /// Takes over what the replica says of itself. It is asked under the lock, so that nobody who was
    /// held up puts back what was true before.
    pub(super) fn note_view(&self) {
        let Some(parts) = self.parts.get() else { return };
        let node = self.founding.node;
        let (before, now, membership_changed, new_leader) = {
            let mut inner = self.inner.lock();
            let view = parts.replica.view();
            let before = inner.standing(node);
            let new_leader = view.leader.filter(|leader| inner.view.leader != Some(*leader));
            let membership_changed =
                inner.detail.is_none() || *inner.view.membership != *view.membership;
            inner.view = view;
            if membership_changed {
                // New members are asked how they are at once.
                inner.last_gossip = None;
                inner.detail = detail_of(&inner.view.membership).or_else(|| inner.detail.take());
            }
            let now = inner.standing(node);
            self.note_election(&mut inner, &before, &now);
            self.note_copy(&mut inner);
            let new_leader = new_leader.filter(|_| inner.known_detail().is_none());
            (before, now, membership_changed, new_leader)
        };
        if membership_changed {
            self.tell_addresses(&now);
        }
        self.refresh_candidacy();
        self.announce(&before, &now);
        if let Some(leader) = new_leader {
            self.ask_for_configuration(leader);
        }
    }

    fn note_election(&self, inner: &mut Inner, before: &Standing, now: &Standing) {
        if inner.view.leader.is_some() {
            inner.leaderless_since = None;
            inner.failed_elections = 0;
        } else if inner.leaderless_since.is_none() {
            inner.leaderless_since = Some(Instant::now());
        }
        let is_new = now.state == MemberState::Primary
            && (before.state != MemberState::Primary || before.term != now.term);
        if is_new {
            let at_millis = self.outside.now_millis();
            inner.elected = Some(Elected { term: now.term, at_millis });
            inner.last_write_at = Some(Instant::now());
            tracing::info!(
                target: "REPL",
                id = 21331,
                term = now.term,
                "Transition to primary complete; database writes are now permitted"
            );
        }
    }

    fn note_copy(&self, inner: &mut Inner) {
        match (inner.view.partial, inner.copy_began) {
            (true, None) => {
                inner.copy_began = Some((Instant::now(), self.outside.now_millis()));
            }
            (false, Some(_)) => inner.copy_began = None,
            _ => {}
        }
    }

    /// Tells who may care of a difference between two moments.
    pub(super) fn announce(&self, before: &Standing, now: &Standing) {
        if before.shown() == now.shown() {
            self.progressed.notify();
            return;
        }
        if before.state != now.state {
            tracing::info!(
                target: "REPL",
                id = 21358,
                newState = now.state.name(),
                oldState = before.state.name(),
                term = now.term,
                "Replica set state transition"
            );
        }
        let is_ordered = {
            let mut inner = self.inner.lock();
            inner.gossip_is_due = true;
            inner.stepping_down
        };
        let lost = before.state == MemberState::Primary && now.state != MemberState::Primary;
        if let Some(listener) = self.listener.get() {
            listener.changed();
            if before.is_writable && !now.is_writable {
                listener.stepped_down();
            }
            if lost && !is_ordered {
                listener.deposed();
            }
        }
        self.progressed.notify();
    }

    pub(super) fn tell_addresses(&self, now: &Standing) {
        let Some(detail) = &now.detail else { return };
        let own = now.own_member().map(|member| member.host.clone());
        let others = detail.nodes.iter().filter(|(_, node)| **node != self.founding.node);
        let others = others.filter_map(|(member, node)| {
            Some((*node, detail.config.member(*member)?.host.clone()))
        });
        self.outside.set_members(own.as_ref(), others.collect());
        if let Some(parts) = self.parts.get() {
            parts.replica.set_tick(tick(detail.config.settings.election_timeout_millis));
            let delay = now.own_member().map_or(0, |member| member.delay_secs);
            parts.replica.set_delay(u32::try_from(delay).unwrap_or(0));
            let own = now.own_member().map(|own| own.arbiter_only);
            parts.replica.set_witnesses(detail.arbiters().collect(), own);
        }
    }

    /// Whether and how eagerly this member should stand for election now.
    pub(super) fn refresh_candidacy(&self) {
        let Some(parts) = self.parts.get() else { return };
        let (number, candidacy) = {
            let mut inner = self.inner.lock();
            let candidacy = self.candidacy(&inner);
            let (number, before) = inner.candidacy;
            if before == Some(candidacy) {
                return;
            }
            let number = number.saturating_add(1);
            inner.candidacy = (number, Some(candidacy));
            (number, candidacy)
        };
        // Somebody who looked later may get there first.
        parts.replica.set_candidacy(number, candidacy);
    }

    /// Whether an order keeps this member from standing, or the world outside does.
    pub(super) fn is_kept_from_standing(&self, inner: &Inner) -> bool {
        inner.is_frozen() || !self.outside.allows_standing()
    }

    fn candidacy(&self, inner: &Inner) -> Candidacy {
        let node = self.founding.node;
        let never = Candidacy { stands: false, delay_ticks: 0 };
        let Some(own) = inner.own_member(node) else { return never };
        let state = inner.standing(node).state;
        let standing = election::Standing {
            own,
            // A primary's timeout does not run; it stands again when it leads no more.
            state: if state == MemberState::Primary { MemberState::Secondary } else { state },
            is_frozen: self.is_kept_from_standing(inner) || inner.stepping_down,
            in_maintenance: inner.maintenance > 0,
            failed_elections: inner.failed_elections,
        };
        let Some(config) = inner.detail.as_ref().map(|detail| &detail.config) else { return never };
        match standing.decide() {
            Ok(Stand::Openly | Stand::Silently) => {
                let is_up = |member| inner.is_up(member);
                let rank = election::rank(config, own, is_up);
                let ticks = u32::try_from(ELECTION_TICKS).unwrap_or(u32::MAX);
                // A quarter of the timeout for everybody who should come first.
                let delay_ticks = ticks.saturating_mul(rank) / 4;
                Candidacy { stands: true, delay_ticks }
            }
            Err(_) => never,
        }
    }
}

/// How long a tick of the replica lasts under an election timeout.
pub(super) fn tick(timeout_millis: i64) -> Duration {
    let timeout = Duration::from_millis(u64::try_from(timeout_millis).unwrap_or(1000));
    let ticks = u32::try_from(ELECTION_TICKS).unwrap_or(1);
    (timeout / ticks).max(Duration::from_millis(1))
}

fn detail_of(membership: &Membership) -> Option<Arc<Detail>> {
    if membership.detail.is_empty() {
        return None;
    }
    match Detail::decode(&membership.detail) {
        Ok(detail) => Some(Arc::new(detail)),
        Err(error) => {
            tracing::error!(
                target: "REPL",
                id = 7_200_020,
                error = %error,
                "The configuration in the log cannot be read"
            );
            None
        }
    }
}

impl Observer for ReplicaSet {
    fn changed(&self) {
        self.note_view();
    }

    fn progressed(&self) {
        let Some(parts) = self.parts.get() else { return };
        {
            let mut inner = self.inner.lock();
            inner.view.peers = parts.replica.view().peers;
        }
        self.progressed.notify();
    }

    fn gossip(&self, from: u64, bytes: &[u8]) {
        self.hear(from, bytes);
    }
}
