//! `shutdown`: the process goes down in order.

use crate::host::ShutdownRequest;
use crate::persona::Behaviour;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;
use std::time::Duration;

pub const COMMAND: Command =
    Command { scope: Scope::Admin, ..Command::new("shutdown", "ends the process", Run::Now(run)) };

/// How long running operations may go on unless told otherwise; older versions were less patient.
const PATIENCE_SECONDS: u64 = 15;
const PATIENCE_SECONDS_BEFORE: u64 = 10;

fn run(context: &Context<'_>) -> Result<Reply> {
    let mut args = context.arguments()?;
    let force = args.flag("force")?;
    let patience = match context.server.facts.persona.has(Behaviour::Quiesce) {
        true => PATIENCE_SECONDS,
        false => PATIENCE_SECONDS_BEFORE,
    };
    let seconds = args.optional_count("timeoutSecs")?.unwrap_or(patience);
    args.finish()?;
    let request = ShutdownRequest { force, timeout: Duration::from_secs(seconds) };
    tracing::info!(
        target: "COMMAND",
        id = 4_695_400,
        force,
        timeoutSecs = seconds,
        client = context.client.remote_text(),
        "Shutting down on a client's command"
    );
    context.server.host.shut_down(request);
    Ok(Reply::ok())
}
