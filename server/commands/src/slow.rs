//! What a finished command leaves behind in the log.
//!
//! Owns the "Slow query" line, in the form that log readers parse, and who gets one.

use crate::counters::OperationClass;
use crate::handshake::MONITORING;
use crate::operations::Operation;
use crate::profiling::{DatabaseSettings, Level};
use crate::registry::Command;
use crate::server::Context;
use crate::{brief, json, recording};
use quire_errors::CommandError;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// One command that has run.
pub struct Finished<'a> {
    pub command: &'static Command,
    pub took: Duration,
    pub error: Option<&'a CommandError>,
    pub reply_bytes: usize,
}

impl Finished<'_> {
    pub fn millis(&self) -> i64 {
        i64::try_from(self.took.as_millis()).unwrap_or(i64::MAX)
    }
}

/// Looks at one finished command: it may be worth a line in the log, and a record.
pub async fn note(context: &Context<'_>, finished: &Finished<'_>) {
    let profiling = &context.server.profiling;
    let slow =
        finished.took >= profiling.slow_after() && !MONITORING.contains(&finished.command.name);
    let settings = profiling.settings(context.database());
    if !slow && settings.level == Level::Off {
        return;
    }
    let sampled = is_sampled(context, profiling.sample_rate());
    let by_filter = match &settings.filter {
        Some(filter) => {
            let record = recording::record(context, finished);
            Some(filter.matches(record.as_raw()))
        }
        None => None,
    };
    if by_filter.unwrap_or(slow && sampled) {
        write_line(context, finished);
    }
    if is_recorded(&settings, by_filter, slow && sampled) {
        recording::write(context, finished).await;
    }
}

fn is_recorded(settings: &DatabaseSettings, by_filter: Option<bool>, slow: bool) -> bool {
    match settings.level {
        Level::Off => false,
        Level::Slow => by_filter.unwrap_or(slow),
        Level::All => by_filter.unwrap_or(true),
    }
}

fn is_sampled(context: &Context<'_>, rate: f64) -> bool {
    rate >= 1.0 || (context.server.host.random() as f64) < rate * u64::MAX as f64
}

fn write_line(context: &Context<'_>, finished: &Finished<'_>) {
    let operation = context.operation;
    let figures = &operation.figures;
    let body = brief::command(context.body(), context.server.parameters.log_bytes_max());
    let plan = figures.plan.lock().clone();
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    let looked = plan.is_some() || count(&figures.docs_examined) > 0;
    let nonzero = |n: u64| (n > 0).then_some(n);
    tracing::info!(
        target: "COMMAND",
        id = 51803,
        ctx = context.client.name(),
        type = kind(finished.command),
        ns = operation.namespace,
        appName = context.client.app_name(),
        json.command = json::text(&body),
        planSummary = plan,
        cursorid = nonzero(figures.cursor.load(Ordering::Relaxed).unsigned_abs()),
        keysExamined = looked.then(|| count(&figures.keys_examined)),
        docsExamined = looked.then(|| count(&figures.docs_examined)),
        nMatched = nonzero(count(&figures.matched)),
        nModified = nonzero(count(&figures.modified)),
        ninserted = nonzero(count(&figures.inserted)),
        ndeleted = nonzero(count(&figures.deleted)),
        numYields = 0,
        nreturned = looked.then(|| count(&figures.returned)),
        ok = finished.error.map(|_| 0),
        errMsg = finished.error.map(CommandError::message),
        errName = finished.error.map(|error| error.code().name().into_owned()),
        errCode = finished.error.map(|error| error.code().number()),
        reslen = finished.reply_bytes,
        remote = context.client.remote_text(),
        protocol = "op_msg",
        durationMillis = finished.millis(),
        "Slow query"
    );
}

/// The kind of operation by the names that logs use.
pub fn kind(command: &Command) -> &'static str {
    match command.class {
        OperationClass::Update => "update",
        OperationClass::Delete => "remove",
        OperationClass::GetMore
        | OperationClass::Insert
        | OperationClass::Query
        | OperationClass::BulkWrite
        | OperationClass::Command => "command",
    }
}

/// The kind of operation by the names that `currentOp` and the profiler use.
pub fn operation_kind(operation: &Operation) -> &'static str {
    match crate::registry::find(operation.command).map(|command| command.class) {
        Some(OperationClass::Insert) => "insert",
        Some(OperationClass::Query) => "query",
        Some(OperationClass::Update) => "update",
        Some(OperationClass::Delete) => "remove",
        Some(OperationClass::GetMore) => "getmore",
        Some(OperationClass::BulkWrite) => "bulkWrite",
        Some(OperationClass::Command) | None => "command",
    }
}
