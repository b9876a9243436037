//! When trouble is over, the set must recover by itself.
//!
//! Owns what has to be true in the end: one leader soon, writes and reads soon, and the same state
//! everywhere a little later.

use crate::node::Running;
use crate::options::{ELECTION_TIMEOUT, TICK};
use crate::planner::read_lists;
use crate::world::World;
use quire_consensus::{Candidacy, Role};
use quire_log::{LogStore, StateMachine};

/// Within so many election timeouts everybody is served again, and then everybody has everything.
const SERVED_WITHIN: u64 = 20;
const EQUAL_WITHIN: u64 = 40;

impl World {
    pub fn calm_down(&mut self) {
        self.say(|_| "trouble is over".to_owned());
        self.calm = true;
        self.network.heal();
        self.network.calm = true;
        for place in 0..self.nodes.len() {
            let now = self.now;
            let node = &mut self.nodes[place];
            node.disk.heal();
            node.candidacy = Candidacy::default();
            node.delay_seconds = 0;
            (node.tick, node.busy_until) = (TICK, now);
            if let Some(running) = &mut node.running {
                running.member.set_candidacy(Candidacy::default());
                running.member.set_delay(0);
                running.log.failing_read.store(0, std::sync::atomic::Ordering::Relaxed);
            }
            self.start(place);
        }
        let finished: Vec<u64> = self.clients.iter().map(|client| client.finished).collect();
        let end = self.now + SERVED_WITHIN * ELECTION_TIMEOUT;
        let served = self.until(end, |world| {
            let more = world.clients.iter().zip(&finished).all(|(now, then)| now.finished > *then);
            more && world.has_one_leader()
        });
        if !served {
            return self.fail(format!("nobody is served: {}", self.describe()));
        }
        self.closing = true;
        let end = self.now + EQUAL_WITHIN * ELECTION_TIMEOUT;
        let equal = self.until(end, |world| {
            world.clients.iter().all(crate::clients::Client::is_idle) && world.is_equal()
        });
        if !equal {
            return self.fail(format!("not everybody has everything: {}", self.describe()));
        }
        self.say(|_| "everybody has everything".to_owned());
        self.last_checks();
    }

    fn has_one_leader(&self) -> bool {
        let running = self.nodes.iter().filter_map(|node| node.running.as_ref());
        let leaders = running.filter(|running| running.member.view().role == Role::Leader);
        let settled = self.leader().and_then(|place| self.membership(place));
        leaders.count() == 1
            && settled.is_some_and(|members| {
                !members.is_joint() && !members.members().any(|id| self.dead.contains(&id))
            })
    }

    /// Every member has applied everything, and its leader knows it.
    fn is_equal(&self) -> bool {
        let Some(leader) = self.leader() else { return false };
        let Some(members) = self.membership(leader) else { return false };
        let Some(last) = self.nodes[leader].running.as_ref().map(|r| r.log.last_index()) else {
            return false;
        };
        let leads = |running: &Running| {
            let peers = running.member.view().peers.clone();
            peers.iter().all(|peer| peer.applied == last && peer.durable == last)
        };
        self.has_one_leader()
            && self.nodes[leader].running.as_ref().is_some_and(leads)
            && self.nodes.iter().filter(|node| members.contains(node.id)).all(|node| {
                node.running.as_ref().is_some_and(|running| {
                    running.documents.applied().index == last && !running.member.view().partial
                })
            })
    }

    fn last_checks(&mut self) {
        let Some(leader) = self.leader() else { return };
        let Some(members) = self.membership(leader) else { return };
        let mut checks = self.checks.lock();
        for node in self.nodes.iter().filter(|node| members.contains(node.id)) {
            if let Some(running) = &node.running {
                checks.state(node.id, &running.documents);
                checks.audit(node.id, running.log.as_ref());
            }
        }
        if let Some(running) = &self.nodes[leader].running {
            let verdict = checks.history.check(&read_lists(&running.documents));
            checks.note(verdict);
        }
    }

    /// Where everybody stands, for whoever has to find out why.
    fn describe(&self) -> String {
        let mut lines = Vec::new();
        for node in &self.nodes {
            let Some(running) = &node.running else {
                lines.push(format!("{} is down", node.id));
                continue;
            };
            let view = running.member.view();
            lines.push(format!(
                "{} {:?} of {:?} in term {}, log {}..={}, committed {}, applied {}, partial {}, \
                 arriving {:?}, members {:?} {:?} {:?}, peers {:?}",
                node.id,
                view.role,
                view.leader,
                view.term,
                running.log.first_index(),
                running.log.last_index(),
                running.member.committed(),
                running.documents.applied().index,
                view.partial,
                view.arriving,
                view.membership.voters,
                view.membership.outgoing,
                view.membership.learners,
                view.peers,
            ));
        }
        lines.join("\n  ")
    }
}
