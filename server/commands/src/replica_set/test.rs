//! `replSetTest`: waiting for a state, for test suites.

use super::{command, set};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{Code, CommandError, Result};
use quire_execution::wait::{Either, race};
use quire_replset::MemberState;
use std::time::Duration;

pub const COMMAND: Command = Command {
    for_tests: true,
    ..command(
        "replSetTest",
        "waits for a state of this member, for tests",
        Run::Later(|context| Box::pin(run(context))),
    )
};

const PATIENCE: Duration = Duration::from_secs(60);

async fn run(context: &Context<'_>) -> Result<Reply> {
    set(context)?;
    let mut args = context.arguments()?;
    let wanted = args.optional_i64("waitForMemberState")?;
    let patience = args.optional_count("timeoutMillis")?.map_or(PATIENCE, Duration::from_millis);
    args.finish()?;
    let Some(wanted) = wanted else { return Ok(Reply::ok()) };
    let state = i32::try_from(wanted).ok().and_then(MemberState::from_number);
    let Some(state) = state else {
        return Err(CommandError::bad_value(format!("Unrecognized numerical state: {wanted}")));
    };
    let timer = context.server.host.sleep(patience);
    match race(wait_for(context, state), timer).await {
        Either::First(reached) => reached.map(|()| Reply::ok()),
        Either::Second(()) => Err(CommandError::new(
            Code::ExceededTimeLimit,
            format!("Timed out waiting for state change to {state}"),
        )),
    }
}

async fn wait_for(context: &Context<'_>, state: MemberState) -> Result<()> {
    let set = set(context)?;
    let changed = &context.server.topology.changed;
    loop {
        let seen = changed.generation();
        if set.standing().state == state {
            return Ok(());
        }
        changed.changed_since(seen).await;
    }
}
