//! One client that writes without a pause, and when its writes were acknowledged.
//!
//! Owns the record of acknowledged writes.

use crate::cluster::SET;
use crate::member;
use mongodb::Client;
use mongodb::bson::{Document, doc};
use mongodb::options::{Acknowledgment, ClientOptions, WriteConcern};
use quire_tests::{Failure, Result};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// How long writing must go on behind an event before the gap around it counts as its whole outage:
/// a second one might follow.
const SETTLED: Duration = Duration::from_millis(700);

#[derive(Clone, Copy)]
struct Acknowledged {
    begun: Instant,
    ended: Instant,
}

#[derive(Default)]
struct Shared {
    acknowledged: Mutex<Vec<Acknowledged>>,
    errors: Mutex<BTreeMap<String, u64>>,
    stopping: AtomicBool,
}

pub(super) struct Writer {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Writer {
    pub(super) fn start(ports: &[u16]) -> Result<Writer> {
        let options = ClientOptions::builder()
            .hosts(ports.iter().map(|port| member::address(*port)).collect::<Vec<_>>())
            .repl_set_name(SET.to_owned())
            .retry_writes(false)
            .retry_reads(false)
            .write_concern(WriteConcern::builder().w(Acknowledgment::Majority).build())
            .build();
        let client = Client::with_options(options).map_err(Failure::during("a client"))?;
        let shared = Arc::new(Shared::default());
        let task = tokio::spawn(write(client, Arc::clone(&shared)));
        Ok(Writer { shared, task })
    }

    fn acknowledged(&self) -> Vec<Acknowledged> {
        self.shared.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From `event` to the end of the first write that began behind it.
    pub(super) async fn first_after(&self, event: Instant, patience: Duration) -> Result<Duration> {
        loop {
            let writes = self.acknowledged();
            if let Some(first) = writes.iter().find(|write| write.begun >= event) {
                return Ok(first.ended.duration_since(event));
            }
            wait(event, patience).await?;
        }
    }

    /// The longest time between two acknowledged writes since shortly before `event`, when writing
    /// goes on behind it.
    pub(super) async fn gap_around(&self, event: Instant, patience: Duration) -> Result<Duration> {
        loop {
            if let Some(gap) = gap(&self.acknowledged(), event) {
                return Ok(gap);
            }
            wait(event, patience).await?;
        }
    }

    /// Ends it; returns what writes that failed were told.
    pub(super) async fn stop(self) -> Result<BTreeMap<String, u64>> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.task.await.map_err(Failure::during("the writer"))?;
        Ok(self.shared.errors.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

async fn wait(event: Instant, patience: Duration) -> Result<()> {
    if event.elapsed() > patience {
        return Err(Failure::new(format!("no write was acknowledged within {patience:?}")));
    }
    tokio::time::sleep(Duration::from_millis(5)).await;
    Ok(())
}

/// The longest gap that ends behind `event`, once writes have gone on for a while behind it.
fn gap(writes: &[Acknowledged], event: Instant) -> Option<Duration> {
    let last_before = writes.partition_point(|write| write.ended < event);
    let around = writes.get(last_before.saturating_sub(1)..)?;
    let pairs = around.windows(2);
    let (longest, end) = pairs
        .filter_map(|pair| match pair {
            [one, next] => Some((next.ended.duration_since(one.ended), next.ended)),
            _ => None,
        })
        .max_by_key(|(gap, _)| *gap)?;
    let last = writes.last()?.ended;
    let settled = last.duration_since(end) >= SETTLED && last.duration_since(event) >= SETTLED;
    settled.then_some(longest)
}

async fn write(client: Client, shared: Arc<Shared>) {
    let collection = client.database("failover").collection::<Document>("writes");
    let mut sequence = 0_i64;
    while !shared.stopping.load(Ordering::Relaxed) {
        sequence += 1;
        let begun = Instant::now();
        match collection.insert_one(doc! { "_id": sequence }).await {
            Ok(_) => {
                let write = Acknowledged { begun, ended: Instant::now() };
                shared.acknowledged.lock().unwrap_or_else(PoisonError::into_inner).push(write);
            }
            Err(error) => {
                // A write whose answer is lost may be there: the next one has another `_id` anyway.
                let mut errors = shared.errors.lock().unwrap_or_else(PoisonError::into_inner);
                *errors.entry(error.kind.to_string()).or_default() += 1;
            }
        }
        // Enough to leave the processors to the servers.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gap_lies_around_the_event_and_is_known_when_writes_go_on() {
        let origin = Instant::now();
        let at = |milliseconds| origin + Duration::from_millis(milliseconds);
        // A long gap before the event is none of its business.
        let ends = [0, 500, 510, 520, 600, 610];
        let mut writes: Vec<Acknowledged> =
            ends.iter().map(|end| Acknowledged { begun: at(*end), ended: at(*end) }).collect();
        assert_eq!(gap(&writes, at(525)), None);
        writes.extend(
            (620..1400).step_by(10).map(|end| Acknowledged { begun: at(end), ended: at(end) }),
        );
        assert_eq!(gap(&writes, at(525)), Some(Duration::from_millis(80)));
        assert_eq!(gap(&[], origin), None);
    }
}
