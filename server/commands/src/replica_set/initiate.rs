//! `replSetInitiate`: a set comes into being.

use super::command;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};

pub const COMMAND: Command =
    command("replSetInitiate", "makes a replica set", Run::Later(|context| Box::pin(run(context))));

async fn run(context: &Context<'_>) -> Result<Reply> {
    let Some(set) = &context.server.replica_set else {
        return Err(CommandError::new(
            Code::NoReplicationEnabled,
            "This node was not started with replication enabled.",
        ));
    };
    context.arguments()?.finish()?;
    // `rs.initiate()` sends an empty document, older shells a number or null.
    let config = context.target().as_document().filter(|config| !config.is_empty());
    let initiated = set.initiate(config).await?;
    Ok(Reply::with(|b| {
        if initiated.used_default {
            b.append_str(
                "info2",
                "no configuration specified. Using a default configuration for the set",
            );
            b.append_str("me", &initiated.own.to_string());
        }
        b.append_str("info", "Config now saved locally.  Should come online in about a minute.");
    }))
}
