//! A set of members and the network between them, which loses what it is told to lose.

use parking_lot::Mutex;
use quire_consensus::{
    ELECTION_TICKS, Member, Membership, Message, Options, Role, Start, Ticket, Transport,
};
use quire_documents::{Documents, Effect, Effects};
use quire_engine::{Engine, Faulty, FaultyEngine, MemoryEngine};
use quire_keys::KeySpace;
use quire_log::{MemoryFiles, SegmentLog, StateMachine, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// No test here fills a segment.
const SEGMENT_BYTES: u64 = 64 << 10;

#[derive(Default)]
struct Wire(Mutex<VecDeque<(u64, u64, Message)>>);

struct From<'a>(u64, &'a Wire);

impl Transport for From<'_> {
    fn send(&self, to: u64, message: Message) {
        self.1.0.lock().push_back((self.0, to, message));
    }
}

pub struct Node {
    pub member: Member,
    pub documents: Arc<Documents>,
    pub log: Arc<SegmentLog>,
    pub log_files: Arc<MemoryFiles>,
    pub data_faults: Arc<FaultyEngine>,
}

impl Node {
    fn new(node: u64) -> Node {
        let log_files = Arc::new(MemoryFiles::default());
        let log = Arc::new(SegmentLog::open(log_files.clone(), SEGMENT_BYTES).unwrap());
        let memory: Arc<dyn Engine> = Arc::new(MemoryEngine::new(KeySpace::ALL.len()));
        let data_faults = Arc::new(Faulty::new(memory));
        let documents = Arc::new(Documents::open(data_faults.clone()).unwrap());
        let member = opened(node, &log, &documents);
        Node { member, documents, log, log_files, data_faults }
    }

    /// Starts the member again from what it had written.
    pub fn restart(&mut self) {
        self.member = opened(self.member.node(), &self.log, &self.documents);
    }
}

fn opened(node: u64, log: &Arc<SegmentLog>, documents: &Arc<Documents>) -> Member {
    let options = Options {
        node,
        seed: node,
        retention: quire_consensus::Retention::Entries(1),
        ..Options::default()
    };
    Member::open(log.clone(), documents.clone(), options, Start::InSet).unwrap()
}

type Loses = Box<dyn Fn(u64, u64, &Message) -> bool>;

pub struct Set {
    pub nodes: BTreeMap<u64, Node>,
    pub loses: Loses,
    /// Leaders tell at once what is committed, and not with what they send next.
    pub tells_commits: bool,
    stamp: u64,
}

/// The voters, those on their way out, and the learners.
pub fn members(voters: &[u64], outgoing: &[u64], learners: &[u64]) -> Membership {
    let ids = |ids: &[u64]| ids.iter().copied().collect::<BTreeSet<u64>>();
    Membership {
        voters: ids(voters),
        outgoing: ids(outgoing),
        learners: ids(learners),
        ..Membership::default()
    }
}

impl Set {
    /// Nodes 1 to `count`, of which the first is a set of its own.
    pub fn new(count: u64) -> Set {
        let nodes = (1..=count).map(|id| (id, Node::new(id))).collect();
        let mut set =
            Set { nodes, loses: Box::new(|_, _, _| false), tells_commits: true, stamp: 0 };
        set.node(1).member.bootstrap().unwrap();
        set.run();
        set
    }

    pub fn node(&mut self, id: u64) -> &mut Node {
        self.nodes.get_mut(&id).unwrap()
    }

    /// Lets every member do what it has to, and delivers messages until there are none.
    pub fn run(&mut self) {
        let wire = Wire::default();
        loop {
            for (id, node) in &mut self.nodes {
                node.member.settle(&From(*id, &wire)).answer();
                if self.tells_commits {
                    node.member.tell_commit();
                    node.member.settle(&From(*id, &wire)).answer();
                }
            }
            let Some((from, to, message)) = wire.0.lock().pop_front() else { break };
            let lost = (self.loses)(from, to, &message);
            if let Some(node) = self.nodes.get_mut(&to).filter(|_| !lost) {
                node.member.receive(from, message);
            }
        }
    }

    pub fn tick(&mut self, ticks: usize) {
        for _ in 0..ticks {
            for node in self.nodes.values_mut() {
                node.member.tick(0);
            }
            self.run();
        }
    }

    /// Lets time pass until something holds.
    pub fn within(&mut self, timeouts: usize, holds: impl Fn(&Set) -> bool) -> bool {
        (0..timeouts * ELECTION_TICKS).any(|_| {
            self.tick(1);
            holds(self)
        })
    }

    pub fn leader(&self) -> Option<u64> {
        let leads = |node: &&Node| node.member.view().role == Role::Leader;
        self.nodes.values().find(leads).map(|node| node.member.node())
    }

    pub fn write(&mut self, id: u64) -> Ticket {
        self.stamp += 10;
        let note = quire_bson::DocBuf::new();
        let effects = Effects { effects: vec![Effect::Noop { note }], ..Effects::default() };
        let stamp = Timestamp(1_000 + self.stamp);
        let ticket = self.node(id).member.submit(stamp, effects.encode());
        self.run();
        ticket
    }

    pub fn change(&mut self, id: u64, next: &Membership) {
        self.stamp += 10;
        let stamp = Timestamp(1_000 + self.stamp);
        self.node(id).member.propose_membership(stamp, next).unwrap();
        self.run();
    }

    /// Lets a log forget everything that it may.
    pub fn compact(&mut self, id: u64) {
        self.node(id).documents.flush().unwrap();
        self.node(id).member.compact();
    }

    pub fn applied(&self, id: u64) -> u64 {
        self.nodes[&id].documents.applied().index.0
    }

    pub fn has_everything(&self, id: u64, as_much_as: u64) -> bool {
        self.applied(id) == self.applied(as_much_as)
            && !self.nodes[&id].member.view().partial
            && self.nodes[&id].documents.state_hash().ok()
                == self.nodes[&as_much_as].documents.state_hash().ok()
    }
}
