//! The sections of members of a set: what `hello` says of it, and what clients sent again.

use super::metrics::append_counter;
use crate::handshake;
use crate::replica_set::ROLLBACK_ID;
use crate::server::Context;
use quire_bson::{DocBuilder, RawValue};
use quire_consensus::Retention;
use quire_replset::hello::Spelling;

pub(super) const NAME: &str = "repl";
pub(super) const OPLOG: &str = "oplogTruncation";

const SECONDS_PER_HOUR: f64 = 3600.0;

/// MongoDB counts what was sent again beside its transactions.
pub(super) const RETRIES: &str = "transactions";

pub(super) fn member(b: &mut DocBuilder, context: &Context<'_>) {
    let server = context.server;
    let Some(set) = &server.replica_set else { return };
    let topology = &server.topology;
    b.append_bson("topologyVersion", &topology.version(topology.counter()));
    handshake::append_set(b, set, &set.standing(), Spelling::Hello);
    b.append_i32("rbid", ROLLBACK_ID);
}

pub(super) fn retries(b: &mut DocBuilder, context: &Context<'_>) {
    let counters = &context.server.counters;
    append_counter(b, "retriedCommandsCount", &counters.retried_commands);
    append_counter(b, "retriedStatementsCount", &counters.retried_statements);
}

/// What the log forgets.
pub(super) fn truncation(b: &mut DocBuilder, context: &Context<'_>) {
    let replica = context.server.sequencer.replica();
    if let Retention::Size { seconds: seconds @ 1.., .. } = replica.retention() {
        b.append("oplogMinRetentionHours", RawValue::Double(seconds as f64 / SECONDS_PER_HOUR));
    }
    let count = replica.stats().truncations;
    b.append_i64("truncateCount", i64::try_from(count).unwrap_or(i64::MAX));
}
