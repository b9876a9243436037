//! `startSession` and `refreshSessions`: sessions begin and stay.

use super::patterns::sessions;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use crate::sessions::{NOBODY, SessionKey, lsid_of};
use crate::stable_api::Api;
use quire_errors::Result;

pub const START: Command =
    Command::new("startSession", "begins a logical session", Run::Now(start));

pub const REFRESH: Command = Command {
    api: Api::V1,
    ..Command::new("refreshSessions", "keeps sessions from being forgotten", Run::Now(refresh))
};

fn start(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let server = context.server;
    let key = SessionKey { id: new_id(context), user: NOBODY };
    server.sessions.touch(&key, server.now_millis(), server.parameters.sessions_max())?;
    Ok(Reply::with(|b| {
        b.append_bson("id", &lsid_of(&key));
        b.append_i32("timeoutMinutes", server.parameters.session_timeout_minutes());
    }))
}

/// A random UUID.
fn new_id(context: &Context<'_>) -> [u8; 16] {
    let (high, low) = (context.server.host.random(), context.server.host.random());
    let mut id = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
    id[6] = id[6] & 0x0f | 0x40;
    id[8] = id[8] & 0x3f | 0x80;
    id
}

fn refresh(context: &Context<'_>) -> Result<Reply> {
    let refreshed = sessions(context)?;
    context.arguments()?.finish()?;
    let server = context.server;
    for key in &refreshed {
        server.sessions.touch(key, server.now_millis(), server.parameters.sessions_max())?;
    }
    Ok(Reply::ok())
}
