//! The operator: changes who belongs to the set.
//!
//! Owns what the layer above consensus does in the server: leaves joint memberships, takes out
//! members whose disks are lost, and besides that adds, promotes and removes as the run wants it.

use crate::clients::Client;
use crate::options::MILLI;
use crate::planner::Plan;
use crate::planted::Planted;
use crate::world::{Event, World};
use quire_consensus::Membership;
use quire_log::Timestamp;
use std::collections::BTreeSet;

/// Sets do not get smaller than this.
const VOTERS_MIN: usize = 2;

impl World {
    pub fn operator_acts(&mut self) {
        let pause = 50 * MILLI + self.random.below(300 * MILLI);
        self.after(pause, Event::Operator);
        self.force();
        let Some(place) = self.leader() else { return };
        let Some(now) = self.membership(place) else { return };
        let Some(next) = self.next_membership(place, &now) else { return };
        let at = self.now;
        let node = &mut self.nodes[place];
        let (id, seconds) = (node.id, node.seconds(at));
        let Some(running) = &mut node.running else { return };
        let stamp = running.planner.stamp(&running.documents, seconds, 1);
        if running.member.propose_membership(Timestamp(stamp), &next).is_ok() {
            self.figures.memberships += 1;
            self.say(|_| {
                let Membership { voters, outgoing, learners, .. } = &next;
                format!("{id} proposes {voters:?} {outgoing:?} {learners:?}")
            });
        }
        self.turn(place);
        self.change_indexes(place);
        self.forget_sessions(place);
    }

    /// Sessions are forgotten when nobody asks any more for what they did. The server tells by their
    /// age; here it is known, so that no clock decides whether a rule is broken.
    fn forget_sessions(&mut self, place: usize) {
        let too_early = self.planted == Some(Planted::ForgetTooEarly);
        let chance = if too_early { 1_000 } else { self.options.forgets };
        if chance == 0 || !self.random.chance(chance) {
            return;
        }
        let clients = self.clients.iter().filter(|_| !too_early);
        let asked_for: BTreeSet<u32> = clients.filter_map(Client::open_session).collect();
        let at = self.now;
        let node = &mut self.nodes[place];
        let seconds = node.seconds(at);
        let Some(running) = &mut node.running else { return };
        if !running.member.view().writable {
            return;
        }
        let documents = running.documents.clone();
        let forgetting =
            running.planner.forget(&documents, seconds, |session| !asked_for.contains(&session));
        if let Some((count, Plan::Propose(stamp, payload))) = forgetting {
            self.figures.forgotten += count;
            drop(running.member.submit(stamp, payload));
            self.turn(place);
        }
    }

    fn change_indexes(&mut self, place: usize) {
        if !self.random.chance(200) {
            return;
        }
        let at = self.now;
        let node = &mut self.nodes[place];
        let seconds = node.seconds(at);
        let Some(running) = &mut node.running else { return };
        if !running.member.view().writable {
            return;
        }
        if let Plan::Propose(stamp, payload) =
            running.planner.change_indexes(&running.documents, seconds)
        {
            drop(running.member.submit(stamp, payload));
            self.turn(place);
        }
    }

    fn next_membership(&mut self, place: usize, now: &Membership) -> Option<Membership> {
        if now.is_joint() {
            return Some(now.settled());
        }
        let leader = self.nodes[place].id;
        if let Some(dead) = now.members().find(|id| self.dead.contains(id)) {
            return Some(without(now, dead));
        }
        if now.voters.len() == 1 && self.figures.memberships < 3 {
            return self.first_membership(now);
        }
        if now.incarnation > 0 && now.voters.len() < VOTERS_MIN {
            return self.next_voter(place, now);
        }
        if self.calm || !self.random.chance(20 * self.options.memberships) {
            return None;
        }
        let outside: Vec<u64> = self
            .nodes
            .iter()
            .filter(|node| node.running.is_some())
            .map(|node| node.id)
            .filter(|id| !now.contains(*id))
            .collect();
        let learners: Vec<u64> = now.learners.iter().copied().collect();
        let others: Vec<u64> = now.members().filter(|id| *id != leader).collect();
        let added = self.random.pick(&outside).copied();
        let learner = self.random.pick(&learners).copied();
        let removed = self.random.pick(&others).copied();
        if now.incarnation > 0 {
            // Chance would give votes to those who still follow the history that is given up.
            return None;
        }
        match self.random.below(6) {
            0 | 1 => added.map(|id| {
                let mut next = now.clone();
                next.learners.insert(id);
                next
            }),
            2 => learner.map(|id| {
                let mut next = now.clone();
                next.learners.remove(&id);
                next.voters.insert(id);
                next
            }),
            3 => removed.map(|id| without(now, id)).filter(|next| next.voters.len() >= VOTERS_MIN),
            4 => {
                // Somebody in, somebody out, in one step.
                let mut next = without(now, removed?);
                next.voters.insert(learner.or(added)?);
                next.learners = next.learners.difference(&next.voters).copied().collect();
                next.outgoing = now.voters.clone();
                (next.voters.len() >= VOTERS_MIN && next.voters != now.voters).then_some(next)
            }
            _ => Some(Membership { detail: self.now.to_be_bytes().to_vec(), ..now.clone() }),
        }
    }

    /// Gives one who follows a forced configuration its vote back. Who has not taken anything from
    /// its leader might vote in the history that is given up.
    fn next_voter(&mut self, leader: usize, now: &Membership) -> Option<Membership> {
        let peers = self.nodes.get(leader)?.running.as_ref()?.member.view().peers.clone();
        let follows = |id: &u64| {
            let peer = peers.iter().find(|peer| peer.node == *id);
            peer.is_some_and(|peer| peer.active && !peer.needs_copy && peer.durable.0 > 0)
        };
        let learners: Vec<u64> = now.learners.iter().copied().filter(follows).collect();
        let id = *self.random.pick(&learners)?;
        let mut next = now.clone();
        next.learners.remove(&id);
        next.voters.insert(id);
        Some(next)
    }

    /// All the voters a set begins with.
    fn first_membership(&self, now: &Membership) -> Option<Membership> {
        let count = usize::try_from(self.options.voters).unwrap_or_default();
        let voters: BTreeSet<u64> = self.nodes.iter().take(count).map(|node| node.id).collect();
        Some(Membership { voters, outgoing: now.voters.clone(), ..now.clone() })
    }
}

fn without(now: &Membership, id: u64) -> Membership {
    let mut next = now.clone();
    next.voters.remove(&id);
    next.learners.remove(&id);
    next
}
