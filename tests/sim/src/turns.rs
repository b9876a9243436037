//! What a node does when something reaches it.

use crate::checks::Sight;
use crate::node::Running;
use crate::options::{MILLI, Micros};
use crate::planted::Planted;
use crate::watched::WatchedLog;
use crate::world::{Event, World};
use parking_lot::Mutex;
use quire_consensus::{MemberView, Membership, Message, Role, Transport};
use quire_log::{LogStore, StateMachine};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// What a turn sends, and whether it did so before it had synced anything.
struct Outbox {
    log: Arc<WatchedLog>,
    syncs: u64,
    messages: Mutex<Vec<(u64, Message, bool)>>,
}

impl Transport for Outbox {
    fn send(&self, to: u64, message: Message) {
        let synced = self.log.syncs.load(Ordering::Relaxed) != self.syncs;
        self.messages.lock().push((to, message, synced));
    }
}

impl World {
    /// The place of the leader that takes writes, of the highest term.
    pub fn leader(&self) -> Option<usize> {
        let members = self.nodes.iter().filter_map(|node| Some((node, node.running.as_ref()?)));
        let leaders = members.filter(|(_, running)| running.member.view().writable);
        leaders.max_by_key(|(_, running)| running.member.term()).map(|(node, _)| node.place)
    }

    pub fn membership(&self, place: usize) -> Option<Arc<Membership>> {
        let running = self.nodes.get(place)?.running.as_ref()?;
        Some(running.member.view().membership.clone())
    }

    /// A node that is busy gets to it later.
    pub fn busy(&mut self, place: usize) -> Option<Micros> {
        let until = self.nodes.get(place)?.busy_until;
        (until > self.now).then_some(until)
    }

    pub fn tick(&mut self, place: usize) {
        if let Some(until) = self.busy(place) {
            return self.at(until, Event::Tick(place));
        }
        let now = self.now;
        let Some(node) = self.nodes.get(place) else { return };
        let (pause, seconds) = (node.tick, node.seconds(now));
        self.after(pause, Event::Tick(place));
        if self.unless_it_ends(place, |running| running.member.tick(seconds)).is_some() {
            self.turn(place);
        }
    }

    pub fn deliver(&mut self, to: usize, id: u64, from: u64, bytes: Vec<u8>) {
        if let Some(until) = self.busy(to) {
            return self.at(until, Event::Deliver { to, id, from, bytes });
        }
        self.hash.number(from);
        self.hash.number(id);
        self.hash.bytes(&bytes);
        let Some(node) = self.nodes.get_mut(to).filter(|node| node.id == id) else { return };
        let Some(running) = &mut node.running else { return };
        let Some(message) = Message::decode(&bytes) else {
            return self.fail("a message does not come back as it was sent".to_owned());
        };
        if self.planted == Some(Planted::CountOldTerms) {
            self.old_terms.hears(&message);
        }
        if self.planted == Some(Planted::VoteTwice) {
            self.votes.asked(&message, running.member.term(), running.log.as_ref());
        }
        let received = self.unless_it_ends(to, |running| running.member.receive(from, message));
        if received.is_none() {
            return;
        }
        // Some turns take several messages.
        if self.random.chance(200) {
            let pause = self.random.below(2 * MILLI);
            self.after(pause, Event::Settle(to));
        } else {
            self.turn(to);
        }
    }

    /// Makes the applied state durable, and lets the log forget.
    pub fn checkpoint(&mut self, place: usize) {
        let pause = self.options.checkpoint_pause;
        let pause = pause / 2 + self.random.below(pause);
        self.after(pause, Event::Checkpoint(place));
        let Some(node) = self.nodes.get_mut(place) else { return };
        let Some(running) = &mut node.running else { return };
        if running.documents.flush().is_ok() {
            running.member.compact();
        }
        self.turn(place);
    }

    /// Has a process do something; nothing where there is none. The core ends it when the log cannot
    /// be read, for it does not know what it would have read.
    pub fn unless_it_ends<T>(
        &mut self,
        place: usize,
        act: impl FnOnce(&mut Running) -> T,
    ) -> Option<T> {
        let running = self.nodes.get_mut(place)?.running.as_mut()?;
        let log = running.log.clone();
        log.has_failed.store(false, Ordering::Relaxed);
        match catch_unwind(AssertUnwindSafe(|| act(running))) {
            Ok(done) => Some(done),
            Err(panic) if !log.has_failed.load(Ordering::Relaxed) => resume_unwind(panic),
            Err(_) => {
                self.crash(place, None);
                None
            }
        }
    }

    /// Has a member do what follows from everything it was told.
    pub fn turn(&mut self, place: usize) {
        let planted = self.planted;
        let Some(node) = self.nodes.get_mut(place) else { return };
        let id = node.id;
        let Some(running) = &mut node.running else { return };
        let log = running.log.clone();
        let syncs = log.syncs.load(Ordering::Relaxed);
        let outbox = Outbox { log: log.clone(), syncs, messages: Mutex::default() };
        let before = running.member.view().clone();
        let settled = self.unless_it_ends(place, |running| running.member.settle(&outbox));
        let Some(settled) = settled else { return };
        let Some(running) = self.nodes.get_mut(place).and_then(|node| node.running.as_mut()) else {
            return;
        };
        if settled.lost.is_some() {
            running.planner.lost();
        }
        let (more, changed) = (settled.more, settled.changed);
        settled.answer();
        running.planner.applied(&running.documents);

        let mut messages = outbox.messages.into_inner();
        let view = running.member.view();
        if planted == Some(Planted::CountOldTerms) {
            let (voters, last) = (view.membership.voters.len(), log.last_index());
            for (_, message, _) in &mut messages {
                self.old_terms.rewrite(message, voters, last);
            }
        }
        if planted == Some(Planted::VoteTwice) {
            messages.iter_mut().for_each(|(_, message, _)| self.votes.rewrite(message));
        }
        let led = |view: &MemberView| (view.role == Role::Leader).then_some(view.term);
        let (now, then) = (led(view), led(&before));
        let sight = Sight {
            node: id,
            role: view.role,
            term: running.member.term(),
            commit: running.member.committed(),
            led: now.or(then),
            memberships: [&before.membership, &view.membership],
        };
        let mut checks = self.checks.lock();
        checks.saw(&sight);
        for (_, message, _) in &messages {
            checks.sent(id, message);
        }
        drop(checks);
        self.hash.number(sight.term.0);
        self.hash.number(sight.commit.0);
        self.hash.number(running.documents.applied().index.0);
        let (halted, line) = (running.member.is_halted(), changed.then(|| describe(&sight)));

        let synced = log.syncs.load(Ordering::Relaxed) - syncs;
        let latency = if synced > 0 { self.random.below(self.options.sync + 1) } else { 0 };
        if let Some(node) = self.nodes.get_mut(place) {
            node.busy_until = node.busy_until.max(self.now + latency);
        }
        for (to, message, after_sync) in messages {
            self.send(place, to, &message, if after_sync { latency } else { 0 });
        }
        if let Some(line) = line {
            self.say(|_| line);
        }
        self.answer_clients(place);
        if halted {
            self.say(|_| format!("{id} has halted"));
            return self.crash(place, None);
        }
        if more {
            self.after(0, Event::Settle(place));
        }
    }

    fn send(&mut self, from: usize, to: u64, message: &Message, latency: Micros) {
        let Some(target) = self.nodes.iter().find(|node| node.id == to) else { return };
        let (place, sender) = (target.place, self.nodes[from].id);
        if self.network.is_cut(from, place) {
            return;
        }
        let bytes = message.encode();
        for delay in self.network.delays(&self.options, &mut self.random) {
            let (id, bytes) = (to, bytes.clone());
            self.after(latency + delay, Event::Deliver { to: place, id, from: sender, bytes });
        }
    }

    /// A process ends, and comes back after a while.
    pub fn crash(&mut self, place: usize, power: Option<u64>) {
        let Some(node) = self.nodes.get_mut(place) else { return };
        if node.running.is_none() {
            return;
        }
        let id = node.id;
        node.crash(power);
        self.figures.crashes += 1;
        self.say(|_| format!("{id} {}", if power.is_some() { "loses power" } else { "ends" }));
        self.answer_clients(place);
        let pause = if self.calm { 100 * MILLI } else { self.random.below(3_000 * MILLI) };
        self.after(pause, Event::Start(place));
        for other in 0..self.nodes.len() {
            if other == place || !self.random.chance(400) {
                continue;
            }
            if let Some(running) = &mut self.nodes[other].running {
                running.member.peer_is_dead(id);
                self.turn(other);
            }
        }
    }
}

fn describe(sight: &Sight<'_>) -> String {
    let Sight { node, role, term, commit, memberships: [_, members], .. } = sight;
    let role = match role {
        Role::Leader => "leads",
        Role::Follower => "follows",
        Role::PreCandidate => "would stand",
        Role::Candidate => "stands",
    };
    let Membership { voters, outgoing, learners, .. } = members;
    format!("{node} {role} in term {term}, commit {commit}, {voters:?} {outgoing:?} {learners:?}")
}
