//! The sections about the process, its connections and what it holds.

use super::shown;
use crate::counters::LatencyClass;
use crate::registry;
use crate::server::Context;
use crate::sessions::Job;
use quire_bson::{DocBuilder, RawValue};
use quire_documents::{Collection, Layout};
use std::sync::atomic::Ordering;

pub(super) fn asserts(b: &mut DocBuilder, context: &Context<'_>) {
    let counters = &context.server.counters;
    let user = counters.asserts_user.load(Ordering::Relaxed);
    let tripwire = counters.asserts_tripwire.load(Ordering::Relaxed);
    let fields = ["regular", "warning", "msg"];
    for name in fields {
        b.append_i32(name, 0);
    }
    b.append_i64("user", shown(user));
    b.append_i64("tripwire", shown(tripwire));
    b.append_i32("rollovers", 0);
}

pub(super) fn catalog(b: &mut DocBuilder, context: &Context<'_>) {
    let catalog = context.server.documents.catalog();
    let count = |matches: fn(&Collection) -> bool| {
        let all = catalog.collections().filter(|collection| matches(collection)).count();
        i32::try_from(all).unwrap_or(i32::MAX)
    };
    let is_internal = |c: &Collection| c.namespace.collection().starts_with("system.");
    b.append_i32("collections", count(|c| c.layout != Layout::View));
    b.append_i32("capped", count(|c| c.capped().is_some()));
    b.append_i32("views", count(|c| c.layout == Layout::View));
    b.append_i32("internalCollections", count(is_internal));
}

pub(super) fn connections(b: &mut DocBuilder, context: &Context<'_>) {
    let counts = context.server.host.connections();
    for (name, count) in [
        ("current", counts.current),
        ("available", counts.available),
        ("totalCreated", counts.total_created),
        ("rejected", counts.rejected),
        ("active", counts.active),
    ] {
        b.append_i32(name, i32::try_from(count).unwrap_or(i32::MAX));
    }
    context.server.ingress.append_to_connections(b);
}

/// What waits to be let in.
pub(super) fn queues(b: &mut DocBuilder, context: &Context<'_>) {
    context.server.ingress.append_queues(b, &context.server.parameters);
}

pub(super) fn extra_info(b: &mut DocBuilder, context: &Context<'_>) {
    let used = context.server.host.process_use();
    b.append_str("note", "fields vary by platform");
    for (name, count) in [
        ("user_time_us", used.user_micros),
        ("system_time_us", used.system_micros),
        ("maximum_resident_set_kb", used.resident_max_kib),
        ("input_blocks", used.blocks_read),
        ("output_blocks", used.blocks_written),
        ("page_reclaims", used.page_reclaims),
        ("page_faults", used.page_faults),
        ("voluntary_context_switches", used.voluntary_switches),
        ("involuntary_context_switches", used.involuntary_switches),
        ("threads", used.threads),
    ] {
        b.append_i64(name, shown(count));
    }
}

pub(super) fn feature_version(b: &mut DocBuilder, context: &Context<'_>) {
    let [major, minor, ..] = context.server.facts.persona.version_array();
    b.append_i32("major", major);
    b.append_i32("minor", minor);
    b.append_bool("transitioning", false);
}

/// There is no such lock; the fields tell what runs.
pub(super) fn global_lock(b: &mut DocBuilder, context: &Context<'_>) {
    let uptime = context.server.facts.started.elapsed().as_micros();
    let (mut readers, mut writers) = (0, 0);
    for operation in context.server.operations.list() {
        match registry::find(operation.command).map(|command| command.latency) {
            Some(LatencyClass::Reads) => readers += 1,
            Some(LatencyClass::Writes) => writers += 1,
            Some(LatencyClass::Commands) | None => {}
        }
    }
    b.append_i64("totalTime", i64::try_from(uptime).unwrap_or(i64::MAX));
    for (name, readers, writers) in [("currentQueue", 0, 0), ("activeClients", readers, writers)] {
        b.append_with(name, |b| {
            b.append_i32("total", readers + writers);
            b.append_i32("readers", readers);
            b.append_i32("writers", writers);
        });
    }
}

pub(super) fn sessions(b: &mut DocBuilder, context: &Context<'_>) {
    let active = context.server.sessions.count();
    let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
    let millis = |job: &Job| i32::try_from(job.took.as_millis()).unwrap_or(i32::MAX);
    b.append_i32("activeSessionsCount", count(active));
    let refresh = context.server.sessions.figures.refreshes();
    b.append_i32("sessionsCollectionJobCount", count(refresh.count));
    b.append_i32("lastSessionsCollectionJobDurationMillis", millis(&refresh));
    b.append("lastSessionsCollectionJobTimestamp", RawValue::DateTime(refresh.at_millis));
    b.append_i32("lastSessionsCollectionJobEntriesRefreshed", count(refresh.used));
    b.append_i32("lastSessionsCollectionJobEntriesEnded", count(refresh.ended));
    b.append_i32("lastSessionsCollectionJobCursorsClosed", 0);
    let reap = context.server.sessions.figures.reaps();
    b.append_i32("transactionReaperJobCount", count(reap.count));
    b.append_i32("lastTransactionReaperJobDurationMillis", millis(&reap));
    b.append("lastTransactionReaperJobTimestamp", RawValue::DateTime(reap.at_millis));
    b.append_i32("lastTransactionReaperJobEntriesCleanedUp", count(reap.ended));
    b.append_i32("sessionCatalogSize", 0);
}

pub(super) fn network(b: &mut DocBuilder, context: &Context<'_>) {
    let counts = context.server.host.network();
    b.append_i64("bytesIn", shown(counts.bytes_in));
    b.append_i64("bytesOut", shown(counts.bytes_out));
    b.append_i64("physicalBytesIn", shown(counts.physical_bytes_in));
    b.append_i64("physicalBytesOut", shown(counts.physical_bytes_out));
    b.append_i64("numRequests", shown(counts.requests));
    let compressors = &context.server.facts.compressors;
    if !compressors.is_empty() {
        b.append_with("compression", |b| {
            for name in compressors {
                b.append_with(name, |b| compression(b, context, name));
            }
        });
    }
    context.server.ingress.append_to_network(b, &context.server.parameters);
}

fn compression(b: &mut DocBuilder, context: &Context<'_>, name: &str) {
    let counts = context.server.host.compression(name);
    for (side, recoded) in
        [("compressor", counts.compressed), ("decompressor", counts.decompressed)]
    {
        b.append_with(side, |b| {
            b.append_i64("bytesIn", shown(recoded.given));
            b.append_i64("bytesOut", shown(recoded.made));
        });
    }
}

pub(super) fn storage_engine(b: &mut DocBuilder, context: &Context<'_>) {
    let name = context.server.facts.storage_engine;
    b.append_str("name", name);
    b.append_bool("supportsCommittedReads", true);
    b.append_bool("supportsPendingDrops", false);
    // A standalone has no time by which a moment could be named.
    b.append_bool("supportsSnapshotReadConcern", context.server.replica_set.is_some());
    b.append_bool("readOnly", false);
    b.append_bool("persistent", !matches!(name, "inMemory" | "ephemeralForTest"));
    b.append_bool("backupCursorOpen", false);
}

pub(super) fn memory(b: &mut DocBuilder, context: &Context<'_>) {
    let memory = context.server.host.memory();
    let mebibytes = |bytes: u64| i32::try_from(bytes >> 20).unwrap_or(i32::MAX);
    b.append_i32("bits", 64);
    b.append_i32("resident", mebibytes(memory.resident));
    b.append_i32("virtual", mebibytes(memory.virtual_size));
    b.append_bool("supported", true);
}
