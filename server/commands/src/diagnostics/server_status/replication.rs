//! The section about the replica set: what `hello` says of it.

use crate::handshake;
use crate::replica_set::ROLLBACK_ID;
use crate::server::Context;
use quire_bson::DocBuilder;
use quire_replset::hello::Spelling;

pub(super) const NAME: &str = "repl";

pub(super) fn member(b: &mut DocBuilder, context: &Context<'_>) {
    let server = context.server;
    let Some(set) = &server.replica_set else { return };
    let topology = &server.topology;
    b.append_bson("topologyVersion", &topology.version(topology.counter()));
    handshake::append_set(b, set, &set.standing(), Spelling::Hello);
    b.append_i32("rbid", ROLLBACK_ID);
}
