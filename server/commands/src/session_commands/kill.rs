//! `killSessions` and its kin: what sessions have running and open ends.
//!
//! Everything is told to stop before the reply goes out, so that what the client sends next does not
//! meet it.

use super::patterns::{Pattern, patterns, session_ids, users};
use crate::operations::Stop;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::sessions::{SessionId, session_id};
use quire_bson::DocBuf;
use quire_errors::Result;

pub const KILL_SESSIONS: Command = Command::new(
    "killSessions",
    "ends what sessions have running, by their ids",
    Run::Now(kill_sessions),
);

pub const KILL_ALL_SESSIONS: Command = Command::new(
    "killAllSessions",
    "ends what all sessions have running, or those of some users",
    Run::Now(kill_all_sessions),
);

pub const KILL_BY_PATTERN: Command = Command::new(
    "killAllSessionsByPattern",
    "ends what sessions have running, by patterns",
    Run::Now(kill_by_pattern),
);

fn kill_sessions(context: &Context<'_>) -> Result<Reply> {
    let ids = session_ids(context)?;
    context.arguments()?.finish()?;
    // As with the other two commands an empty list spares nobody.
    kill(context, &|id| ids.is_empty() || ids.contains(id));
    Ok(Reply::ok())
}

fn kill_all_sessions(context: &Context<'_>) -> Result<Reply> {
    let users = users(context)?;
    context.arguments()?.finish()?;
    kill_matching(context, &users);
    Ok(Reply::ok())
}

fn kill_by_pattern(context: &Context<'_>) -> Result<Reply> {
    let patterns = patterns(context)?;
    context.arguments()?.finish()?;
    kill_matching(context, &patterns);
    Ok(Reply::ok())
}

fn kill_matching(context: &Context<'_>, patterns: &[Pattern]) {
    kill(context, &|id| patterns.iter().any(|pattern| pattern.matches(id)));
}

fn kill(context: &Context<'_>, matches: &dyn Fn(&SessionId) -> bool) {
    for operation in context.server.operations.list() {
        let own = operation.id == context.operation.id;
        if !own && is_in(operation.lsid.as_ref(), matches) {
            operation.stop(Stop::Killed);
        }
    }
    kill_cursors(context, matches);
}

/// Closes the cursors of the sessions that `matches` picks.
pub(super) fn kill_cursors(context: &Context<'_>, matches: &dyn Fn(&SessionId) -> bool) {
    context.server.cursors.kill_where(|_, lsid| is_in(lsid, matches));
}

fn is_in(lsid: Option<&DocBuf>, matches: &dyn Fn(&SessionId) -> bool) -> bool {
    lsid.and_then(|lsid| session_id(lsid.as_raw()).ok()).is_some_and(|id| matches(&id))
}
