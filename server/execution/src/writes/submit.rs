//! One batch through the sequencer, and what its failures mean for a command.

use super::Writer;
use crate::{Change, Manner, Recording, Refusal, Sequenced, Verdict};
use quire_documents::Collection;
use quire_errors::{Code, CommandError, Result};

/// What became of a batch.
pub(super) enum Put {
    Done(Vec<Verdict>),
    /// The collection was changed meanwhile, or what was planned over is lost: look it up and plan
    /// again. Nothing was written.
    Replan,
}

/// Puts changes in order, and waits until those that hold are committed unless more follows and the
/// writer has a backlog to put the waiting off to. What does not commit in time is done all the same:
/// the command's answer will say that it is not acknowledged.
pub(super) async fn put(
    writer: &Writer<'_>,
    collection: &Collection,
    changes: Vec<Change>,
    ordered: bool,
    recording: Option<Recording<'_>>,
) -> Result<Put> {
    let backlog = writer.backlog.filter(|_| writer.more_follows);
    let manner = Manner { ordered, more_follows: backlog.is_some() };
    let sequenced = writer.sequencer.sequence_with(collection, changes, manner, recording);
    match sequenced {
        Ok(sequenced) => {
            if sequenced.verdicts.iter().any(|verdict| matches!(verdict, Verdict::Accepted)) {
                writer.watch.wrote();
            }
            match backlog {
                None => committed(writer, sequenced).await,
                Some(backlog) => {
                    let verdicts = backlog.add(writer.sequencer, writer.patience, sequenced);
                    Ok(Put::Done(verdicts.await?))
                }
            }
        }
        Err(Refusal::CatalogChanged) => Ok(Put::Replan),
        Err(Refusal::CatalogBusy { generation }) => {
            let changed = writer.sequencer.applied_signal().changed_since(generation);
            writer.patience.wait_first(changed).await?;
            Ok(Put::Replan)
        }
        Err(Refusal::Error(error)) => Err(error),
    }
}

async fn committed(writer: &Writer<'_>, mut sequenced: Sequenced) -> Result<Put> {
    let certain = writer.patience.wait(sequenced.is_certain(writer.sequencer)).await;
    Ok(match (certain.transpose()?, writer.backlog) {
        (Some(false), _) => Put::Replan,
        // A later statement may have to see it.
        (None, Some(backlog)) => Put::Done(backlog.keep(sequenced)),
        (Some(true), _) | (None, None) => Put::Done(sequenced.verdicts),
    })
}

/// True for failures that are no statement's fault: the whole command fails with them, and further
/// statements are not tried.
pub fn ends_command(error: &CommandError) -> bool {
    matches!(
        error.code(),
        Code::InternalError
            | Code::MaxTimeMSExpired
            | Code::ShutdownInProgress
            | Code::PrimarySteppedDown
            | Code::CursorKilled
            | Code::ExceededTimeLimit
            | Code::ClientDisconnect
            | Code::DataCorruptionDetected
            | Code::IngressRequestRateLimitExceeded
            | Code::NotWritablePrimary
            | Code::InterruptedAtShutdown
            | Code::Interrupted
            | Code::InterruptedDueToReplStateChange
            | Code::NotPrimaryNoSecondaryOk
            | Code::NotPrimaryOrSecondary
            | Code::OutOfDiskSpace
            | Code::ClientMarkedKilled
    )
}
