//! Forgetting what sessions nobody uses any more have written.
//!
//! Owns one pass over the records of sessions: those whose last write is old enough are forgotten,
//! through the log like everything else, some at a time. A session that writes meanwhile keeps its
//! record, because the effect names the revision that was looked at.

use crate::wait::give_way;
use crate::{Sequencer, Watch, local_failure};
use quire_documents::{Effect, SessionHeader, SessionKey};
use quire_errors::Result;
use std::ops::ControlFlow;

/// Keys that are looked at, and records that are forgotten, in one turn.
const KEYS_MAX: usize = 1024;

/// Forgets the records of all sessions that wrote for the last time before then; gives their number.
pub async fn forget_sessions(
    sequencer: &Sequencer,
    before_millis: i64,
    watch: &dyn Watch,
) -> Result<u64> {
    let (mut forgotten, mut after) = (0_u64, None);
    loop {
        watch.check()?;
        let mut effects = Vec::new();
        let mut look = |session: SessionKey, header: SessionHeader| {
            if header.wall_millis < before_millis {
                effects.push(Effect::ForgetSession { session, revision: header.revision });
            }
            ControlFlow::Continue(())
        };
        let view = sequencer.documents().view();
        after = view.scan_sessions(after, KEYS_MAX, &mut look).map_err(local_failure)?;
        drop(view);
        let count = effects.len() as u64;
        if count > 0 {
            sequencer.append(effects).await?;
            forgotten = forgotten.saturating_add(count);
        }
        if after.is_none() {
            return Ok(forgotten);
        }
        give_way().await;
    }
}
