//! What clients do to the set, and what they were told.
//!
//! Owns the workers. Each keeps its own record; nobody looks at it before all have ended.

mod ledger;
mod outcome;
mod register;
mod tally;

pub(crate) use ledger::Ledger;
pub(crate) use outcome::{Counts, Outcome};
pub(crate) use register::{Entry, register_of};
pub(crate) use tally::Tally;

use crate::cluster::SET;
use crate::member;
use mongodb::bson::Document;
use mongodb::options::{Acknowledgment, ClientOptions, ReadConcern, WriteConcern};
use mongodb::{Client, Collection};
use quire_tests::Random;
use quire_tests::{Failure, Result};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The database of all workers.
pub(crate) const DATABASE: &str = "chaos";

/// How long a client waits for one operation before it calls the outcome unknown.
const PATIENCE: Duration = Duration::from_secs(5);

/// What all workers share.
#[derive(Clone)]
pub(crate) struct Shared {
    begun: Instant,
    stopping: Arc<AtomicBool>,
    /// Values that no two writes have in common.
    next_value: Arc<AtomicI64>,
    /// When the last write was acknowledged, in nanoseconds since the beginning.
    last_acknowledged: Arc<AtomicU64>,
    /// The longest time without one.
    longest_outage: Arc<AtomicU64>,
}

impl Shared {
    pub(crate) fn new() -> Shared {
        Shared {
            begun: Instant::now(),
            stopping: Arc::default(),
            next_value: Arc::new(AtomicI64::new(1)),
            last_acknowledged: Arc::default(),
            longest_outage: Arc::default(),
        }
    }

    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Nanoseconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn new_value(&self) -> i64 {
        self.next_value.fetch_add(1, Ordering::Relaxed)
    }

    fn acknowledged(&self) {
        let now = self.now();
        let before = self.last_acknowledged.swap(now, Ordering::Relaxed);
        self.longest_outage.fetch_max(now.saturating_sub(before), Ordering::Relaxed);
    }

    pub(crate) fn last_acknowledged(&self) -> u64 {
        self.last_acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn longest_outage(&self) -> Duration {
        Duration::from_nanos(self.longest_outage.load(Ordering::Relaxed))
    }
}

/// What one worker has at hand.
pub(crate) struct Worker {
    pub(crate) number: u32,
    pub(crate) shared: Shared,
    pub(crate) random: Random,
    pub(crate) counts: Counts,
    /// By which clients it reaches the set; it changes between them at random.
    pub(crate) clients: Vec<Client>,
}

impl Worker {
    fn collection(&mut self, name: &str) -> Option<Collection<Document>> {
        let client = self.random.pick(&self.clients)?;
        Some(client.database(DATABASE).collection(name))
    }

    /// Waits for the outcome, but not for ever; counts it.
    async fn outcome<T>(
        &mut self,
        operation: &'static str,
        running: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Outcome<T> {
        let outcome = match tokio::time::timeout(PATIENCE, running).await {
            Ok(result) => Outcome::of(result),
            Err(_) => Outcome::Unknown("no answer in time".to_owned()),
        };
        self.counts.count(operation, &outcome);
        outcome
    }

    /// A write's outcome, which also tells how long the set was out of order.
    async fn write_outcome<T>(
        &mut self,
        operation: &'static str,
        running: impl Future<Output = mongodb::error::Result<T>>,
    ) -> Outcome<T> {
        let outcome = self.outcome(operation, running).await;
        if matches!(outcome, Outcome::Ok(_)) {
            self.shared.acknowledged();
        }
        outcome
    }

    /// Leaves the machine to others for a while, for longer after a failure.
    async fn rest(&mut self, failed: bool) {
        let (least, most) = if failed { (10, 40) } else { (2, 8) };
        let time = self.random.between(Duration::from_millis(least), Duration::from_millis(most));
        tokio::time::sleep(time).await;
    }
}

/// A client of the whole set, as applications configure it: majority writes. Retries are off, for a
/// retry that succeeds hides what happened to the first attempt.
pub(crate) fn client_of_the_set(ports: &[u16]) -> Result<Client> {
    let options = ClientOptions::builder()
        .hosts(ports.iter().map(|port| member::address(*port)).collect::<Vec<_>>())
        .repl_set_name(SET.to_owned())
        .retry_writes(false)
        .retry_reads(false)
        .connect_timeout(Duration::from_secs(1))
        .heartbeat_freq(Duration::from_secs(1))
        .server_selection_timeout(Duration::from_secs(3))
        .write_concern(majority())
        .build();
    Client::with_options(options).map_err(Failure::during("a client of the set"))
}

/// A client that believes in one node, primary or not.
pub(crate) fn client_of_one_node(port: u16) -> Result<Client> {
    let options = ClientOptions::builder()
        .hosts(vec![member::address(port)])
        .direct_connection(true)
        .retry_writes(false)
        .retry_reads(false)
        .connect_timeout(Duration::from_secs(1))
        .heartbeat_freq(Duration::from_secs(1))
        .server_selection_timeout(Duration::from_secs(1))
        .write_concern(majority())
        .build();
    Client::with_options(options).map_err(Failure::during("a client of one node"))
}

fn majority() -> WriteConcern {
    WriteConcern::builder().w(Acknowledgment::Majority).build()
}

fn linearizable() -> ReadConcern {
    ReadConcern::linearizable()
}
