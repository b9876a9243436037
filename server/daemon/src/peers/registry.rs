//! Whom this member knows.
//!
//! Owns the table of other members, where each can be reached, and which connections they have open
//! to us. A member that is in no configuration can be answered for as long as it has one.

use super::dial::Failure;
use super::outbox::Outbox;
use parking_lot::{Mutex, RwLock};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::AbortHandle;

/// Members answered though they are in no configuration; a set has no more than fifty.
const GUESTS_MAX: usize = 64;

/// Another member.
pub(super) struct Peer {
    pub(super) node: u64,
    pub(super) host: String,
    pub(super) outbox: Outbox,
    /// There is reason to try again at once.
    pub(super) hurry: Notify,
    pub(super) connected: AtomicBool,
    /// Why it could not be reached last, while it cannot be.
    pub(super) failure: Mutex<Option<Failure>>,
    /// Where it was reached last; asking there needs no name service.
    pub(super) last_address: Mutex<Option<SocketAddr>>,
    /// In no configuration that we know.
    guest: AtomicBool,
    /// Its death was reported, and no link with it was established since.
    dead: AtomicBool,
}

impl Peer {
    fn new(node: u64, host: String, guest: bool) -> Peer {
        Peer {
            node,
            host,
            outbox: Outbox::new(),
            hurry: Notify::new(),
            connected: AtomicBool::new(false),
            failure: Mutex::new(None),
            last_address: Mutex::new(None),
            guest: AtomicBool::new(guest),
            dead: AtomicBool::new(false),
        }
    }

    /// Says whether this is news.
    pub(super) fn found_dead(&self) -> bool {
        !self.dead.swap(true, Ordering::Relaxed)
    }

    /// Two members that each keep a link because the other does would keep them for ever.
    pub(super) fn is_needed(&self, unneeded_max: Duration) -> bool {
        !self.is_guest() || self.outbox.unused_for() < unneeded_max
    }

    fn is_guest(&self) -> bool {
        self.guest.load(Ordering::Relaxed)
    }

    pub(super) fn found_alive(&self) {
        self.dead.store(false, Ordering::Relaxed);
    }
}

/// A peer and the task that keeps the link to it.
struct Entry {
    peer: Arc<Peer>,
    task: AbortHandle,
}

impl Entry {
    fn start(peer: Peer, start: impl Fn(Arc<Peer>) -> AbortHandle) -> Entry {
        let peer = Arc::new(peer);
        Entry { task: start(peer.clone()), peer }
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A connection that a member has open to us.
struct Arrival {
    host: String,
    superseded: Arc<Notify>,
}

#[derive(Default)]
pub(super) struct Registry {
    entries: RwLock<HashMap<u64, Entry>>,
    /// The newest of each member. Locked after `entries` when both are.
    arrivals: Mutex<HashMap<u64, Arrival>>,
    /// Nobody is known any more. Changes and is asked under the lock of `entries`.
    closed: AtomicBool,
}

impl Registry {
    pub(super) fn get(&self, node: u64) -> Option<Arc<Peer>> {
        self.entries.read().get(&node).map(|entry| entry.peer.clone())
    }

    pub(super) fn all(&self) -> Vec<Arc<Peer>> {
        self.entries.read().values().map(|entry| entry.peer.clone()).collect()
    }

    /// Knows these members; `start` begins to keep a link.
    pub(super) fn set(
        &self,
        wanted: HashMap<u64, String>,
        start: impl Fn(Arc<Peer>) -> AbortHandle,
    ) {
        let mut entries = self.entries.write();
        if self.closed.load(Ordering::Relaxed) {
            return;
        }
        let arrivals = self.arrivals.lock();
        entries.retain(|node, entry| {
            entry.peer.guest.store(!wanted.contains_key(node), Ordering::Relaxed);
            !entry.peer.is_guest() || arrivals.contains_key(node)
        });
        for (node, host) in wanted {
            if entries.get(&node).is_none_or(|entry| entry.peer.host != host) {
                entries.insert(node, Entry::start(Peer::new(node, host, false), &start));
            }
        }
    }

    /// Whoever has a connection open to us can be answered, where it says that it is.
    pub(super) fn guest(
        &self,
        node: u64,
        start: impl Fn(Arc<Peer>) -> AbortHandle,
    ) -> Option<Arc<Peer>> {
        let host = self.arrivals.lock().get(&node)?.host.clone();
        let mut entries = self.entries.write();
        let guests = entries.values().filter(|entry| entry.peer.is_guest()).count();
        let full = guests >= GUESTS_MAX && !entries.contains_key(&node);
        if full || self.closed.load(Ordering::Relaxed) {
            return None;
        }
        let begin = || Entry::start(Peer::new(node, host, true), &start);
        Some(entries.entry(node).or_insert_with(begin).peer.clone())
    }

    /// Ends what is kept for a guest that nobody has answered for long.
    pub(super) fn forget(&self, guest: &Arc<Peer>) {
        let mut entries = self.entries.write();
        if entries.get(&guest.node).is_some_and(|entry| Arc::ptr_eq(&entry.peer, guest)) {
            entries.remove(&guest.node);
        }
    }

    /// A member opened a connection to us. The one before, if it is still there, is of no use: it is
    /// told so. What is returned is told when this one is not the newest any more.
    pub(super) fn arrived(&self, node: u64, host: &str) -> Arc<Notify> {
        let superseded = Arc::new(Notify::new());
        let arrival = Arrival { host: host.to_owned(), superseded: superseded.clone() };
        if let Some(before) = self.arrivals.lock().insert(node, arrival) {
            before.superseded.notify_one();
        }
        superseded
    }

    /// A connection to us ended.
    pub(super) fn left(&self, node: u64, superseded: &Arc<Notify>) {
        let mut entries = self.entries.write();
        let mut arrivals = self.arrivals.lock();
        if arrivals.get(&node).is_some_and(|last| Arc::ptr_eq(&last.superseded, superseded)) {
            arrivals.remove(&node);
            if entries.get(&node).is_some_and(|entry| entry.peer.is_guest()) {
                entries.remove(&node);
            }
        }
    }

    #[cfg(test)]
    pub(super) fn arrival(&self, node: u64) -> Option<Arc<Notify>> {
        self.arrivals.lock().get(&node).map(|arrival| arrival.superseded.clone())
    }

    /// For good: who is told of later is not known either.
    pub(super) fn close(&self) {
        let mut entries = self.entries.write();
        self.closed.store(true, Ordering::Relaxed);
        entries.clear();
    }
}
