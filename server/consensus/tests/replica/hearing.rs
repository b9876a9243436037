//! What a member hears from others: who deals with it, and when.

use crate::bench::{Ledger, open_log, wait_until};
use parking_lot::Mutex;
use quire_consensus::{
    Consensus, ConsensusKind, Membership, Message, NoObserver, Options, Replica, Surroundings,
    Transport,
};
use quire_log::{LogIndex, MemoryFiles, Term, Timestamp};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

const OWN: u64 = 7;
const LEADER: u64 = 9;

/// What was answered, and by which thread.
#[derive(Default)]
struct Answers(Mutex<Vec<(ConsensusKind, String)>>);

impl Transport for Answers {
    fn send(&self, to: u64, message: Message) {
        let Message::Consensus(message) = message else { return };
        assert_eq!(to, LEADER);
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().push((message.kind, thread));
    }
}

fn member(options: Options) -> (Replica, Arc<Answers>) {
    let answers = Arc::new(Answers::default());
    let surroundings = Surroundings { transport: answers.clone(), observer: Arc::new(NoObserver) };
    let options = Options { node: OWN, ..options };
    let log = open_log(Arc::new(MemoryFiles::default()));
    let replica = Replica::join(log, Arc::new(Ledger::default()), options, surroundings).unwrap();
    (replica, answers)
}

fn heartbeat(context: Vec<u8>) -> Message {
    Message::Consensus(Consensus {
        kind: ConsensusKind::Heartbeat,
        from: LEADER,
        to: OWN,
        term: Term(3),
        index: LogIndex(0),
        log_term: Term(0),
        commit: LogIndex(0),
        commit_term: Term(0),
        reject: false,
        reject_hint: LogIndex(0),
        context,
        entries: Vec::new(),
    })
}

fn hear(replica: &Replica, message: Message) {
    replica.receive(LEADER, message);
    replica.attend();
}

/// Whose thread answered the last one, after it was answered.
fn answerer(answers: &Answers, count: usize) -> String {
    wait_until(|| answers.0.lock().len() == count);
    let (kind, thread) = answers.0.lock().last().cloned().unwrap();
    assert_eq!(kind, ConsensusKind::HeartbeatResponse);
    thread
}

#[test]
fn an_idle_member_answers_on_the_thread_that_heard() {
    let (replica, answers) = member(Options::default());
    hear(&replica, heartbeat(Vec::new()));
    assert_eq!(answers.0.lock().len(), 1, "before it returns");
    assert_eq!(answerer(&answers, 1), std::thread::current().name().unwrap_or_default());
}

#[test]
fn a_long_message_is_left_to_the_members_own_thread() {
    let (replica, answers) = member(Options::default());
    hear(&replica, heartbeat(vec![0; 512 << 10]));
    assert_ne!(answerer(&answers, 1), std::thread::current().name().unwrap_or_default());
}

#[test]
fn what_nobody_attended_to_is_dealt_with_at_the_next_tick() {
    let (replica, answers) = member(Options::default());
    replica.set_tick(Duration::from_millis(5));
    replica.receive(LEADER, heartbeat(Vec::new()));
    assert_ne!(answerer(&answers, 1), std::thread::current().name().unwrap_or_default());
}

/// What members that are connected have said and nobody has heard yet.
#[derive(Default)]
struct Wire(Mutex<VecDeque<(u64, u64, Message)>>);

struct From(u64, Arc<Wire>);

impl Transport for From {
    fn send(&self, to: u64, message: Message) {
        self.1.0.lock().push_back((self.0, to, message));
    }
}

/// Hears what there is to hear until something holds. Nobody's clock ticks meanwhile.
fn hear_until(members: &[Replica; 2], wire: &Wire, holds: impl Fn() -> bool) {
    wait_until(|| {
        let said = std::mem::take(&mut *wire.0.lock());
        for (from, to, message) in said {
            let hearer = &members[usize::try_from(to).unwrap() - 1];
            hearer.receive(from, message);
            hearer.attend();
        }
        holds()
    });
}

#[test]
fn a_member_is_told_what_is_committed_when_its_own_answer_committed_it() {
    let wire = Arc::new(Wire::default());
    let members = [1, 2].map(|node| {
        let transport = Arc::new(From(node, wire.clone()));
        let surroundings = Surroundings { transport, observer: Arc::new(NoObserver) };
        let log = open_log(Arc::new(MemoryFiles::default()));
        let options = Options { node, ..Options::default() };
        Replica::join(log, Arc::new(Ledger::default()), options, surroundings).unwrap()
    });
    let [leader, follower] = &members;
    leader.bootstrap().unwrap();
    wait_until(|| leader.is_writable());
    for (stamp, outgoing) in [(10, &[1][..]), (20, &[])] {
        let next = Membership {
            voters: [1, 2].into(),
            outgoing: outgoing.iter().copied().collect(),
            ..Membership::default()
        };
        let before = leader.applied().index;
        leader.propose_membership(leader.epoch(), Timestamp(stamp), &next).unwrap();
        hear_until(&members, &wire, || leader.applied().index > before);
    }
    for stamp in 30..40 {
        let before = leader.applied().index;
        let _ticket =
            leader.propose(leader.epoch(), Timestamp(stamp), b"a".to_vec()).unwrap().commit();
        hear_until(&members, &wire, || leader.applied().index > before);
        hear_until(&members, &wire, || follower.applied() == leader.applied());
    }
}
