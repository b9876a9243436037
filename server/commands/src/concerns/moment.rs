//! Reading the state of one moment, as `readConcern: {level: "snapshot"}` asks for.
//!
//! Owns which moment that is: the newest one here, or the one that the client names. What is applied
//! is committed, so no moment is ever taken back. Of which moments the state is still there,
//! [`quire_execution::History`] decides.

use crate::server::Server;
use quire_bson::Timestamp;
use quire_errors::{Code, CommandError, Result};
use quire_execution::{Moment, Unkept, local_failure};
use quire_replset::ReplicaSet;
use std::sync::Arc;

/// The moment to read; waits for it when it is still to come.
pub(super) async fn choose(
    server: &Server,
    set: &ReplicaSet,
    at: Option<Timestamp>,
) -> Result<Arc<Moment>> {
    server.history.set_window(server.parameters.snapshot_window_seconds());
    // Whoever reads on may ask another member for the same moment.
    set.tell_of_reads_of_moments();
    if set.operation_time().time == 0 {
        return Err(CommandError::new(
            Code::SnapshotUnavailable,
            "nothing is applied here yet that could be read from; please retry the operation",
        ));
    }
    let Some(at) = at else { return server.history.newest().map_err(local_failure) };
    // The moment may be still to come: then it is kept when it does.
    server.history.is_read().map_err(local_failure)?;
    set.await_time("atClusterTime", at).await?;
    let wanted = quire_log::Timestamp::new(at.time, at.increment);
    server.history.at(wanted).map_err(|unkept| match unkept {
        Unkept::Gone => too_old(at),
        Unkept::Engine(error) => local_failure(error),
    })
}

/// The error for a moment that cannot be read, any more or at all.
pub fn too_old(at: Timestamp) -> CommandError {
    CommandError::new(
        Code::SnapshotTooOld,
        format!(
            "Read timestamp Timestamp({}, {}) is older than the oldest available timestamp, or \
             lies between those that this member has kept.",
            at.time, at.increment
        ),
    )
}

#[cfg(test)]
mod tests;
