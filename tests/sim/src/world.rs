//! Everything there is in a run, and what happens next.
//!
//! Owns time and the order of events. What an event does is in `turns`, `clients`, `troubles` and
//! `operator`.

use crate::Figures;
use crate::checks::Checks;
use crate::clients::Client;
use crate::digest::TraceHash;
use crate::network::Network;
use crate::node::{Node, StartWith};
use crate::options::{ELECTION_TIMEOUT, MILLI, Micros, Options};
use crate::planted::{OldTerms, Planted, Votes};
use crate::random::Random;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub enum Event {
    Tick(usize),
    Deliver { to: usize, id: u64, from: u64, bytes: Vec<u8> },
    Client(usize),
    Operator,
    Trouble,
    Start(usize),
    Settle(usize),
    Checkpoint(usize),
}

pub struct World {
    pub random: Random,
    pub options: Options,
    pub now: Micros,
    queue: BTreeMap<(Micros, u64), Event>,
    queued: u64,
    pub nodes: Vec<Node>,
    pub network: Network,
    pub clients: Vec<Client>,
    pub sessions: u32,
    pub appends: u64,
    pub checks: Arc<Mutex<Checks>>,
    pub planted: Option<Planted>,
    pub old_terms: OldTerms,
    pub votes: Votes,
    /// The node by which a set without a majority is to go on.
    pub survivor: Option<u64>,
    /// Ids whose disks were wiped.
    pub dead: BTreeSet<u64>,
    pub hash: TraceHash,
    pub figures: Figures,
    /// Trouble is over, or has not begun.
    pub calm: bool,
    /// Clients begin nothing new.
    pub closing: bool,
    narrate: bool,
}

impl World {
    pub fn new(seed: u64, planted: Option<Planted>, narrate: bool) -> World {
        let mut random = Random::new(seed);
        let options = Options::draw(&mut random.fork());
        let places = usize::try_from(options.voters + options.spares).unwrap_or(3);
        let mut world = World {
            random,
            now: 0,
            queue: BTreeMap::new(),
            queued: 0,
            nodes: (0..places).map(Node::new).collect(),
            network: Network::calm(),
            clients: Vec::new(),
            sessions: 0,
            appends: 0,
            checks: Arc::default(),
            planted,
            old_terms: OldTerms::default(),
            votes: Votes::default(),
            survivor: None,
            dead: BTreeSet::new(),
            hash: TraceHash::default(),
            figures: Figures::default(),
            calm: true,
            closing: false,
            narrate,
            options,
        };
        world.say(|world| format!("seed {seed}: {:?}", world.options));
        world.clients = (0..world.options.clients).map(|_| Client::default()).collect();
        world
    }

    /// One line of what happens, if anybody wants to read it.
    pub fn say(&self, line: impl FnOnce(&World) -> String) {
        if self.narrate {
            use std::io::Write;
            let seconds = self.now as f64 / 1e6;
            // Nobody reads on.
            let _ = writeln!(std::io::stdout().lock(), "{seconds:9.4} {}", line(self));
        }
    }

    pub fn at(&mut self, when: Micros, event: Event) {
        self.queued += 1;
        self.queue.insert((when.max(self.now), self.queued), event);
    }

    pub fn after(&mut self, pause: Micros, event: Event) {
        self.at(self.now.saturating_add(pause), event);
    }

    pub fn wrong(&self) -> Option<String> {
        self.checks.lock().wrong().map(str::to_owned)
    }

    pub fn fail(&self, what: String) {
        self.checks.lock().note(Err(what));
    }

    pub fn trace(&self) -> u64 {
        self.hash.0
    }

    pub fn figures(&self) -> Figures {
        let checks = self.checks.lock();
        Figures {
            copies: checks.copies,
            elections: checks.elections(),
            acknowledged: checks.history.acknowledged_count() as u64,
            reads: checks.history.reads_count() as u64,
            given_up: checks.history.given_up_count() as u64,
            ..self.figures
        }
    }

    /// From the first start to the last check; gives what was wrong.
    pub fn run(&mut self) -> Option<String> {
        self.begin();
        if self.wrong().is_none() {
            self.calm = false;
            self.network.calm = false;
            self.say(|_| "trouble begins".to_owned());
            self.after(self.options.trouble_pause, Event::Trouble);
            let end = self.now + self.options.trouble;
            self.until(end, |_| false);
        }
        if self.wrong().is_none() {
            self.calm_down();
        }
        self.wrong()
    }

    /// Starts every node, and makes a set of the voters.
    fn begin(&mut self) {
        for place in 0..self.nodes.len() {
            self.start(place);
            let first = self.random.below(50 * MILLI);
            self.after(first, Event::Tick(place));
            self.after(self.options.checkpoint_pause, Event::Checkpoint(place));
        }
        for client in 0..self.clients.len() {
            let first = self.random.below(self.options.think);
            self.after(first, Event::Client(client));
        }
        self.after(10 * MILLI, Event::Operator);
        let node = self.nodes.first_mut().and_then(|node| node.running.as_mut());
        if let Some(Err(error)) = node.map(|running| running.member.bootstrap()) {
            self.fail(format!("a set cannot begin: {error}"));
        }
        self.turn(0);
        let voters = usize::try_from(self.options.voters).unwrap_or_default();
        let deadline = self.now + 20 * ELECTION_TIMEOUT;
        let complete = self.until(deadline, |world| {
            world
                .leader()
                .and_then(|place| world.membership(place))
                .is_some_and(|members| members.voters.len() == voters && !members.is_joint())
        });
        if !complete {
            self.fail("the set does not come together".to_owned());
        }
    }

    /// Lets things happen until `done`, or until a rule is broken; false when time is up.
    pub fn until(&mut self, end: Micros, done: impl Fn(&World) -> bool) -> bool {
        while self.wrong().is_none() {
            let Some(next) = self.queue.first_entry() else { return false };
            if next.key().0 > end {
                self.now = end;
                return done(self);
            }
            let ((when, _), event) = next.remove_entry();
            self.now = when;
            self.figures.events += 1;
            self.happens(event);
            if done(self) {
                return true;
            }
        }
        false
    }

    fn happens(&mut self, event: Event) {
        self.hash.number(self.now);
        match event {
            Event::Tick(place) => self.tick(place),
            Event::Deliver { to, id, from, bytes } => self.deliver(to, id, from, bytes),
            Event::Client(client) => self.client_acts(client),
            Event::Operator => self.operator_acts(),
            Event::Trouble => self.trouble(),
            Event::Start(place) => self.start(place),
            Event::Settle(place) => self.turn(place),
            Event::Checkpoint(place) => self.checkpoint(place),
        }
    }

    pub fn start(&mut self, place: usize) {
        let seed = self.random.next();
        let with = StartWith {
            checks: &self.checks,
            planted: self.planted,
            seed,
            retained: self.options.retained,
            chunk_bytes: self.options.chunk_bytes,
        };
        let Some(node) = self.nodes.get_mut(place) else { return };
        if node.running.is_some() {
            return;
        }
        let started = node.start(&with);
        if let Err(what) = started {
            return self.fail(what);
        }
        self.say(|world| format!("{} starts", world.nodes[place].id));
        self.turn(place);
    }
}
