//! `endSessions`: a client says that it is done with sessions.

use super::kill::kill_cursors;
use super::patterns::session_ids;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::stable_api::Api;
use quire_errors::Result;

pub const COMMAND: Command = Command {
    api: Api::V1,
    ..Command::new("endSessions", "forgets sessions and closes their cursors", Run::Now(run))
};

fn run(context: &Context<'_>) -> Result<Reply> {
    let ids = session_ids(context)?;
    context.arguments()?.finish()?;
    for id in &ids {
        context.server.sessions.end(id);
    }
    kill_cursors(context, &|id| ids.contains(id));
    Ok(Reply::ok())
}
