//! Write concerns on a member of a set.
//!
//! Owns which concern holds for a write, chosen before it begins, and waiting for what it asks for
//! beyond the commit. The time it gives runs from the first wait for a commit on, so a write that is
//! not even committed by then is told in the same words.

use super::Left;
use super::defaults::{self, Origin};
use crate::server::Server;
use quire_bson::{DocBuf, doc};
use quire_errors::{Code, CommandError, Result};
use quire_execution::Patience;
use quire_replset::ReplicaSet;
use quire_replset::write_concern::{WriteConcern, timed_out};
use std::time::Duration;

/// What a write waits for, and who asked for it.
pub(super) struct Chosen {
    concern: WriteConcern,
    origin: Origin,
}

/// Chooses between what the client has given and the default. `None` while there is no set.
pub(super) fn choose(
    server: &Server,
    set: &ReplicaSet,
    given: Option<WriteConcern>,
) -> Result<Option<Chosen>> {
    let partial = match given {
        Some(concern) if concern.w.is_some() => {
            return Ok(Some(Chosen { concern, origin: Origin::Client }));
        }
        partial => partial,
    };
    let Some(detail) = set.detail() else { return Ok(None) };
    let (mut concern, origin) = defaults::write_concern(server, &detail.config)?;
    if let Some(partial) = partial {
        concern.journal = partial.journal;
        concern.timeout_millis = partial.timeout_millis;
    }
    Ok(Some(Chosen { concern, origin }))
}

impl Chosen {
    /// How long the command waits for what it writes.
    pub(super) fn patience(&self, server: &Server) -> Patience {
        let millis = u64::from(self.concern.timeout_millis);
        if millis == 0 {
            return Patience::endless();
        }
        let host = server.host.clone();
        Patience::of(Duration::from_millis(millis), Box::new(move |limit| host.sleep(limit)))
    }

    /// Waits until what was written has reached all that is asked for.
    pub(super) async fn wait(
        &self,
        set: &ReplicaSet,
        patience: &Patience,
        left: Left,
    ) -> Result<()> {
        if self.concern.is_met_by_commit() && !patience.is_over() {
            return Ok(());
        }
        let Some(detail) = set.detail() else { return Ok(()) };
        let waited = match self.concern.check_satisfiable(&detail.config) {
            Ok(()) if patience.is_over() => Err(timed_out()),
            Ok(()) if left == Left::Nothing => Ok(()),
            Ok(()) => set.await_replication(&self.concern, patience.left()).await,
            Err(error) => Err(error),
        };
        waited.map_err(|error| self.shown_with(error))
    }

    /// Shows with an error what was waited for, and who asked for it.
    fn shown_with(&self, error: CommandError) -> CommandError {
        let mut shown = self.concern.to_document();
        shown.insert("provenance", self.origin.provenance());
        let timed_out = error.code() == Code::WriteConcernFailed;
        let info = match timed_out {
            true => doc! { "wtimeout": true, "writeConcern": shown },
            false => doc! { "writeConcern": shown },
        };
        error.with_extra(DocBuf::from(&doc! { "errInfo": info }).into_bytes())
    }
}
