use super::super::{Founding, Outside, PeerIdentity};
use super::*;
use crate::RaftId;
use parking_lot::Mutex;
use quire_bson::ObjectId;
use quire_execution::wait::Waiting;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

type Answer = std::result::Result<PeerIdentity, String>;

/// Who answers where.
type Answers = Vec<(&'static str, Answer)>;

/// Addresses and who answers there, one row for each round; the last row stays.
struct Town {
    own: ObjectId,
    rounds: Vec<Answers>,
    asked: Mutex<Vec<String>>,
    round: Mutex<usize>,
}

impl Outside for Town {
    fn probe(&self, host: &HostPort) -> Waiting<'static, Answer> {
        let host = host.to_string();
        let round = (*self.round.lock()).min(self.rounds.len() - 1);
        let known = self.rounds[round].iter().find(|(known, _)| *known == host);
        let answer = known.map_or(Err("refused".to_owned()), |(_, answer)| answer.clone());
        self.asked.lock().push(host);
        Box::pin(async { answer })
    }

    fn set_members(&self, _: Option<&HostPort>, _: Vec<(RaftId, HostPort)>) {}

    fn tell(&self, _: RaftId, _: Vec<u8>) {}

    fn trouble_with(&self, _: RaftId) -> Option<String> {
        None
    }

    fn sleep(&self, _: Duration) -> Waiting<'static, ()> {
        *self.round.lock() += 1;
        Box::pin(async {})
    }

    fn now_millis(&self) -> i64 {
        0
    }

    fn random(&self) -> u64 {
        0
    }
}

/// Somebody of this set without a configuration and without data.
fn new(node: RaftId, process: ObjectId) -> PeerIdentity {
    let set_name = "rs0".to_owned();
    PeerIdentity { node, set_name, process, configuration: None, is_empty: true }
}

fn member(own: ObjectId, rounds: Vec<Answers>) -> (ReplicaSet, Arc<Town>) {
    let town = Town { own, rounds, asked: Mutex::default(), round: Mutex::default() };
    let town = Arc::new(town);
    let founding = Founding {
        name: "rs0".to_owned(),
        seeds: Vec::new(),
        address: HostPort::new("elsewhere", 1),
        node: 1,
        process: town.own,
    };
    (ReplicaSet::new(founding, town.clone()), town)
}

fn hosts() -> Vec<HostPort> {
    ["a", "b", "c"].map(|host| HostPort::new(host, 27017)).to_vec()
}

fn run(set: &ReplicaSet) {
    let hosts = hosts();
    let mut attempt = pin!(set.initiate_unasked(&hosts));
    // Nothing in this town takes any time.
    let done = attempt.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert_eq!(done, Poll::Ready(()));
}

#[test]
fn a_member_that_is_not_the_first_leaves_it_to_the_first() {
    let (own, first) = (ObjectId::new(), ObjectId::new());
    let answers = vec![("a:27017", Ok(new(2, first))), ("b:27017", Ok(new(1, own)))];
    let (set, town) = member(own, vec![answers]);
    run(&set);
    assert_eq!(*town.asked.lock(), ["a:27017"]);
}

#[test]
fn the_first_address_is_asked_until_somebody_answers_there() {
    let (own, first) = (ObjectId::new(), ObjectId::new());
    let silent = Vec::new();
    let (set, town) =
        member(own, vec![silent.clone(), silent, vec![("a:27017", Ok(new(2, first)))]]);
    run(&set);
    assert_eq!(*town.asked.lock(), ["a:27017"; 3]);
}

#[test]
fn the_first_never_begins_a_set_beside_one_that_exists_or_without_somebody() {
    let (own, other) = (ObjectId::new(), ObjectId::new());
    let me = || ("a:27017", Ok(new(1, own)));
    let with = |change: fn(&mut PeerIdentity)| {
        let mut identity = new(3, ObjectId::new());
        change(&mut identity);
        vec![me(), ("b:27017", Ok(new(2, other))), ("c:27017", Ok(identity))]
    };
    let cases: [(&str, Code, Answers); 4] = [
        ("c does not answer", Code::NodeNotFound, vec![me(), ("b:27017", Ok(new(2, other)))]),
        (
            "c has a configuration",
            Code::NewReplicaSetConfigurationIncompatible,
            with(|c| c.configuration = Some((4, 7))),
        ),
        ("c has data", Code::CannotInitializeNodeWithData, with(|c| c.is_empty = false)),
        (
            "c is of another set",
            Code::NewReplicaSetConfigurationIncompatible,
            with(|c| c.set_name = "rs1".to_owned()),
        ),
    ];
    for (case, code, answers) in cases {
        let (set, _) = member(own, vec![answers.clone()]);
        let document = DocBuf::from(&default_document("rs0", &hosts()[0], &hosts(), &|_| false));
        let mut once = pin!(set.initiate(Some(document.as_raw())));
        let refused = once.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(Err(error)) = refused else { panic!("{case}: {refused:?}") };
        assert_eq!(error.code(), code, "{case}: {error}");

        // It goes on asking, for as long as it has no configuration and is the first.
        let moved = vec![("a:27017", Ok(new(2, other)))];
        let (set, town) = member(own, vec![answers.clone(), answers, moved]);
        run(&set);
        let asked = town.asked.lock().iter().filter(|host| *host == "c:27017").count();
        assert_eq!(asked, 2, "{case}");
    }
}
