//! `endSessions`: a client says that it is done with sessions.

use super::kill::kill_cursors;
use super::patterns::sessions;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_errors::Result;
use std::collections::HashSet;

pub const COMMAND: Command = Command {
    api: Api::V1,
    ..Command::new("endSessions", "forgets sessions and closes their cursors", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let ended = sessions(context)?;
    context.arguments()?.finish()?;
    let server = context.server;
    server.sessions.end(&ended, server.parameters.sessions_max());
    let ended: HashSet<_> = ended.into_iter().collect();
    kill_cursors(context, &|session| ended.contains(session));
    Ok(Reply::ok())
}
