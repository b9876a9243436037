//! `whatsmyuri`: the client's own address as the server sees it.

use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command =
    Command::new("whatsmyuri", "tells the client's own address", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    Ok(Reply::with(|b| {
        b.append_str("you", &context.client.remote_text());
    }))
}
