//! `sleep`: takes its time, and holds all writes meanwhile when it is told to.
//!
//! There is no lock of a server here. Both of MongoDB's, the one that readers share and the one that
//! they do not, keep writes from happening, and so does this; reads go on.

use super::command;
use crate::administration::Hold;
use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{CommandError, Result};
use std::time::Duration;

pub const COMMAND: Command = Command {
    scope: Scope::Admin,
    ..command("sleep", "takes its time", Run::Later(|context| Box::pin(run(context))))
};

/// When nothing says how long.
const DEFAULT: Duration = Duration::from_secs(10);

async fn run(context: &Context<'_>) -> Result<Reply> {
    let (duration, holds) = read(context)?;
    let hold = holds.then(|| Hold::take(context));
    if hold.is_some() {
        context.server.sequencer.caught_up().await;
    }
    context.server.host.sleep(duration).await;
    Ok(Reply::ok())
}

/// How long it takes, and whether writes wait for it.
fn read(context: &Context<'_>) -> Result<(Duration, bool)> {
    let mut args = context.arguments()?;
    let (secs, seconds) = (args.optional_count("secs")?, args.optional_count("seconds")?);
    let millis = args.optional_count("millis")?;
    let exclusive = args.optional_flag("w")?;
    let lock = args.optional_str("lock")?;
    // Where MongoDB would lock one database or collection, all of them wait.
    args.optional_str("lockTarget")?;
    args.finish()?;
    if secs.is_some() && seconds.is_some() {
        return Err(CommandError::location(
            51_153,
            "Only one of 'secs' and 'seconds' may be specified",
        ));
    }
    let holds = match (exclusive, lock) {
        (Some(_), Some(_)) => {
            return Err(CommandError::location(34_346, "Only one of 'w' and 'lock' may be set."));
        }
        (_, Some("none")) => false,
        (_, Some("r" | "w")) => true,
        (_, Some(_)) => {
            return Err(CommandError::location(34_347, "'lock' must be one of 'r', 'w', 'none'."));
        }
        (exclusive, None) => exclusive == Some(true),
    };
    let secs = secs.or(seconds);
    if secs.is_none() && millis.is_none() {
        return Ok((DEFAULT, holds));
    }
    let whole = Duration::from_secs(secs.unwrap_or(0));
    Ok((whole.saturating_add(Duration::from_millis(millis.unwrap_or(0))), holds))
}
