//! `killSessions` and its kin: what sessions have running and open ends.
//!
//! All of it is over before the reply goes out, so that what the client sends next does not meet it.

use super::patterns::{Pattern, patterns, sessions, users};
use crate::operations::Stop;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::sessions::{SessionKey, session_key};
use quire_bson::DocBuf;
use quire_errors::Result;
use std::collections::HashSet;

pub const KILL_SESSIONS: Command = Command::new(
    "killSessions",
    "ends what sessions have running, by their ids",
    Run::Later(|context| Box::pin(kill_sessions(context))),
);

pub const KILL_ALL_SESSIONS: Command = Command::new(
    "killAllSessions",
    "ends what all sessions have running, or those of some users",
    Run::Later(|context| Box::pin(kill_all_sessions(context))),
);

pub const KILL_BY_PATTERN: Command = Command::new(
    "killAllSessionsByPattern",
    "ends what sessions have running, by patterns",
    Run::Later(|context| Box::pin(kill_by_pattern(context))),
);

async fn kill_sessions(context: &Context<'_>) -> Result<Reply> {
    let killed = sessions(context)?;
    context.arguments()?.finish()?;
    let killed: HashSet<_> = killed.into_iter().collect();
    // As with the other two commands an empty list spares nobody.
    kill(context, &|session| killed.is_empty() || killed.contains(session)).await;
    Ok(Reply::ok())
}

async fn kill_all_sessions(context: &Context<'_>) -> Result<Reply> {
    let users = users(context)?;
    context.arguments()?.finish()?;
    kill_matching(context, &users).await;
    Ok(Reply::ok())
}

async fn kill_by_pattern(context: &Context<'_>) -> Result<Reply> {
    let patterns = patterns(context)?;
    context.arguments()?.finish()?;
    kill_matching(context, &patterns).await;
    Ok(Reply::ok())
}

async fn kill_matching(context: &Context<'_>, patterns: &[Pattern]) {
    kill(context, &|session| patterns.iter().any(|pattern| pattern.matches(session))).await;
}

/// Which sessions are meant.
type Matches<'m> = dyn Fn(&SessionKey) -> bool + Sync + 'm;

async fn kill(context: &Context<'_>, matches: &Matches<'_>) {
    let operations = &context.server.operations;
    let mut killed = operations.list();
    killed.retain(|operation| {
        let own = operation.id == context.operation.id;
        !own && is_in(operation.lsid.as_ref(), matches)
    });
    for operation in &killed {
        operation.stop(Stop::Killed);
    }
    for operation in &killed {
        operations.end_of(operation.id).await;
    }
    // What ran may have opened cursors until it stopped.
    kill_cursors(context, matches);
}

/// Closes the cursors of the sessions that `matches` picks.
pub(super) fn kill_cursors(context: &Context<'_>, matches: &Matches<'_>) {
    context.server.cursors.kill_where(|_, lsid| is_in(lsid, matches));
}

fn is_in(lsid: Option<&DocBuf>, matches: &Matches<'_>) -> bool {
    lsid.and_then(|lsid| session_key(lsid.as_raw()).ok()).is_some_and(|key| matches(&key))
}
