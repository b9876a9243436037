//! Where a member stands, as others may see it.
//!
//! Owns noticing that it changed: whoever leads, what is lost with leadership, how far the others
//! are.

use super::{Member, Settled, Start};
use crate::proposal::LostCause;
use crate::{Membership, Role};
use quire_log::{LogIndex, Term};
use std::sync::Arc;

/// A member as it sees itself.
#[derive(Clone, Debug, Default)]
pub struct MemberView {
    pub node: u64,
    pub role: Role,
    pub term: Term,
    /// The leader, where it is known.
    pub leader: Option<u64>,
    /// It leads, has applied the whole committed past, and is not handing over.
    pub writable: bool,
    pub membership: Arc<Membership>,
    /// The state is not whole: a copy is needed or on its way.
    pub partial: bool,
    pub arriving: Option<Arriving>,
    /// Committed entries cannot be applied at the moment.
    pub stalled: bool,
    /// The log failed for good.
    pub halted: bool,
    /// The other members, as the leader sees them.
    pub peers: Arc<Vec<PeerProgress>>,
}

/// A copy of the state that is on its way here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arriving {
    pub from: u64,
    pub chunks: u64,
    pub bytes: u64,
}

/// How far another member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerProgress {
    pub node: u64,
    /// In its log, synced.
    pub durable: LogIndex,
    pub applied: LogIndex,
    /// It has answered within the last election timeout.
    pub active: bool,
    /// It is too far behind for the log.
    pub needs_copy: bool,
}

/// Ticks for which applying has failed after which a member is called stalled: five election
/// timeouts, in which a full disk or a slow one may have recovered.
const STALLED_AFTER: usize = 5 * crate::ELECTION_TICKS;

impl Member {
    pub fn view(&self) -> &MemberView {
        &self.standing
    }

    /// Compares with what was last known, and notes what follows.
    pub(super) fn take_stock(&mut self, settled: &mut Settled) {
        let led = self.standing.role == Role::Leader;
        let (role, term) = (self.core.role(), self.core.term());
        if led && (role != Role::Leader || term != self.standing.term) {
            if settled.lost.is_none() {
                self.lose_all(LostCause::NotLeader, settled);
            }
            self.peers_applied.clear();
        }
        let writable = self.is_writable();
        if writable && !self.standing.writable && self.start == Start::InSet {
            // Plans of an earlier time were made over what others may have changed since.
            settled.lost.get_or_insert(LostCause::NotLeader);
        }
        self.note_changes(role, term, writable, settled);
    }

    fn note_changes(&mut self, role: Role, term: Term, writable: bool, settled: &mut Settled) {
        let leader = self.core.leader();
        let stalled = self.stalled_ticks > STALLED_AFTER;
        let arriving = self.arriving();
        let now = &mut self.standing;
        let membership_changed = !Arc::ptr_eq(&now.membership, self.core.membership());
        let same = now.role == role
            && now.term == term
            && now.leader == leader
            && now.writable == writable
            && now.partial == self.partial
            && now.arriving == arriving
            && now.stalled == stalled
            && now.halted == self.halted
            && now.node == self.node
            && !membership_changed;
        if same {
            return;
        }
        now.node = self.node;
        (now.role, now.term, now.leader, now.writable) = (role, term, leader, writable);
        (now.partial, now.arriving, now.stalled) = (self.partial, arriving, stalled);
        now.halted = self.halted;
        if membership_changed {
            now.membership = self.core.membership().clone();
        }
        settled.changed = true;
    }

    /// Compares how far the others are with what was last known.
    pub(super) fn note_progress(&mut self, settled: &mut Settled) {
        if self.standing.role != Role::Leader {
            return;
        }
        let applied = |node| self.peers_applied.get(&node).copied().unwrap_or_default();
        let peers: Vec<PeerProgress> = self
            .core
            .peers()
            .into_iter()
            .map(|peer| PeerProgress {
                node: peer.node,
                durable: peer.matched,
                // Of a history that it gave up it may have applied more.
                applied: applied(peer.node).min(peer.matched),
                active: peer.active,
                needs_copy: peer.needs_copy,
            })
            .collect();
        if *self.standing.peers != peers {
            self.standing.peers = Arc::new(peers);
            settled.progressed = true;
        }
    }
}
