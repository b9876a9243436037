//! This process as a member of a replica set.
//!
//! Owns how the set, the links to other members and the server are joined: constructs, translates
//! between them, and lets the set have its beats. Decides nothing.

use crate::discarded::Discarded;
use crate::host::WallClock;
use crate::key_file::KeyFile;
use crate::peers::{ConfigurationAge, Identity, Keys, Links, LocalMember, Standing};
use crate::random;
use crate::shutdown::Shutdown;
use crate::stores::Stores;
use quire_bson::ObjectId;
use quire_commands::Server;
use quire_config::ReplicaSetSetting;
use quire_consensus::{
    ConsensusKind, Message, Options, RecoveryError, Replica, Retention, Role, Surroundings,
    Transport,
};
use quire_documents::Documents;
use quire_execution::Clock;
use quire_execution::wait::Waiting;
use quire_failpoints::{Election, FailPoints};
use quire_log::{LogStore, StateMachine};
use quire_replset::set::{BEAT_EVERY, Founding, Listener, Notice, Outside, PeerIdentity};
use quire_replset::{HostPort, ReplicaSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::runtime::Handle;

/// The fail points of a node with test commands; no other has any.
pub(crate) type Points = Option<Arc<FailPoints>>;

/// A set and what connects it to the others.
#[derive(Clone)]
pub(crate) struct Replication {
    pub(crate) set: Arc<ReplicaSet>,
    pub(crate) links: Arc<Links>,
    points: Points,
    /// The members that the first of them makes a set of.
    initiate: Arc<[HostPort]>,
}

impl Replication {
    /// Before anything is open: the node is the data directory's.
    pub(crate) fn new(
        setting: &ReplicaSetSetting,
        keys: Option<&KeyFile>,
        address: HostPort,
        process: ObjectId,
        node: u64,
        points: Points,
    ) -> Replication {
        let identity = Identity {
            node,
            set_name: setting.name.clone(),
            process,
            keys: Keys::new(keys.map_or(&[], KeyFile::keys)),
        };
        let links =
            Arc::new(Links::new(identity, address.to_string(), Handle::current(), points.clone()));
        let name = setting.name.clone();
        let founding = Founding { name, seeds: addresses(&setting.seeds), address, node, process };
        let outside = Arc::new(Neighbours { links: links.clone(), points: points.clone() });
        let set = Arc::new(ReplicaSet::new(founding, outside));
        Replication { set, links, points, initiate: addresses(&setting.initiate).into() }
    }

    /// Starts the replica as a member.
    pub(crate) fn join(
        &self,
        log: Arc<dyn LogStore>,
        machine: Arc<dyn StateMachine>,
        retention: Retention,
    ) -> Result<Replica, RecoveryError> {
        let node = self.set.node();
        let options = Options { node, seed: random::bits(), retention, ..Options::default() };
        let surroundings =
            Surroundings { transport: self.links.clone(), observer: self.set.clone() };
        Replica::join(log, machine, options, surroundings)
    }

    /// Lets messages in.
    pub(crate) fn open_doors(&self, stores: &Stores) {
        let replica = stores.sequencer.replica().clone();
        if let Some(directory) = &stores.directory {
            replica.set_keeper(Arc::new(Discarded::beside(directory.path())));
        }
        self.set.attach(replica.clone(), stores.sequencer.clone());
        let documents = stores.documents.clone();
        let (set, points) = (self.set.clone(), self.points.clone());
        self.links.attach(Arc::new(Local { set, replica, documents, points }));
    }

    /// Tells clients of changes, and lets the set do what it does unasked.
    pub(crate) fn serve(&self, server: &Arc<Server>, shutdown: &Arc<Shutdown>) {
        self.set.listen(Arc::new(Clients { server: Arc::downgrade(server) }));
        let (set, shutdown) = (self.set.clone(), shutdown.clone());
        let (points, replica) = (self.points.clone(), server.sequencer.replica().clone());
        tokio::spawn(async move {
            let beats = async {
                loop {
                    stand_if_forced(&points, &replica);
                    set.beat().await;
                    let seen = set.progressed.generation();
                    let due = tokio::time::sleep(BEAT_EVERY);
                    tokio::pin!(due);
                    // A change is worth a look at once, but not each of a thousand.
                    tokio::select! {
                        () = &mut due => {}
                        () = set.progressed.changed_since(seen) => {
                            tokio::time::sleep(BEAT_EVERY / 10).await;
                        }
                    }
                }
            };
            tokio::select! {
                () = shutdown.begun() => {}
                () = beats => {}
            }
        });
    }

    /// Makes a set of the members that were named at the start, if they were. Not before this
    /// process can be asked who it is.
    pub(crate) fn initiate_unasked(&self, shutdown: &Arc<Shutdown>) {
        let (set, hosts, shutdown) = (self.set.clone(), self.initiate.clone(), shutdown.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = shutdown.begun() => {}
                () = set.initiate_unasked(&hosts) => {}
            }
        });
    }
}

/// Lets the fail point `quireElection` have a member stand that does not lead.
fn stand_if_forced(points: &Points, replica: &Replica) {
    let Some(point) = points.as_ref().map(|points| &points.quire_election) else { return };
    if !point.is_on() || replica.view().role != Role::Follower {
        return;
    }
    if point.enter_if(|election| *election == Election::Force).is_some() {
        replica.campaign();
    }
}

/// Whether the fail point `quireElection` lets this member stand.
fn may_stand(points: &Points) -> bool {
    points.as_ref().is_none_or(|points| {
        points.quire_election.enter_if(|election| *election == Election::Forbid).is_none()
    })
}

fn addresses(given: &[quire_config::HostPort]) -> Vec<HostPort> {
    given.iter().map(|given| HostPort::new(given.host.clone(), given.port)).collect()
}

/// The links as the set sees them.
struct Neighbours {
    links: Arc<Links>,
    points: Points,
}

impl Outside for Neighbours {
    fn probe(&self, host: &HostPort) -> Waiting<'static, Result<PeerIdentity, String>> {
        let (links, host) = (self.links.clone(), host.to_string());
        // A task of its own: several hosts are asked at once, and a silent one takes seconds.
        let asked = tokio::spawn(async move {
            let hello = links.probe(&host).await.map_err(|failure| failure.to_string())?;
            let age = hello.standing.configuration;
            Ok(PeerIdentity {
                node: hello.node,
                set_name: hello.set_name,
                process: hello.process,
                configuration: age.map(|age| (age.version, age.term)),
                is_empty: hello.standing.empty,
            })
        });
        Box::pin(async move { asked.await.unwrap_or_else(|error| Err(error.to_string())) })
    }

    fn set_members(&self, own: Option<&HostPort>, others: Vec<(u64, HostPort)>) {
        if let Some(own) = own {
            self.links.set_host(own.to_string());
        }
        let others = others.into_iter().map(|(node, host)| (node, host.to_string()));
        self.links.set_peers(others.collect());
    }

    fn tell(&self, node: u64, bytes: Vec<u8>) {
        self.links.send(node, Message::Gossip(bytes));
    }

    fn trouble_with(&self, node: u64) -> Option<String> {
        Some(self.links.failure(node)?.to_string())
    }

    fn allows_standing(&self) -> bool {
        may_stand(&self.points)
    }

    fn sleep(&self, duration: Duration) -> Waiting<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }

    fn now_millis(&self) -> i64 {
        WallClock.now_millis()
    }

    fn random(&self) -> u64 {
        random::bits()
    }
}

/// The replica as the links see it.
struct Local {
    set: Arc<ReplicaSet>,
    replica: Arc<Replica>,
    documents: Arc<Documents>,
    points: Points,
}

impl Local {
    /// Whether a fail point has this member not hear a message.
    fn ignores(&self, message: &Message) -> bool {
        let (Some(points), Message::Consensus(message)) = (&self.points, message) else {
            return false;
        };
        match message.kind {
            ConsensusKind::Append if !message.entries.is_empty() => {
                points.stop_repl_producer.enter().is_some()
            }
            ConsensusKind::TimeoutNow => !may_stand(&self.points),
            _ => false,
        }
    }
}

/// Databases that every member has for itself.
const OWN_DATABASES: [&str; 3] = ["admin", "config", "local"];

impl LocalMember for Local {
    fn receive(&self, from: u64, message: Message) {
        if !self.ignores(&message) {
            self.replica.receive(from, message);
        }
    }

    fn attend(&self) {
        self.replica.attend();
    }

    fn peer_is_dead(&self, node: u64) {
        self.set.peer_is_dead(node);
    }

    fn standing(&self) -> Standing {
        let detail = self.set.detail();
        let configuration = detail.map(|detail| ConfigurationAge {
            version: detail.config.version,
            term: detail.config.term,
        });
        let catalog = self.documents.catalog();
        let empty = catalog
            .collections()
            .all(|collection| OWN_DATABASES.contains(&collection.namespace.database()));
        Standing { configuration, empty }
    }
}

/// The server's clients as the set sees them.
struct Clients {
    server: Weak<Server>,
}

impl Listener for Clients {
    fn changed(&self) {
        if let Some(server) = self.server.upgrade() {
            server.set_changed();
        }
    }

    fn stepped_down(&self) {
        if let Some(server) = self.server.upgrade() {
            server.stepped_down();
        }
    }

    fn deposed(&self) {
        if let Some(server) = self.server.upgrade() {
            server.deposed();
        }
    }

    fn told(&self, notice: Notice) {
        if let Some(server) = self.server.upgrade() {
            server.told(notice);
        }
    }
}
