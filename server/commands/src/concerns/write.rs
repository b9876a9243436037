//! Write concerns on a member of a set.

use super::Left;
use super::defaults::{self, Origin};
use crate::server::Context;
use quire_bson::{DocBuf, doc};
use quire_errors::{Code, CommandError, Result};
use quire_replset::ReplicaSet;
use quire_replset::write_concern::WriteConcern;

/// Waits until what was written has reached all that is asked for.
pub(super) async fn wait(
    context: &Context<'_>,
    set: &ReplicaSet,
    given: Option<&WriteConcern>,
    left: Left,
) -> Result<()> {
    let Some(detail) = set.standing().detail else { return Ok(()) };
    let config = &detail.config;
    let (concern, origin) = match given {
        Some(concern) if concern.w.is_some() => (concern.clone(), Origin::Client),
        partial => {
            let (mut concern, origin) = defaults::write_concern(context.server, config)?;
            if let Some(partial) = partial {
                concern.journal = partial.journal;
                concern.timeout_millis = partial.timeout_millis;
            }
            (concern, origin)
        }
    };
    if concern.is_met_by_commit() {
        return Ok(());
    }
    let waited = match concern.check_satisfiable(config) {
        Ok(()) if left == Left::Nothing => Ok(()),
        Ok(()) => set.await_replication(&concern).await,
        Err(error) => Err(error),
    };
    waited.map_err(|error| with_concern(error, &concern, origin))
}

/// Shows with an error what was waited for, and who asked for it.
fn with_concern(error: CommandError, concern: &WriteConcern, origin: Origin) -> CommandError {
    let mut shown = concern.to_document();
    shown.insert("provenance", origin.provenance());
    let timed_out = error.code() == Code::WriteConcernFailed;
    let info = match timed_out {
        true => doc! { "wtimeout": true, "writeConcern": shown },
        false => doc! { "writeConcern": shown },
    };
    error.with_extra(DocBuf::from(&doc! { "errInfo": info }).into_bytes())
}
