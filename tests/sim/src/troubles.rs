//! What goes wrong.

use crate::options::{MILLI, Options, TICK};
use crate::world::{Event, World};
use quire_consensus::{Candidacy, Member};
use quire_log::LogStore;
use std::sync::atomic::Ordering;

type Kind = fn(&mut World, usize);
type Weight = fn(&Options) -> u64;

/// The kinds of trouble, and how often a run has them.
const KINDS: [(Kind, Weight); 12] = [
    (World::lose_power, |options| options.crashes),
    (World::end_process, |options| options.crashes / 2),
    (World::split, |options| options.partitions),
    (World::cut_one, |options| options.partitions / 2),
    (World::heal_network, |options| options.partitions),
    (World::fail_disk, |options| options.disks),
    (World::heal_disk, |options| options.disks),
    (World::change_clock, |options| options.clocks),
    (World::give_order, |options| options.orders),
    (World::wipe, |options| options.wipes),
    (World::pause, |options| options.pauses),
    (World::lose_the_majority, |options| options.forces),
];

impl World {
    pub fn trouble(&mut self) {
        if self.calm {
            return;
        }
        let pause = self.options.trouble_pause;
        let pause = pause / 2 + self.random.below(pause);
        self.after(pause, Event::Trouble);
        let weights = KINDS.map(|(_, weight)| weight(&self.options));
        let mut drawn = self.random.below(weights.iter().sum());
        let place = self.any_place();
        for ((kind, _), weight) in KINDS.iter().zip(weights) {
            if drawn < weight {
                return kind(self, place);
            }
            drawn -= weight;
        }
    }

    fn any_place(&mut self) -> usize {
        usize::try_from(self.random.below(self.nodes.len() as u64)).unwrap_or_default()
    }

    fn lose_power(&mut self, place: usize) {
        let power = self.random.next();
        if self.random.chance(100) {
            // All of them at once.
            for place in 0..self.nodes.len() {
                self.crash(place, Some(power ^ place as u64));
            }
        } else {
            self.crash(place, Some(power));
        }
    }

    fn end_process(&mut self, place: usize) {
        self.crash(place, None);
    }

    fn split(&mut self, _: usize) {
        let what = self.network.split(self.nodes.len(), &mut self.random);
        self.say(|_| what.to_owned());
    }

    fn cut_one(&mut self, _: usize) {
        self.network.cut_one(self.nodes.len(), &mut self.random);
        self.say(|_| "a connection is cut".to_owned());
    }

    fn heal_network(&mut self, _: usize) {
        self.network.heal();
        self.say(|_| "the network heals".to_owned());
    }

    fn fail_disk(&mut self, place: usize) {
        let Some(running) = &self.nodes[place].running else { return };
        if self.random.chance(150) {
            let nth = self.random.between(1, 40);
            running.log.failing_read.store(nth, Ordering::Relaxed);
            self.say(|world| format!("{}: the log cannot be read", world.nodes[place].id));
            return;
        }
        let what = self.nodes[place].disk.fail(&mut self.random);
        self.say(|world| format!("{}: {what}", world.nodes[place].id));
    }

    fn heal_disk(&mut self, place: usize) {
        self.nodes[place].disk.heal();
        if let Some(running) = &self.nodes[place].running {
            running.log.failing_read.store(0, Ordering::Relaxed);
        }
        self.say(|world| format!("{}: the disk is well", world.nodes[place].id));
    }

    fn change_clock(&mut self, place: usize) {
        let jump = i64::try_from(self.random.below(7_200)).unwrap_or_default() - 3_600;
        let tick = TICK / 2 + self.random.below(2 * TICK);
        let node = &mut self.nodes[place];
        node.clock_seconds = jump;
        node.tick = tick;
        self.say(|world| format!("{}: a clock is {jump} s off", world.nodes[place].id));
    }

    fn pause(&mut self, place: usize) {
        let pause = self.random.below(4_000 * MILLI);
        let until = self.now + pause;
        let node = &mut self.nodes[place];
        node.busy_until = node.busy_until.max(until);
        self.say(|world| format!("{}: pauses", world.nodes[place].id));
    }

    fn order(&mut self, place: usize, what: &str, order: impl FnOnce(&mut Member)) {
        self.say(|world| format!("{}: {what}", world.nodes[place].id));
        if self.unless_it_ends(place, |running| order(&mut running.member)).is_some() {
            self.turn(place);
        }
    }

    fn give_order(&mut self, place: usize) {
        let other = self.any_place();
        let to = self.nodes[other].id;
        match self.random.below(7) {
            0 => {
                let Some(leader) = self.leader() else { return };
                self.order(leader, "is to hand over", |member| member.transfer(to));
            }
            1 => {
                let Some(leader) = self.leader() else { return };
                self.order(leader, "is to resign", Member::resign);
            }
            2 => self.order(place, "is to stand", Member::campaign),
            // At once, so that votes are split.
            3 => (0..self.nodes.len()).filter(|at| at % 2 == place % 2).for_each(|at| {
                self.order(at, "is to stand", Member::campaign);
            }),
            4 => self.order(place, "believes another to be dead", |member| {
                member.peer_is_dead(to);
            }),
            5 => {
                let delay = u32::try_from(self.random.below(10)).unwrap_or_default();
                self.nodes[place].delay_seconds = delay;
                self.order(place, "shows what is committed later", |member| {
                    member.set_delay(delay);
                });
            }
            _ => {
                let stands = self.random.chance(800);
                let delay_ticks = u32::try_from(self.random.below(30)).unwrap_or_default();
                let candidacy = Candidacy { stands, delay_ticks };
                self.nodes[place].candidacy = candidacy;
                self.order(place, "has another priority", |member| {
                    member.set_candidacy(candidacy);
                });
            }
        }
    }

    /// A disk is lost, if the set can do without it: nobody else is down, copying or lost.
    fn wipe(&mut self, place: usize) {
        if !self.may_lose(place) {
            return;
        }
        let id = self.nodes[place].id;
        self.say(|_| format!("{id} is wiped"));
        self.dead.insert(id);
        self.figures.wipes += 1;
        self.nodes[place].wipe();
        self.answer_clients(place);
        let pause = self.random.below(2_000 * MILLI);
        self.after(pause, Event::Start(place));
    }

    fn may_lose(&self, place: usize) -> bool {
        let lost = |id: &u64| self.dead.contains(id) || *id == self.nodes[place].id;
        self.nodes.iter().all(|node| {
            let Some(running) = &node.running else { return false };
            let view = running.member.view();
            let applied = quire_log::StateMachine::applied(running.documents.as_ref()).index;
            let settled = applied == running.log.last_index();
            let members = &view.membership;
            let remains = |voters: &std::collections::BTreeSet<u64>| {
                voters.iter().filter(|voter| !lost(voter)).count() * 2 > voters.len()
            };
            // Whoever is not a member yet may be behind.
            let outside = !members.contains(node.id);
            outside || (settled && !view.partial && !members.is_joint() && remains(&members.voters))
        })
    }
}
