//! Building indexes while writers go on.
//!
//! Owns the course of a build and who is at it. From the moment an index is in the catalogue writers
//! maintain it; the builder walks the rows a turn at a time and logs which of them, at which
//! revision, are to be indexed. Applying skips those that were written since, because their writers
//! indexed them. So a build never blocks a write and never holds a snapshot between turns.
//!
//! | the builder stops because | the index |
//! |---|---|
//! | all rows are in and unique values are | becomes ready |
//! | a document cannot be indexed, a value is there twice | is dropped |
//! | its command was killed or ran out of time | is dropped by whoever tends builds |
//! | its client went away, the process went down | is finished by whoever tends builds |
//! | this member is primary no more | is finished by whoever tends builds on the next primary |

mod duplicates;
mod fill;
mod registry;

pub use duplicates::{Duplicate, find_duplicates};
pub use registry::{Build, Builders};

use crate::{Sequencer, Watch};
use fill::Filling;
use quire_documents::{Catalog, Collection, CollectionId, Effect, Index, IndexId, IndexState};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// Builds the indexes of a claim to their end, good or bad.
pub async fn build(sequencer: &Sequencer, mut claim: Build<'_>) -> Result<()> {
    let outcome = run(sequencer, &claim).await;
    if let Err(error) = &outcome {
        if is_left_to_others(error) {
            return outcome;
        }
        drop_indexes(sequencer, claim.collection, &claim.indexes).await?;
    }
    claim.settle();
    outcome
}

async fn run(sequencer: &Sequencer, claim: &Build<'_>) -> Result<()> {
    let watch = claim.watch;
    Filling::new(sequencer, claim.collection, &claim.indexes, watch).run().await?;
    // Writers that were checked before the last rows were indexed could not see all values. They are
    // in the log by now, so what is read from here on shows them.
    sequencer.caught_up().await;
    let (collection, indexes) = building(sequencer, claim.collection, &claim.indexes)?;
    for index in indexes.iter().filter(|index| index.spec.unique) {
        let found = find_duplicates(sequencer, index, watch, 1).await?;
        if let Some(duplicate) = found.first() {
            let error = crate::duplicate(&collection, index, duplicate.doc.as_raw());
            return Err(
                error.context(&format!("Index build failed: Collection {}", collection.namespace))
            );
        }
    }
    let (id, indexes) = (claim.collection, &claim.indexes);
    sequencer
        .change_catalog(|catalog| {
            still_building(catalog, id, indexes)?;
            let ready = |index: &IndexId| Effect::IndexReady { collection: id, index: *index };
            Ok((indexes.iter().map(ready).collect(), ()))
        })
        .await
}

/// Drops builds nobody wants any more and finishes those that lost their builder. Gives what failed.
pub async fn tend(
    sequencer: &Sequencer,
    builders: &Builders,
    watch: &dyn Watch,
) -> Vec<(Arc<Collection>, CommandError)> {
    let mut failures = Vec::new();
    for collection in sequencer.documents().catalog().collections() {
        let unfinished = collection.indexes.iter().filter(|i| i.state == IndexState::Building);
        for index in unfinished {
            let Some(claim) = builders.claim(collection.id, vec![index.id], watch) else {
                continue;
            };
            if let Err(error) = adopt(sequencer, builders, claim).await {
                failures.push((collection.clone(), error));
            }
        }
    }
    failures
}

/// Finishes a build that another one began, or drops it if that was called off.
pub async fn adopt(sequencer: &Sequencer, builders: &Builders, mut claim: Build<'_>) -> Result<()> {
    if claim.indexes.iter().any(|index| builders.is_cancelled(*index)) {
        drop_indexes(sequencer, claim.collection, &claim.indexes).await?;
        claim.settle();
        return Ok(());
    }
    build(sequencer, claim).await
}

/// A builder that cannot go on for these reasons says nothing about the index.
fn is_left_to_others(error: &CommandError) -> bool {
    matches!(
        error.code(),
        Code::ClientDisconnect
            | Code::InterruptedAtShutdown
            | Code::PrimarySteppedDown
            | Code::NotWritablePrimary
            | Code::InterruptedDueToReplStateChange
            | Code::OutOfDiskSpace
            | Code::InternalError
            | Code::DataCorruptionDetected
    )
}

async fn drop_indexes(sequencer: &Sequencer, id: CollectionId, indexes: &[IndexId]) -> Result<()> {
    sequencer
        .change_catalog(|catalog| {
            let there = catalog.collection(id).into_iter().flat_map(|c| &c.indexes);
            let wanted =
                there.filter(|i| i.state == IndexState::Building && indexes.contains(&i.id));
            let drops = wanted.map(|i| Effect::DropIndex { collection: id, index: i.id }).collect();
            Ok((drops, ()))
        })
        .await
}

/// The collection and its indexes under construction as they are now.
fn building(
    sequencer: &Sequencer,
    id: CollectionId,
    indexes: &[IndexId],
) -> Result<(Arc<Collection>, Vec<Arc<Index>>)> {
    still_building(&sequencer.documents().catalog(), id, indexes)
}

fn still_building(
    catalog: &Catalog,
    id: CollectionId,
    indexes: &[IndexId],
) -> Result<(Arc<Collection>, Vec<Arc<Index>>)> {
    let collection = catalog.collection(id).ok_or_else(aborted)?;
    let found = indexes.iter().map(|index| {
        let index = collection.index(*index).filter(|i| i.state == IndexState::Building);
        index.cloned().ok_or_else(aborted)
    });
    Ok((collection.clone(), found.collect::<Result<_>>()?))
}

fn aborted() -> CommandError {
    CommandError::new(
        Code::IndexBuildAborted,
        "Index build failed: the index or its collection was dropped meanwhile",
    )
}
