//! `replSetStepDown`: the primary makes place for another member.

use super::{command, set};
use crate::arguments::integer;
use crate::persona::Behaviour;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_errors::{CommandError, Result};
use quire_replset::set::StepDown;

pub const COMMAND: Command = command(
    "replSetStepDown",
    "makes another member primary",
    Run::Later(|context| Box::pin(run(context))),
);

/// How long it does not stand again, and how long another may take to catch up, unless told.
const SECONDS: u32 = 60;
const CATCH_UP_SECONDS: u32 = 10;

async fn run(context: &Context<'_>) -> Result<Reply> {
    let set = set(context)?;
    set.step_down(parse(context)?).await?;
    if hang(context).await || context.server.facts.persona.has(Behaviour::CloseOnStepDown) {
        context.operation.hang_up();
        context.server.host.close_connections();
    }
    Ok(Reply::ok())
}

/// Lets the fail point hold up the end of a step-down. Gives whether it did; clients lose their
/// connections then.
async fn hang(context: &Context<'_>) -> bool {
    let point = &context.server.failpoints.stepdown_hang;
    if point.enter().is_none() {
        return false;
    }
    tracing::info!(
        target: "REPL",
        id = 7_100_071,
        ctx = context.client.name(),
        "A step-down hangs until its fail point is off"
    );
    point.until_off().await;
    true
}

fn parse(context: &Context<'_>) -> Result<StepDown> {
    let mut args = context.arguments()?;
    let force = args.flag("force")?;
    let catch_up = args.optional_i64("secondaryCatchUpPeriodSecs")?;
    args.finish()?;
    let seconds = match integer(context.target()).unwrap_or(0) {
        ..0 => return Err(CommandError::bad_value("stepdown period must be a positive integer")),
        0 => SECONDS,
        seconds => u32::try_from(seconds).unwrap_or(u32::MAX),
    };
    let catch_up_seconds = match catch_up {
        Some(..0) => {
            return Err(CommandError::bad_value(
                "secondaryCatchUpPeriodSecs period must be a positive or absent",
            ));
        }
        Some(seconds) => u32::try_from(seconds).unwrap_or(u32::MAX),
        // Who forces it does not want to wait.
        None if force => 0,
        None => CATCH_UP_SECONDS,
    };
    if seconds < catch_up_seconds {
        return Err(CommandError::bad_value(
            "stepdown period must be longer than secondaryCatchUpPeriodSecs",
        ));
    }
    Ok(StepDown { seconds, catch_up_seconds, force })
}
