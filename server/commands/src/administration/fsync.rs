//! `fsync` and `fsyncUnlock`: what is written becomes durable, and writes stop for a backup.
//!
//! Every acknowledged write is durable already, in the log. `fsync` makes the data itself durable, so
//! that files copied while writes are held need no log to be replayed.

use crate::registry::{Command, Run, Scope};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Either, race};
use std::time::Duration;

pub const FSYNC: Command = Command {
    scope: Scope::Admin,
    ..Command::new(
        "fsync",
        "makes everything durable, and holds writes when asked to",
        Run::Later(|context| Box::pin(fsync(context))),
    )
};

pub const UNLOCK: Command = Command {
    scope: Scope::Admin,
    ..Command::new("fsyncUnlock", "lets held writes go on", Run::Now(unlock))
};

/// How long running writes may take before a lock gives up; MongoDB's default.
const PATIENCE: Duration = Duration::from_secs(90);

async fn fsync(context: &Context<'_>) -> Result<Reply> {
    let mut args = context.arguments()?;
    let lock = args.flag("lock")?;
    let patience = args.optional_count("fsyncLockAcquisitionTimeoutMillis")?;
    // Durability was never anything but synchronous here.
    args.ignore("async");
    args.finish()?;
    let patience = patience.map_or(PATIENCE, Duration::from_millis);
    if !lock {
        make_durable(context)?;
        return Ok(Reply::with(|b| {
            b.append_i32("numFiles", 1);
        }));
    }
    let hold = Hold::take(context);
    let caught_up = context.server.sequencer.caught_up();
    if let Either::Second(()) = race(caught_up, context.server.host.sleep(patience)).await {
        return Err(CommandError::new(Code::LockTimeout, "Fsync lock timed out"));
    }
    make_durable(context)?;
    let count = hold.keep();
    tracing::warn!(
        target: "COMMAND",
        id = 20461,
        lockCount = count,
        "Writes are held until fsyncUnlock"
    );
    Ok(Reply::with(|b| {
        b.append_str("info", "now locked against writes, use db.fsyncUnlock() to unlock");
        b.append_i64("lockCount", i64::from(count));
        b.append_str("seeAlso", "http://dochub.mongodb.org/core/fsynccommand");
    }))
}

/// A hold on all writes that ends with the command, unless it is kept.
pub(crate) struct Hold<'a> {
    context: &'a Context<'a>,
    count: u32,
    kept: bool,
}

impl<'a> Hold<'a> {
    pub(crate) fn take(context: &'a Context<'a>) -> Hold<'a> {
        Hold { context, count: context.server.sequencer.hold_writes(), kept: false }
    }

    fn keep(mut self) -> u32 {
        self.kept = true;
        self.count
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        if !self.kept {
            self.context.server.sequencer.release_writes();
        }
    }
}

fn make_durable(context: &Context<'_>) -> Result<()> {
    context.server.sequencer.replica().checkpoint().map_err(|fatal| {
        CommandError::new(Code::OperationFailed, format!("fsync failed: {}", fatal.reason))
    })
}

fn unlock(context: &Context<'_>) -> Result<Reply> {
    context.arguments()?.finish()?;
    let Some(left) = context.server.sequencer.release_writes() else {
        return Err(CommandError::new(
            Code::IllegalOperation,
            "fsyncUnlock called when not locked",
        ));
    };
    Ok(Reply::with(|b| {
        b.append_str("info", "fsyncUnlock completed");
        b.append_i64("lockCount", i64::from(left));
    }))
}
