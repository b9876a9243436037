//! `replSetSyncFrom`: which member to copy from.
//!
//! Here the primary sends to everybody, so there is nothing to choose: what makes no sense is
//! refused as ever, and what makes sense is answered and changes nothing.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};
use quire_replset::set::Standing;
use quire_replset::{HostPort, MemberState, status};

pub const COMMAND: Command =
    command("replSetSyncFrom", "tells a member whom to copy from", Run::Now(run));

fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    let args = context.arguments()?;
    let Some(text) = context.target().as_str() else {
        return Err(args.wrong_type("replSetSyncFrom", context.target(), "string"));
    };
    args.finish()?;
    let wanted = HostPort::parse(text)?;
    check(&set.standing(), &wanted)?;
    Ok(Reply::with(|b| {
        b.append_str("syncFromRequested", &wanted.to_string());
        if let Some(source) = set.sync_source() {
            b.append_str("prevSyncTarget", &source.to_string());
        }
    }))
}

fn check(standing: &Standing, wanted: &HostPort) -> Result<()> {
    let detail = standing.detail.as_ref().ok_or_else(status::not_initialized)?;
    let members = &detail.config.members;
    let refused = |code, message: String| Err(CommandError::new(code, message));
    if standing.own.is_none() {
        return Err(status::not_a_member());
    }
    if standing.state == MemberState::Primary {
        return refused(Code::NotSecondary, "primaries don't sync".to_owned());
    }
    let Some(position) = members.iter().position(|member| member.host == *wanted) else {
        return refused(
            Code::NodeNotFound,
            format!("Could not find member \"{wanted}\" in replica set"),
        );
    };
    if Some(position) == standing.own {
        return refused(Code::InvalidOptions, "I cannot sync from myself".to_owned());
    }
    if members.get(position).is_some_and(|member| member.arbiter_only) {
        return refused(
            Code::InvalidOptions,
            format!("Cannot sync from \"{wanted}\" because it is an arbiter"),
        );
    }
    Ok(())
}
