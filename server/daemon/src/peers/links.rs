//! All links of this process.
//!
//! Owns what the links share, and the face that the rest of the daemon sees: sending, telling who
//! the members are, asking a host who it is, closing.

use super::dial::{self, Failure, Name};
use super::faults::Faults;
use super::handshake;
use super::hello::{PeerHello, Purpose, Standing};
use super::notices::Notices;
use super::outgoing;
use super::registry::{Peer, Registry};
use super::{Identity, Timing};
use parking_lot::RwLock;
use quire_consensus::{Message, Transport};
use quire_errors::{Code, CommandError};
use quire_failpoints::{Direction, FailPoints};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// How often closing looks whether everything has left.
const DRAIN_POLL: Duration = Duration::from_millis(2);

/// The member of the set that this process is.
pub(crate) trait LocalMember: Send + Sync {
    /// Must not block.
    fn receive(&self, from: u64, message: Message);

    /// All is handed over that arrived together. Takes as long as a quick sync at most.
    fn attend(&self);

    /// The process of a member is certainly gone. May block.
    fn peer_is_dead(&self, node: u64);

    /// What others may be told when they ask.
    fn standing(&self) -> Standing;
}

/// Every link from and to this process.
pub(crate) struct Links {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) identity: Identity,
    pub(super) timing: Timing,
    runtime: Handle,
    /// Where others reach us.
    host: RwLock<String>,
    /// `None` until there is one, and again when links are closed.
    pub(super) member: RwLock<Option<Arc<dyn LocalMember>>>,
    pub(super) registry: Registry,
    pub(super) notices: Notices,
    pub(super) faults: Faults,
    pub(super) closing: watch::Sender<bool>,
}

impl Links {
    /// `host` is this process's `host:port` as others know it. Nothing is sent or accepted before
    /// [`Links::attach`]. There are fail points only where test commands are.
    pub(crate) fn new(
        identity: Identity,
        host: String,
        runtime: Handle,
        points: Option<Arc<FailPoints>>,
    ) -> Links {
        Links::with_timing(identity, host, runtime, points, Timing::default())
    }

    pub(super) fn with_timing(
        identity: Identity,
        host: String,
        runtime: Handle,
        points: Option<Arc<FailPoints>>,
        timing: Timing,
    ) -> Links {
        let shared = Shared {
            identity,
            timing,
            runtime,
            host: RwLock::new(host),
            member: RwLock::new(None),
            registry: Registry::default(),
            notices: Notices::default(),
            faults: Faults::new(points),
            closing: watch::Sender::new(false),
        };
        Links { shared: Arc::new(shared) }
    }

    /// From now on what arrives is handed to `member`.
    pub(crate) fn attach(&self, member: Arc<dyn LocalMember>) {
        *self.shared.member.write() = Some(member);
    }

    /// Where others reach this process, when a configuration says it.
    pub(crate) fn set_host(&self, host: String) {
        *self.shared.host.write() = host;
    }

    /// The other members by id and `host:port`, in place of those told before.
    pub(crate) fn set_peers(&self, peers: Vec<(u64, String)>) {
        let own = self.shared.identity.node;
        let wanted = peers.into_iter().filter(|(node, _)| *node != own).collect();
        self.shared.registry.set(wanted, |peer| self.shared.start(peer));
    }

    /// Why a member cannot be reached at the moment, as far as links can tell.
    pub(crate) fn failure(&self, node: u64) -> Option<Failure> {
        self.shared.registry.get(node)?.failure.lock().clone()
    }

    /// Asks a host who it is. It may be this process itself.
    pub(crate) async fn probe(&self, host: &str) -> Result<PeerHello, Failure> {
        let shared = &self.shared;
        if shared.faults.cut(Direction::Out, host) {
            return Err(Failure::cut());
        }
        let mut stream = dial::reach(&mut Name::of(host), &shared.timing).await?;
        let us = (&shared.identity, shared.host());
        handshake::introduce(&mut stream, us, (Purpose::Probe, None), &shared.timing).await
    }

    /// Sends what is queued, for a moment, and ends every link. What arrives or is sent afterwards
    /// is lost.
    pub(crate) async fn close(&self) {
        let since = Instant::now();
        while since.elapsed() < self.shared.timing.drain_max && self.shared.is_sending() {
            tokio::time::sleep(DRAIN_POLL).await;
        }
        self.shared.closing.send_replace(true);
        self.shared.registry.close();
        *self.shared.member.write() = None;
    }
}

impl Transport for Links {
    fn send(&self, to: u64, message: Message) {
        let registry = &self.shared.registry;
        let known = registry.get(to);
        if let Some(peer) = known.or_else(|| registry.guest(to, |peer| self.shared.start(peer))) {
            peer.outbox.put(message);
        }
    }
}

impl Shared {
    pub(super) fn host(&self) -> String {
        self.host.read().clone()
    }

    pub(super) fn member(&self) -> Option<Arc<dyn LocalMember>> {
        self.member.read().clone()
    }

    /// What openers are told, or why they are not let in.
    pub(super) fn standing(&self) -> Result<Standing, CommandError> {
        if *self.closing.borrow() {
            let text = "The server is in quiesce mode and will shut down";
            return Err(CommandError::new(Code::ShutdownInProgress, text));
        }
        let member = self.member().ok_or_else(|| {
            CommandError::new(Code::NotYetInitialized, "this member is still starting")
        })?;
        Ok(member.standing())
    }

    pub(super) fn start(self: &Arc<Self>, peer: Arc<Peer>) -> AbortHandle {
        self.runtime.spawn(outgoing::run(self.clone(), peer)).abort_handle()
    }

    /// A link with this member broke, and its host refuses connections.
    pub(super) fn report_death(&self, peer: &Peer) {
        if !peer.found_dead() {
            return;
        }
        tracing::info!(
            target: "REPL",
            id = 7_100_063,
            host = peer.host,
            "A member's process is gone: its host refuses connections"
        );
        if let Some(member) = self.member() {
            let node = peer.node;
            // It may wait for a sync to end, and this thread has other connections to serve.
            drop(self.runtime.spawn_blocking(move || member.peer_is_dead(node)));
        }
    }

    fn is_sending(&self) -> bool {
        let peers = self.registry.all();
        peers.iter().any(|peer| peer.connected.load(Ordering::Relaxed) && peer.outbox.is_busy())
    }
}

impl Drop for Links {
    fn drop(&mut self) {
        self.shared.closing.send_replace(true);
        self.shared.registry.close();
    }
}
