//! `replSetReconfig`: another configuration takes the place of the one in force.

use super::{command, set};
use crate::concerns::Defaults;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{CommandError, Result};

pub const COMMAND: Command = command(
    "replSetReconfig",
    "changes the replica set's configuration",
    Run::Later(|context| Box::pin(run(context))),
);

async fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    let mut args = context.arguments()?;
    let force = args.flag("force")?;
    args.finish()?;
    let Some(config) = context.target().as_document() else {
        return Err(CommandError::bad_value("no configuration specified"));
    };
    // What an unadorned write waits for may change only if an operator has said what it is.
    let has_default = Defaults::stored(context.server)?.write.is_some();
    set.note_default_write_concern(has_default);
    set.reconfigure(config, force).await?;
    Ok(Reply::ok())
}
