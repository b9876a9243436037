//! `--repair`: recovers what the log holds, reads and checks everything, and ends.
//!
//! Repairs nothing by guessing: a log that was cut short is recovered by opening it, and damage
//! beyond that is told, because a server that dropped what it cannot read would lose acknowledged
//! writes in silence.

use crate::exit::Failure;
use crate::host::WallClock;
use crate::stores::{self, Stores};
use quire_config::Storage;
use quire_config::exit::ABRUPT;
use quire_documents::{Collection, ReadView, Report};
use quire_execution::Sequencer;
use std::sync::Arc;

/// Checks every collection; fails when one of them is damaged.
pub(crate) fn run(storage: &Storage) -> Result<(), Failure> {
    let stores = Stores::open(storage, Arc::new(WallClock), None, stores::alone)?;
    let view = stores.documents.view();
    let mut damaged = Vec::new();
    for collection in view.catalog().collections() {
        match check(&view, &stores.sequencer, collection) {
            Ok(report) if report.is_valid() => {
                let documents = report.counts.documents;
                tracing::info!(
                    target: "STORAGE",
                    id = 7_100_036,
                    ctx = "initandlisten",
                    namespace = %collection.namespace,
                    documents,
                    "A collection is whole"
                );
            }
            Ok(report) => {
                for (index, finding) in &report.findings {
                    note_damage(collection, index.as_deref(), finding);
                }
                damaged.push(collection.namespace.to_string());
            }
            Err(why) => {
                note_damage(collection, None, &why);
                damaged.push(collection.namespace.to_string());
            }
        }
    }
    let flushed = stores.sequencer.replica().shut_down();
    flushed.map_err(|fatal| Failure::new(ABRUPT, format!("the last flush failed: {fatal}")))?;
    if damaged.is_empty() {
        tracing::info!(
            target: "STORAGE",
            id = 7_100_037,
            ctx = "initandlisten",
            "All data was recovered and checked"
        );
        return Ok(());
    }
    Err(Failure::new(
        ABRUPT,
        format!(
            "the data of {} is damaged and cannot be repaired in place; restore a backup",
            damaged.join(", ")
        ),
    ))
}

/// The error is why the collection could not be read to its end.
fn check(
    view: &ReadView,
    sequencer: &Sequencer,
    collection: &Collection,
) -> Result<Report, String> {
    let rules = sequencer.rules(collection).map_err(|error| error.to_string())?;
    let member = |index: &quire_documents::Index, doc: quire_bson::RawDoc<'_>| {
        rules.partial_of(doc).is_ok_and(|members| members.contains(&index.id))
    };
    view.validate(collection, Some(&member)).map_err(|error| error.to_string())
}

fn note_damage(collection: &Collection, index: Option<&str>, finding: &str) {
    tracing::error!(
        target: "STORAGE",
        id = 7_100_038,
        ctx = "initandlisten",
        namespace = %collection.namespace,
        index,
        finding,
        "A collection is damaged"
    );
}
