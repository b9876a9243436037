//! A majority that is lost, and the operator who goes on without it.
//!
//! Owns what an operator does who forces a configuration: one of those who are left is taken for the
//! truth, the others are named as members that are to follow it. They come back later, with whatever
//! they have.

use crate::node::Node;
use crate::world::World;
use quire_consensus::Membership;
use quire_log::{StateMachine, Term, Timestamp};

impl World {
    /// All voters but some of a minority lose their power at once. Happens once in a run, and the one
    /// who is left is the one who knows least.
    pub fn lose_the_majority(&mut self, _: usize) {
        let applied = |node: &Node| {
            let running = node.running.as_ref()?;
            let voter = running.member.view().membership.is_voter(node.id);
            let fit = voter && !running.member.view().partial;
            fit.then(|| (running.documents.applied().index, node.place))
        };
        let Some((_, place)) = self.nodes.iter().filter_map(applied).min() else { return };
        let id = self.nodes[place].id;
        let Some(running) = &self.nodes[place].running else { return };
        let view = running.member.view();
        let members = view.membership.clone();
        let voters: Vec<u64> = members.voters.iter().copied().collect();
        let is_fit =
            members.is_voter(id) && !members.is_joint() && voters.len() > 2 && !view.partial;
        if self.figures.forced > 0 || self.survivor.is_some() || !is_fit {
            return;
        }
        let kept = self.random.below((voters.len() as u64).div_ceil(2));
        let others = voters.iter().filter(|voter| **voter != id);
        let lost: Vec<u64> =
            others.skip(usize::try_from(kept).unwrap_or_default()).copied().collect();
        for other in 0..self.nodes.len() {
            if lost.contains(&self.nodes[other].id) {
                let power = self.random.next();
                self.crash(other, Some(power));
            }
        }
        self.say(|_| format!("{lost:?} are lost; {id} is to go on without them"));
        self.survivor = Some(id);
        self.force();
    }

    /// Has the survivor go on alone, and then name the others. Called until that is done: what an
    /// operator has no answer to is asked for again.
    pub fn force(&mut self) {
        let Some(id) = self.survivor else { return };
        let Some(place) = self.nodes.iter().position(|node| node.id == id) else { return };
        let Some(running) = &self.nodes[place].running else { return };
        let applied = running.documents.configuration();
        let applied = applied.and_then(|payload| Membership::decode(&payload));
        if applied.is_some_and(|now| now.incarnation > 0 && now.members().count() > 1) {
            self.survivor = None;
            self.figures.forced += 1;
            return;
        }
        let alone = |members: &Membership| members.incarnation > 0 && members.voters.len() == 1;
        if !alone(&running.member.view().membership) && !self.goes_on_alone(place) {
            return;
        }
        let Some(running) = &self.nodes[place].running else { return };
        let view = running.member.view();
        if view.writable && view.membership.learners.is_empty() {
            self.name_the_others(place);
        }
    }

    fn goes_on_alone(&mut self, place: usize) -> bool {
        let Some(running) = &self.nodes[place].running else { return false };
        if running.member.view().partial {
            return false;
        }
        let forced = self.unless_it_ends(place, |running| running.member.force());
        if !matches!(forced, Some(Ok(()))) {
            return false;
        }
        let Some(node) = self.nodes.get(place).filter(|node| node.running.is_some()) else {
            return false;
        };
        if let Some(running) = &node.running {
            // Whoever goes on alone stands at once, in the second term of the incarnation.
            let from = Term(running.member.term().0 - 1);
            let applied = running.documents.applied().index;
            let committed = running.member.committed();
            let log = running.log.inner.as_ref();
            self.checks.lock().forced(from, log, applied, committed);
        }
        self.say(|world| format!("{} goes on alone", world.nodes[place].id));
        self.turn(place);
        true
    }

    fn name_the_others(&mut self, place: usize) {
        let at = self.now;
        let others = self.nodes.iter().map(|node| node.id).collect::<Vec<u64>>();
        let node = &mut self.nodes[place];
        let (id, seconds) = (node.id, node.seconds(at));
        let Some(running) = &mut node.running else { return };
        let members = running.member.view().membership.clone();
        let learners = others.into_iter().filter(|other| *other != id).collect();
        let target = Membership { learners, ..Membership::clone(&members) };
        let next = members.step_towards(&target);
        let kept = crate::planner::read_lists(&running.documents);
        let stamp = running.planner.stamp(&running.documents, seconds, 1);
        if running.member.propose_membership(Timestamp(stamp), &next).is_ok() {
            self.checks.lock().history.forced(kept.values().flatten().copied().collect());
            self.say(|_| format!("{id} names {:?} as those who are to follow it", next.learners));
        }
        self.turn(place);
    }
}
