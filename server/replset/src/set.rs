//! A running member of a replica set.
//!
//! Owns what the rules of the other modules are applied to: the configuration in force, what was
//! last heard of the others, who is frozen or in maintenance. It decides nothing about safety; the
//! replica below does. It moves when it is told of a change, asked by a command, or given a beat.

mod duties;
mod figures;
mod gossip;
mod initiating;
mod notices;
mod quorum_check;
mod reconfiguring;
mod reporting;
mod standing;
mod stepping;
mod time;
mod unasked;
mod waiting;

pub use duties::BEAT_EVERY;
pub use figures::{Figures, MemberFigures};
pub use initiating::Initiated;
pub use notices::{Notice, SessionUse, SessionUses};
pub use standing::Standing;
pub use stepping::StepDown;

use crate::{Detail, HostPort, RaftId};
use gossip::Gossip;
use parking_lot::Mutex;
use quire_bson::ObjectId;
use quire_consensus::{Candidacy, MemberView, Replica};
use quire_execution::Sequencer;
use quire_execution::wait::{Signal, Waiting};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Who answers at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerIdentity {
    pub node: RaftId,
    pub set_name: String,
    /// The process; tells this one from others.
    pub process: ObjectId,
    /// Version and term of its configuration, if it has one.
    pub configuration: Option<(i64, i64)>,
    /// It holds no data of users.
    pub is_empty: bool,
}

/// The world outside of this process.
pub trait Outside: Send + Sync {
    /// Asks who answers at an address; the error tells an operator why nobody does.
    fn probe(&self, host: &HostPort) -> Waiting<'static, Result<PeerIdentity, String>>;

    /// The other members' nodes and addresses, and our own.
    fn set_members(&self, own: Option<&HostPort>, others: Vec<(RaftId, HostPort)>);

    /// Tells another member something; it may get lost.
    fn tell(&self, node: RaftId, bytes: Vec<u8>);

    /// Why another member cannot be reached at the moment.
    fn trouble_with(&self, node: RaftId) -> Option<String>;

    /// Whether this member may stand for election, for all that the world outside has to say.
    fn allows_standing(&self) -> bool {
        true
    }

    fn sleep(&self, duration: Duration) -> Waiting<'static, ()>;

    /// The wall clock in milliseconds since the epoch.
    fn now_millis(&self) -> i64;

    fn random(&self) -> u64;
}

/// Hears of what clients must be told.
pub trait Listener: Send + Sync {
    /// What `hello` shows has changed.
    fn changed(&self);

    /// This member takes no writes any more: those that run must end.
    fn stepped_down(&self);

    /// This member is primary no more, and nobody told it to step down.
    fn deposed(&self);

    /// Another member tells of its clients.
    fn told(&self, notice: Notice);
}

/// What a member is from its start on.
#[derive(Clone, Debug)]
pub struct Founding {
    pub name: String,
    pub seeds: Vec<HostPort>,
    /// Where this process listens, as it knows itself.
    pub address: HostPort,
    pub node: RaftId,
    pub process: ObjectId,
}

/// See the module.
pub struct ReplicaSet {
    founding: Founding,
    outside: Arc<dyn Outside>,
    started: Instant,
    parts: OnceLock<Parts>,
    listener: OnceLock<Arc<dyn Listener>>,
    inner: Mutex<Inner>,
    /// Rings when anything changed that somebody may wait for.
    pub progressed: Signal,
    /// The greatest cluster time seen.
    seen_time: AtomicU64,
    has_default_concern: AtomicBool,
}

/// What exists only after the replica was started, which needs the set to report to.
struct Parts {
    replica: Arc<Replica>,
    sequencer: Arc<Sequencer>,
}

#[derive(Default)]
struct Inner {
    view: MemberView,
    detail: Option<Arc<Detail>>,
    heard: BTreeMap<RaftId, Heard>,
    frozen_until: Option<Instant>,
    maintenance: u32,
    /// An ordered step-down is going on.
    stepping_down: bool,
    /// A configuration is being made or changed.
    configuring: bool,
    /// What the replica was told last, and how many times it was told anything.
    candidacy: (u64, Option<Candidacy>),
    elected: Option<Elected>,
    last_gossip: Option<Instant>,
    gossip_is_due: bool,
    /// What the others were told last about being frozen or in maintenance.
    told_to_keep_out: bool,
    last_write_at: Option<Instant>,
    /// When the others were told that moments are read.
    told_of_reads: Option<Instant>,
    last_probe: Option<Instant>,
    /// A member of higher priority has been ready since.
    takeover_since: Option<Instant>,
    /// When this member last had no leader to follow.
    leaderless_since: Option<Instant>,
    failed_elections: u32,
    copy_began: Option<(Instant, i64)>,
}

/// What was last heard of another member.
struct Heard {
    gossip: Gossip,
    at: Instant,
    at_millis: i64,
    since: Instant,
}

/// How this member became primary.
#[derive(Clone, Copy)]
struct Elected {
    term: i64,
    at_millis: i64,
}

impl ReplicaSet {
    pub fn new(founding: Founding, outside: Arc<dyn Outside>) -> ReplicaSet {
        ReplicaSet {
            founding,
            outside,
            started: Instant::now(),
            parts: OnceLock::new(),
            listener: OnceLock::new(),
            inner: Mutex::new(Inner::default()),
            progressed: Signal::default(),
            seen_time: AtomicU64::new(0),
            has_default_concern: AtomicBool::new(false),
        }
    }

    /// Tells the set of the replica that reports to it.
    pub fn attach(&self, replica: Arc<Replica>, sequencer: Arc<Sequencer>) {
        // Whoever has no configuration yet may wait for a copy, and has to ask again for what is lost.
        replica.set_tick(standing::tick(crate::config::ELECTION_TIMEOUT_MILLIS));
        let _ = self.parts.set(Parts { replica, sequencer });
        self.note_view();
        // The replica may have reported before there was anybody to tell how to tick.
        self.tell_addresses(&self.standing());
    }

    pub fn listen(&self, listener: Arc<dyn Listener>) {
        let _ = self.listener.set(listener);
    }

    pub fn name(&self) -> &str {
        &self.founding.name
    }

    /// This data directory among the nodes.
    pub fn node(&self) -> RaftId {
        self.founding.node
    }

    /// Where this process listens, as it knows itself.
    pub fn address(&self) -> &HostPort {
        &self.founding.address
    }

    /// The configuration in force with the nodes of its members.
    pub fn detail(&self) -> Option<Arc<Detail>> {
        self.inner.lock().detail.clone()
    }

    fn parts(&self) -> quire_errors::Result<&Parts> {
        self.parts.get().ok_or_else(crate::status::not_initialized)
    }

    /// Waits until something has changed, or a moment has passed.
    async fn changed_or(&self, seen: u64, patience: Duration) {
        let changed = self.progressed.changed_since(seen);
        let _ = quire_execution::wait::race(changed, self.outside.sleep(patience)).await;
    }

    fn seen(&self) -> u64 {
        self.seen_time.load(Ordering::Acquire)
    }
}
