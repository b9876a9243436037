//! `profile`: which operations of a database are recorded, and when one counts as slow.

use crate::arguments::{integer, number};
use crate::profiling::{Level, ProfileFilter};
use crate::registry::{Command, Run};
use crate::reply::Reply;
use crate::server::Context;
use quire_bson::RawValue;
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub const COMMAND: Command = Command::new(
    "profile",
    "sets which operations are recorded in system.profile",
    Run::Later(|context| Box::pin(run(context))),
);

/// What is to change.
struct Change {
    level: Option<Level>,
    slow_millis: Option<i64>,
    sample_rate: Option<f64>,
    /// The filter to set, or `None` to unset it.
    filter: Option<Option<Arc<ProfileFilter>>>,
}

async fn run(context: &Context<'_>) -> Result<Reply> {
    let change = parse(context)?;
    let profiling = &context.server.profiling;
    let before = profiling.settings(context.database());
    let (slow_millis, sample_rate) = (profiling.slow_millis(), profiling.sample_rate());
    let records = matches!(change.level, Some(Level::Slow | Level::All));
    // Records are replicated, so a member that is not primary keeps none, and only logs.
    if records && context.server.takes_writes() {
        crate::recording::ensure_collection(context.server, context.database()).await?;
    }
    apply(context, change);
    Ok(Reply::with(|b| {
        b.append_i32("was", before.level as i32);
        b.append_i32("slowms", i32::try_from(slow_millis).unwrap_or(i32::MAX));
        b.append_f64("sampleRate", sample_rate);
        if let Some(filter) = &before.filter {
            b.append_doc("filter", filter.source());
            b.append_str(
                "note",
                "When a filter expression is set, slowms and sampleRate are not used for \
                 profiling and slow-query log lines.",
            );
        }
    }))
}

fn parse(context: &Context<'_>) -> Result<Change> {
    let mut args = context.arguments()?;
    let target = context.target();
    let Some(level) = target.is_number().then(|| integer(target)).flatten() else {
        return Err(args.wrong_type("profile", target, "[int, long, double, decimal]"));
    };
    let slow_millis = args.optional_i64("slowms")?;
    let sample_rate = sample_rate(args.take("sampleRate"))?;
    let filter = match args.take("filter") {
        None => None,
        Some(RawValue::Document(filter)) => {
            let constants = context.constants(None, quire_query::ValueOrder::BYTES)?;
            let constants = Arc::new(constants.for_catalog());
            Some(Some(Arc::new(ProfileFilter::parse(filter, &constants)?)))
        }
        Some(RawValue::String("unset")) => Some(None),
        Some(_) => {
            return Err(CommandError::bad_value(
                "Expected an object or the string 'unset' for 'filter'",
            ));
        }
    };
    args.finish()?;
    // Any other number only asks.
    Ok(Change { level: Level::of_number(level), slow_millis, sample_rate, filter })
}

fn sample_rate(value: Option<RawValue<'_>>) -> Result<Option<f64>> {
    let Some(value) = value else { return Ok(None) };
    match number(value) {
        Some(rate) if (0.0..=1.0).contains(&rate) => Ok(Some(rate)),
        Some(_) => {
            Err(CommandError::bad_value("'sampleRate' must be between 0.0 and 1.0 inclusive"))
        }
        None => Err(CommandError::type_mismatch(format!(
            "BSON field 'profile.sampleRate' is the wrong type '{}', expected types \
             '[double, int, long, decimal]'",
            value.type_name()
        ))),
    }
}

fn apply(context: &Context<'_>, change: Change) {
    let profiling = &context.server.profiling;
    if let Some(millis) = change.slow_millis {
        profiling.set_slow_millis(millis);
    }
    if let Some(rate) = change.sample_rate {
        profiling.set_sample_rate(rate);
    }
    profiling.set(context.database(), change.level, change.filter);
}
