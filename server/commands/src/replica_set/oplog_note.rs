//! `appendOplogNote`: an entry that changes nothing.
//!
//! Tools mark points in the history with it; test suites push the set's time forward.

use super::command;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::{RawValue, Timestamp};
use quire_errors::{Code, CommandError, Result};
use quire_replset::read_preference::Where;

pub const COMMAND: Command = Command {
    takes_write_concern: true,
    place: Where::Primary,
    ..command(
        "appendOplogNote",
        "writes a note to the oplog",
        Run::Later(|context| Box::pin(run(context))),
    )
};

async fn run(context: &Context<'_>) -> Result<Reply> {
    let Some(set) = &context.server.replica_set else {
        return Err(CommandError::new(
            Code::NoReplicationEnabled,
            "Must have replication set up to run \"appendOplogNote\"",
        ));
    };
    let mut args = context.arguments()?;
    let data = args.doc("data")?;
    let after = match args.take("maxClusterTime") {
        None => None,
        Some(RawValue::Timestamp { time, increment }) => Some(Timestamp { time, increment }),
        Some(wrong) => return Err(args.wrong_type("maxClusterTime", wrong, "timestamp")),
    };
    args.finish()?;
    if after.is_some_and(|after| set.operation_time() > after) {
        return Err(CommandError::new(
            Code::StaleClusterTime,
            format!(
                "Requested maxClusterTime {} is less than the last primary OpTime: {}",
                shown(after),
                shown(Some(set.operation_time()))
            ),
        ));
    }
    set.write_note(data.to_document()).await?;
    Ok(Reply::ok())
}

fn shown(time: Option<Timestamp>) -> String {
    time.map_or(String::new(), |time| format!("Timestamp({}, {})", time.time, time.increment))
}
