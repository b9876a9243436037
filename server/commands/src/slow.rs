//! Lines about slow operations, and the profiler's records.
//!
//! Owns what one finished command leaves behind: a "Slow query" line when it took longer than
//! `slowms`, and a document in `system.profile` when profiling is on.

use crate::registry::Command;
use crate::server::Context;
use quire_errors::CommandError;
use std::time::Duration;

/// Looks at one finished command.
pub fn note(
    context: &Context<'_>,
    _command: &'static Command,
    took: Duration,
    error: Option<&CommandError>,
) {
    if took < context.server.profiling.slow_after() {
        return;
    }
    tracing::info!(
        target: "COMMAND",
        id = 51803,
        ctx = context.client.name(),
        ns = context.operation.namespace,
        command = quire_bson::shell_text(context.body()),
        remote = context.client.remote_text(),
        durationMillis = took.as_millis() as u64,
        ok = error.is_none(),
        "Slow query"
    );
}
