//! `replSetGetConfig`: the configuration in force.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};
use quire_replset::config::NewlyAdded;
use quire_replset::status;

pub const COMMAND: Command =
    command("replSetGetConfig", "gives the replica set's configuration", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    let mut args = context.arguments()?;
    let commitment = args.flag("commitmentStatus")?;
    let newly_added = match args.flag("$_internalIncludeNewlyAdded")? {
        true => NewlyAdded::Shown,
        false => NewlyAdded::Hidden,
    };
    args.finish()?;
    let standing = set.standing();
    let detail = standing.detail.ok_or_else(status::not_initialized)?;
    if commitment && !standing.is_writable {
        return Err(CommandError::new(
            Code::NotWritablePrimary,
            "commitmentStatus is only supported on primary.",
        ));
    }
    let config = detail.config.to_document(newly_added);
    Ok(Reply::with(|b| {
        b.append_bson("config", &config.into());
        if commitment {
            // What is in force was committed before.
            b.append_bool("commitmentStatus", true);
        }
    }))
}
