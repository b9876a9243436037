//! `replSetResizeOplog`: how much of the past is kept.

use super::command;
use crate::arguments::Arguments;
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use parking_lot::Mutex;
use quire_bson::RawValue;
use quire_consensus::Retention;
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

pub const COMMAND: Command = command(
    "replSetResizeOplog",
    "changes how much of the oplog is kept",
    Run::Later(|context| Box::pin(run(context))),
);

/// Bounds of the size, in megabytes.
const LEAST: f64 = 990.0;
const MOST: f64 = 1_073_741_824.0;

/// Longer than any log lasts.
const HOURS_MAX: f64 = 1e9;

const MEGABYTE: f64 = 1_048_576.0;
const SECONDS_PER_HOUR: f64 = 3600.0;

async fn run(context: &Context<'_>) -> Result<Reply> {
    let mut arguments = context.arguments()?;
    let megabytes = double(&mut arguments, "size", LEAST, Some(MOST))?;
    let hours = double(&mut arguments, "minRetentionHours", 0.0, None)?;
    arguments.finish()?;
    let set = context.server.replica_set.as_deref();
    if set.is_none_or(|set| set.standing().detail.is_none()) {
        return Err(CommandError::new(Code::NamespaceNotFound, "oplog does not exist"));
    }
    let (replica, host) = (context.server.sequencer.replica().clone(), context.server.host.clone());
    let outcome = Arc::new(Mutex::new(None));
    let told = outcome.clone();
    let resize = move || {
        let resized = replica.change_retention(|before| {
            let now = changed(before, megabytes, hours);
            // On disk first: what was promised holds after a crash too.
            host.keep_retention(now)?;
            tracing::info!(
                target: "REPL",
                id = 20_497,
                before = ?before,
                now = ?now,
                "replSetResizeOplog success"
            );
            Ok(now)
        });
        *told.lock() = Some(resized);
    };
    context.server.host.beside(Box::new(resize)).await;
    let resized = outcome.lock().take().unwrap_or_else(|| Err("it broke off".to_owned()));
    resized.map_err(|reason| {
        let message = format!("the size of the oplog could not be kept: {reason}");
        CommandError::new(Code::InternalError, message)
    })?;
    Ok(Reply::ok())
}

fn changed(before: Retention, megabytes: Option<f64>, hours: Option<f64>) -> Retention {
    let (bytes, seconds) = match before {
        Retention::Size { bytes, seconds } => (bytes, seconds),
        Retention::Entries(_) => (whole(LEAST * MEGABYTE), 0),
    };
    Retention::Size {
        bytes: megabytes.map_or(bytes, |megabytes| whole(megabytes * MEGABYTE)),
        seconds: hours.map_or(seconds, |hours| whole(hours.min(HOURS_MAX) * SECONDS_PER_HOUR)),
    }
}

/// A field that must be a double, whole or not.
fn double(
    arguments: &mut Arguments<'_>,
    name: &str,
    least: f64,
    most: Option<f64>,
) -> Result<Option<f64>> {
    let value = match arguments.take(name) {
        None | Some(RawValue::Null | RawValue::Undefined) => return Ok(None),
        Some(RawValue::Double(value)) => value,
        Some(wrong) => return Err(arguments.wrong_type(name, wrong, "double")),
    };
    let refuse = |comparison: &str, bound: f64| {
        Err(CommandError::bad_value(format!(
            "BSON field '{name}' value must be {comparison} {bound}, actual value '{value}'"
        )))
    };
    if value.is_nan() || value < least {
        return refuse(">=", least);
    }
    match most.filter(|most| value > *most) {
        Some(most) => refuse("<=", most),
        None => Ok(Some(value)),
    }
}

/// A number that is neither negative nor too large.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> u64 {
    number as u64
}
