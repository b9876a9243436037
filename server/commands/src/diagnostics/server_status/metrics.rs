//! The sections about what was done: operations, their latencies, documents and cursors.

use super::shown;
use crate::counters::Latency;
use crate::server::Context;
use quire_bson::DocBuilder;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) fn append_counter(b: &mut DocBuilder, name: &str, counter: &AtomicU64) {
    b.append_i64(name, shown(counter.load(Ordering::Relaxed)));
}

pub(super) fn operations(b: &mut DocBuilder, context: &Context<'_>) {
    let counters = &context.server.counters;
    for (name, counter) in [
        ("insert", &counters.insert),
        ("query", &counters.query),
        ("update", &counters.update),
        ("delete", &counters.delete),
        ("getmore", &counters.getmore),
        ("command", &counters.command),
    ] {
        append_counter(b, name, counter);
    }
}

/// What a secondary applied, which nobody counts.
pub(super) const REPLICATED: &str = "opcountersRepl";

/// On a standalone it is nothing.
pub(super) fn replicated_operations(b: &mut DocBuilder, _: &Context<'_>) {
    for name in ["insert", "query", "update", "delete", "getmore", "command"] {
        b.append_i64(name, 0);
    }
}

pub(super) fn latencies(b: &mut DocBuilder, context: &Context<'_>) {
    let counters = &context.server.counters;
    let append = |b: &mut DocBuilder, name: &str, latency: &Latency| {
        b.append_with(name, |b| {
            append_counter(b, "latency", &latency.micros);
            append_counter(b, "ops", &latency.operations);
        });
    };
    append(b, "reads", &counters.reads);
    append(b, "writes", &counters.writes);
    append(b, "commands", &counters.commands);
    append(b, "transactions", &Latency::default());
}

pub(super) fn metrics(b: &mut DocBuilder, context: &Context<'_>) {
    let counters = &context.server.counters;
    let now = context.server.now_millis();
    b.append_with("apiVersions", |b| counters.api_usage.append(b, now));
    b.append_with("commands", |b| commands(b, context));
    b.append_with("cursor", |b| cursors(b, context));
    b.append_with("document", |b| {
        append_counter(b, "deleted", &counters.docs_deleted);
        append_counter(b, "inserted", &counters.docs_inserted);
        append_counter(b, "returned", &counters.docs_returned);
        append_counter(b, "updated", &counters.docs_updated);
    });
    b.append_with("queryExecutor", |b| {
        append_counter(b, "scanned", &counters.keys_examined);
        append_counter(b, "scannedObjects", &counters.docs_examined);
    });
    b.append_with("ttl", |b| {
        append_counter(b, "deletedDocuments", &counters.ttl_deleted);
        append_counter(b, "passes", &counters.ttl_passes);
    });
}

fn commands(b: &mut DocBuilder, context: &Context<'_>) {
    for (name, (total, failed)) in context.server.counters.by_command.lock().iter() {
        b.append_with(name, |b| {
            b.append_i64("failed", shown(*failed));
            b.append_i64("total", shown(*total));
        });
    }
}

fn cursors(b: &mut DocBuilder, context: &Context<'_>) {
    let counts = context.server.cursors.counts();
    b.append_i64("timedOut", shown(counts.timed_out));
    b.append_i64("totalOpened", shown(counts.total_opened));
    b.append_with("open", |b| {
        b.append_i64("noTimeout", shown(counts.no_timeout));
        b.append_i64("pinned", shown(counts.pinned));
        b.append_i64("total", shown(counts.open));
    });
}
