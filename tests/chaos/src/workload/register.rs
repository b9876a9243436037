//! Registers that are read, written and swapped: the history whose linearizability is checked.
//!
//! Owns the record of operations with their times. A register is used for a few seconds and then left
//! alone for good: operations of unknown outcome make a history dear to check, and they add up.

use super::{Outcome, Worker, linearizable};
use mongodb::bson::{Document, doc};
use quire_check::{Operation, RegisterAction};
use std::time::Duration;

pub(crate) const COLLECTION: &str = "registers";

/// Registers in use at one time.
const AT_ONCE: usize = 3;

const NANOSECONDS_OF_USE: u64 = 4_000_000_000;

/// One operation on one register.
pub(crate) type Entry = (String, Operation<RegisterAction>);

/// Uses registers until the run stops.
pub(crate) async fn register_of(worker: &mut Worker) -> Vec<Entry> {
    let mut entries = Vec::new();
    // What this worker saw last, and where: what to swap from.
    let mut seen: (String, i64) = (String::new(), 0);
    while !worker.shared.stopping() {
        let turn = worker.shared.now() / NANOSECONDS_OF_USE;
        let id = format!("register-{turn}-{}", worker.random.below(AT_ONCE));
        let expected = if seen.0 == id { Some(seen.1) } else { None };
        let done = match (worker.random.below(10), expected) {
            (0..=4, _) => read(worker, &id).await,
            (5..=7, _) | (_, None) => write(worker, &id).await,
            (_, Some(expected)) => swap(worker, &id, expected).await,
        };
        let answered = done.as_ref().is_some_and(|operation| operation.returned.is_some());
        if let Some(operation) = done {
            if let Some(value) = value_after(&operation) {
                seen = (id.clone(), value);
            }
            entries.push((id, operation));
        }
        worker.rest(!answered).await;
    }
    entries
}

/// The value that stood in the register when the operation took effect.
fn value_after(operation: &Operation<RegisterAction>) -> Option<i64> {
    operation.returned?;
    match operation.action {
        RegisterAction::Read(found) => found,
        RegisterAction::Write(value) => Some(value),
        RegisterAction::Swap { to, swapped, .. } => swapped.unwrap_or(false).then_some(to),
    }
}

async fn read(worker: &mut Worker, id: &str) -> Option<Operation<RegisterAction>> {
    let collection = worker.collection(COLLECTION)?;
    let filter = doc! { "_id": id };
    let called = worker.shared.now();
    let reading = async move {
        let options = collection.find_one(filter).read_concern(linearizable());
        options.max_time(Duration::from_secs(4)).await
    };
    let outcome = worker.outcome("read", reading).await;
    let returned = worker.shared.now();
    match outcome {
        Outcome::Ok(found) => {
            let action = RegisterAction::Read(found.as_ref().and_then(value_in));
            Some(Operation::answered(worker.number, called, returned, action))
        }
        // A read that was not answered says nothing.
        Outcome::Failed(_) | Outcome::Unknown(_) => None,
    }
}

/// The value of a register's document.
pub(crate) fn value_in(document: &Document) -> Option<i64> {
    document.get_i64("value").ok()
}

async fn write(worker: &mut Worker, id: &str) -> Option<Operation<RegisterAction>> {
    let collection = worker.collection(COLLECTION)?;
    let value = worker.shared.new_value();
    let (filter, update) = (doc! { "_id": id }, doc! { "$set": { "value": value } });
    let called = worker.shared.now();
    let writing = async move { collection.update_one(filter, update).upsert(true).await };
    let outcome = worker.write_outcome("write", writing).await;
    let returned = worker.shared.now();
    let action = RegisterAction::Write(value);
    match outcome {
        Outcome::Ok(_) => Some(Operation::answered(worker.number, called, returned, action)),
        Outcome::Failed(_) => None,
        Outcome::Unknown(_) => Some(Operation::unknown(worker.number, called, action)),
    }
}

async fn swap(worker: &mut Worker, id: &str, from: i64) -> Option<Operation<RegisterAction>> {
    let collection = worker.collection(COLLECTION)?;
    let to = worker.shared.new_value();
    let filter = doc! { "_id": id, "value": from };
    let update = doc! { "$set": { "value": to } };
    let called = worker.shared.now();
    let swapping = async move { collection.update_one(filter, update).await };
    let outcome = worker.write_outcome("swap", swapping).await;
    let returned = worker.shared.now();
    match outcome {
        Outcome::Ok(result) => {
            let swapped = Some(result.matched_count == 1);
            let action = RegisterAction::Swap { from, to, swapped };
            Some(Operation::answered(worker.number, called, returned, action))
        }
        Outcome::Failed(_) => None,
        Outcome::Unknown(_) => {
            let action = RegisterAction::Swap { from, to, swapped: None };
            Some(Operation::unknown(worker.number, called, action))
        }
    }
}
