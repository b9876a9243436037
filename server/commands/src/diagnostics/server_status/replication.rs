//! The sections of members of a set: what `hello` says of it, and what clients sent again.

use super::metrics::append_counter;
use crate::handshake;
use crate::replica_set::ROLLBACK_ID;
use crate::server::Context;
use quire_bson::DocBuilder;
use quire_replset::hello::Spelling;

pub(super) const NAME: &str = "repl";

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
