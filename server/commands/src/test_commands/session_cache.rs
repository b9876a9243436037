//! `refreshLogicalSessionCacheNow` and `reapLogicalSessionCacheNow`: at once what is done about
//! sessions now and then.

use super::command;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const REFRESH: Command = command(
    "refreshLogicalSessionCacheNow",
    "stores which sessions are in use",
    Run::Later(|context| Box::pin(refresh(context))),
);

pub const REAP: Command = command(
    "reapLogicalSessionCacheNow",
    "forgets what is remembered of sessions that are over",
    Run::Later(|context| Box::pin(reap(context))),
);

async fn refresh(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    context.server.refresh_sessions().await?;
    Ok(Reply::ok())
}

async fn reap(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    context.server.expire_sessions();
    context.server.forget_sessions().await;
    Ok(Reply::ok())
}
