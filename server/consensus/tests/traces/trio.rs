//! Three members and the network between them.

use crate::rules::Rules;
use parking_lot::Mutex;
use quire_consensus::{
    Candidacy, ELECTION_TICKS, Lost, LostCause, Member, Membership, Message, Options, Role, Start,
    Ticket, Transport,
};
use quire_log::{
    Applied, Completeness, Entry, EntryKind, Export, Fatal, LogIndex, LogStore, SegmentLog,
    StateMachine, Timestamp, VOLATILE_SEGMENT_BYTES, VolatileFiles,
};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The state: how many commands took effect. The set's membership is known from the start.
#[derive(Default)]
pub struct Counter {
    applied: Mutex<Applied>,
    pub total: AtomicU64,
    pub explodes: AtomicBool,
}

impl StateMachine for Counter {
    fn applied(&self) -> Applied {
        *self.applied.lock()
    }

    fn durable(&self) -> Result<LogIndex, Fatal> {
        Ok(self.applied().index)
    }

    fn apply(&self, entries: &[Entry]) -> Result<(), Fatal> {
        let commands = entries.iter().filter(|entry| entry.kind == EntryKind::Effects).count();
        if commands > 0 && self.explodes.load(Ordering::SeqCst) {
            return Err(Fatal { reason: "rigged".to_owned(), no_space: false });
        }
        let mut applied = self.applied.lock();
        for Entry { index, term, timestamp, .. } in entries {
            assert_eq!(*index, applied.index.next(), "entries are applied in order");
            *applied = Applied { index: *index, term: *term, timestamp: *timestamp };
        }
        self.total.fetch_add(commands as u64, Ordering::SeqCst);
        Ok(())
    }

    fn flush(&self) -> Result<(), Fatal> {
        Ok(())
    }

    fn completeness(&self) -> Completeness {
        Completeness::Whole
    }

    fn configuration(&self) -> Option<Vec<u8>> {
        let voters = BTreeSet::from([1, 2, 3]);
        Some(Membership { voters, ..Membership::default() }.encode())
    }

    fn export(&self) -> Result<Box<dyn Export>, Fatal> {
        Err(uncopied())
    }

    fn begin_install(&self) -> Result<(), Fatal> {
        Err(uncopied())
    }

    fn install_chunk(&self, _: &[u8]) -> Result<(), Fatal> {
        Err(uncopied())
    }

    fn finish_install(&self) -> Result<Applied, Fatal> {
        Err(uncopied())
    }

    fn log_restarted(&self) -> Result<(), Fatal> {
        Ok(())
    }
}

/// The log is never shortened here, so nobody needs a copy.
fn uncopied() -> Fatal {
    Fatal { reason: "the counter is not copied".to_owned(), no_space: false }
}

/// What was sent and not delivered yet, oldest first.
#[derive(Default)]
struct Wire(Mutex<VecDeque<(u64, Message)>>);

impl Transport for Wire {
    fn send(&self, to: u64, message: Message) {
        self.0.lock().push_back((to, message));
    }
}

struct Node {
    member: Member,
    log: Arc<SegmentLog>,
    counter: Arc<Counter>,
}

/// One member at the end of a section, as a row of a table.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    pub role: &'static str,
    pub term: u64,
    pub last: u64,
    pub last_term: u64,
    /// Followers may learn of a commit at once or with the next message.
    pub commit: std::ops::RangeInclusive<u64>,
}

pub const fn leader(term: u64, last: u64, last_term: u64, commit: u64) -> Row {
    Row { role: "LEAD", term, last, last_term, commit: commit..=commit }
}

pub const fn follower(
    term: u64,
    last: u64,
    last_term: u64,
    commit: std::ops::RangeInclusive<u64>,
) -> Row {
    Row { role: "FLWR", term, last, last_term, commit }
}

/// Members 1 to 3.
pub struct Trio {
    nodes: Vec<Node>,
    /// Messages to and from it are lost.
    pub cut_off: Option<u64>,
    stamp: u64,
    rules: Rules,
}

impl Trio {
    pub fn new() -> Trio {
        let nodes = (1..=3).map(|node| {
            let files = Arc::new(VolatileFiles::default());
            let log = Arc::new(SegmentLog::open(files, VOLATILE_SEGMENT_BYTES).unwrap());
            let counter = Arc::new(Counter::default());
            let options = Options { node, seed: node, ..Options::default() };
            let member = Member::open(log.clone(), counter.clone(), options, Start::InSet);
            let mut member = member.unwrap();
            // Whoever stands is told to.
            member.set_candidacy(Candidacy { stands: false, delay_ticks: 0 });
            Node { member, log, counter }
        });
        Trio { nodes: nodes.collect(), cut_off: None, stamp: 0, rules: Rules::default() }
    }

    fn node(&mut self, id: u64) -> &mut Node {
        let place = usize::try_from(id - 1).unwrap();
        &mut self.nodes[place]
    }

    pub fn member(&mut self, id: u64) -> &mut Member {
        &mut self.node(id).member
    }

    pub fn counter(&mut self, id: u64) -> Arc<Counter> {
        self.node(id).counter.clone()
    }

    /// Lets every member do what it has to, and delivers messages until there are none.
    pub fn run(&mut self) {
        let wire = Wire::default();
        loop {
            for id in 1..=3 {
                let before = wire.0.lock().len();
                self.node(id).member.settle(&wire).answer();
                self.node(id).member.tell_commit();
                self.node(id).member.settle(&wire).answer();
                let commit = self.node(id).member.committed();
                for (to, message) in wire.0.lock().iter().skip(before) {
                    self.rules.sent(id, *to, message, commit);
                }
            }
            let Some((to, message)) = wire.0.lock().pop_front() else { break };
            let from = match &message {
                Message::Consensus(consensus) => consensus.from,
                // How far a member has applied is not part of the algorithm.
                _ => continue,
            };
            if ![Some(from), Some(to)].contains(&self.cut_off) {
                self.node(to).member.receive(from, message);
            }
        }
        for Node { log, member, .. } in &self.nodes {
            let entries = log.read(1..=log.last_index().0, usize::MAX).unwrap();
            self.rules.terms_begin_empty(&entries);
            self.rules.committed_stays(&entries, member.committed());
        }
    }

    /// Has time pass for some members until one of them has won an election.
    pub fn elect(&mut self, id: u64, ticking: &[u64]) {
        self.member(id).set_candidacy(Candidacy::default());
        let before = self.member(id).term();
        for _ in 0..2 * ELECTION_TICKS {
            for ticking in ticking {
                self.member(*ticking).tick(0);
            }
            self.run();
            if self.member(id).view().role == Role::Leader {
                break;
            }
        }
        let term = self.member(id).term();
        assert_eq!(term.0, before.0 + 1, "one election was enough");
        self.member(id).set_candidacy(Candidacy { stands: false, delay_ticks: 0 });
    }

    /// Has the leader send heartbeats.
    pub fn heartbeat(&mut self, id: u64) {
        for _ in 0..2 {
            self.member(id).tick(0);
        }
        self.run();
    }

    /// Sends a command and gives the ticket.
    pub fn command(&mut self, id: u64) -> Ticket {
        self.stamp += 100;
        let stamp = Timestamp(self.stamp);
        let ticket = self.member(id).submit(stamp, b"+1".to_vec());
        self.run();
        ticket
    }

    /// The term, last entry and its term of every election, in order.
    pub fn votes_asked(&self) -> Vec<(u64, u64, u64)> {
        let mut asked = self.rules.votes_asked.clone();
        asked.dedup();
        asked.iter().map(|(term, index, log_term)| (term.0, index.0, log_term.0)).collect()
    }

    fn row(&mut self, id: u64) -> Row {
        let Node { member, log, .. } = self.node(id);
        let role = match member.view().role {
            Role::Leader => "LEAD",
            Role::Follower => "FLWR",
            Role::PreCandidate | Role::Candidate => "CNDI",
        };
        let last = log.last_index();
        let last_term = log.term(last).unwrap().unwrap_or_default().0;
        let commit = member.committed().0;
        Row { role, term: member.term().0, last: last.0, last_term, commit: commit..=commit }
    }

    /// Holds the members against the table of a section, and what they applied against `applied`.
    pub fn check(&mut self, section: &str, expected: [Row; 3], totals: [u64; 3]) {
        for (id, expected) in (1..).zip(expected) {
            let row = self.row(id);
            let applied = self.counter(id).applied().index.0;
            println!("{section}: N-{id} {row:?} applied {applied}");
            let commit = *row.commit.start();
            assert!(expected.commit.contains(&commit), "{section}: N-{id} commit {commit}");
            let expected = Row { commit: commit..=commit, ..expected };
            assert_eq!(row, expected, "{section}: N-{id}");
        }
        let counted = [1, 2, 3].map(|id| self.counter(id).total.load(Ordering::SeqCst));
        assert_eq!(counted, totals, "{section}: what took effect");
    }
}

/// Whether the proposal ended, and well or why not.
pub fn outcome(ticket: &mut Ticket) -> Option<Result<u64, LostCause>> {
    ticket.outcome().map(|ended| match ended {
        Ok(committed) => Ok(committed.index.0),
        Err(Lost { cause }) => Err(cause),
    })
}
