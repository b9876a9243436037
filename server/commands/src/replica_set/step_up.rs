//! `replSetStepUp`: a member stands for election at once.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::Result;

pub const COMMAND: Command = command(
    "replSetStepUp",
    "makes this member stand for election",
    Run::Later(|context| Box::pin(run(context))),
);

async fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    let mut args = context.arguments()?;
    // An ordered election never has a rehearsal here.
    args.flag("skipDryRun")?;
    args.finish()?;
    set.step_up().await?;
    Ok(Reply::ok())
}
