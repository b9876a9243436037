//! `waitForFailPoint`: waiting until a fault has struck so many times.

use super::command;
use super::configure_fail_point::name;
use crate::persona::Behaviour;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    known: Some(Behaviour::WaitForFailPoint),
    ..command(
        "waitForFailPoint",
        "waits until a fail point was entered so many times",
        Run::Later(|context| Box::pin(run(context))),
    )
};

/// `timesEntered` counts from the start of the node, as `configureFailPoint` answers it. `maxTimeMS`
/// bounds the wait as that of any command.
async fn run(context: &Context<'_>) -> Result<Reply> {
    let point = context.server.failpoints.find(name(context)?)?;
    let mut args = context.arguments()?;
    let times = match args.optional_count("timesEntered")? {
        Some(times) => times,
        None => return Err(args.missing("timesEntered")),
    };
    args.finish()?;
    point.wait_until_entered(times).await;
    Ok(Reply::ok())
}
