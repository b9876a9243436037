//! A set of one in the test's own process: the real member over the real replica, with nobody
//! around it.

use super::{FakeHost, Rig};
use crate::host::Host;
use crate::persona::Persona;
use crate::{Client, Server};
use quire_bson::{ObjectId, doc};
use quire_consensus::{Options, Replica, Surroundings};
use quire_execution::Clock;
use quire_execution::wait::Waiting;
use quire_log::{LogStore, StateMachine};
use quire_replset::set::{Founding, Listener, Notice, Outside, PeerIdentity};
use quire_replset::{HostPort, RaftId, ReplicaSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

const NODE: RaftId = 7;

impl Rig {
    /// A server that was started as a member of `rs` and has not been told of any set yet.
    pub fn without_configuration() -> Rig {
        Rig::uninitiated(Persona::default())
    }

    fn uninitiated(persona: Persona) -> Rig {
        let host = Arc::new(FakeHost::default());
        let founding = Founding {
            name: "rs".to_owned(),
            seeds: Vec::new(),
            address: HostPort::new("localhost", 27017),
            node: NODE,
            process: ObjectId::from_bytes([1; 12]),
        };
        let set = Arc::new(ReplicaSet::new(founding, Arc::new(Nobody { host: host.clone() })));
        let server = Arc::new(super::server(&host, persona, Some(set.clone())));
        set.attach(server.sequencer.replica().clone(), server.sequencer.clone());
        set.listen(Arc::new(Clients(Arc::downgrade(&server))));
        Rig { server, client: Arc::new(Client::new(1, None)), host }
    }

    /// The primary of a set of one.
    pub fn primary() -> Rig {
        let rig = Rig::without_configuration();
        rig.ok("admin", doc! {"replSetInitiate": {}});
        rig
    }

    /// The same, of another version.
    pub fn primary_as(version: &str) -> Rig {
        let rig = Rig::uninitiated(Persona::named(version).expect("a version"));
        rig.ok("admin", doc! {"replSetInitiate": {}});
        rig
    }

    /// A member that was primary and stands no more for a while.
    pub fn secondary() -> Rig {
        let rig = Rig::primary();
        rig.step_down();
        rig
    }

    pub fn step_down(&self) {
        self.ok("admin", doc! {"replSetStepDown": 600, "force": true});
        // Who is left without a leader knows it at its next tick.
        for _ in 0..200 {
            let hello = self.ok("admin", doc! {"isMaster": 1});
            if hello.get_bool("secondary").unwrap() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the member did not become a secondary");
    }
}

/// Starts the replica of a member.
pub(super) fn join(
    log: Arc<dyn LogStore>,
    machine: Arc<dyn StateMachine>,
    set: Arc<ReplicaSet>,
) -> Replica {
    let options = Options { node: NODE, ..Options::default() };
    let surroundings = Surroundings { observer: set, ..Surroundings::default() };
    Replica::join(log, machine, options, surroundings).expect("a new replica")
}

/// A world in which nobody answers.
struct Nobody {
    host: Arc<FakeHost>,
}

impl Outside for Nobody {
    fn probe(&self, host: &HostPort) -> Waiting<'static, Result<PeerIdentity, String>> {
        let why = format!("nobody answers at {host}");
        Box::pin(async move { Err(why) })
    }

    fn set_members(&self, _own: Option<&HostPort>, _others: Vec<(RaftId, HostPort)>) {}

    fn trouble_with(&self, _node: RaftId) -> Option<String> {
        None
    }

    fn tell(&self, _node: RaftId, _bytes: Vec<u8>) {}

    fn sleep(&self, duration: Duration) -> Waiting<'static, ()> {
        Host::sleep(self.host.as_ref(), duration)
    }

    fn now_millis(&self) -> i64 {
        Clock::now_millis(self.host.as_ref())
    }

    fn random(&self) -> u64 {
        Host::random(self.host.as_ref())
    }
}

/// Tells the server of changes, as the daemon does.
struct Clients(Weak<Server>);

impl Listener for Clients {
    fn changed(&self) {
        if let Some(server) = self.0.upgrade() {
            server.set_changed();
        }
    }

    fn stepped_down(&self) {
        if let Some(server) = self.0.upgrade() {
            server.stepped_down();
        }
    }

    fn deposed(&self) {
        if let Some(server) = self.0.upgrade() {
            server.deposed();
        }
    }

    fn told(&self, notice: Notice) {
        if let Some(server) = self.0.upgrade() {
            server.told(notice);
        }
    }
}
