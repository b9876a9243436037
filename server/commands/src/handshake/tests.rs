//! Monitors that wait for a change.

use crate::testing::{Rig, block_on, flagged_request};
use quire_bson::doc;
use quire_execution::wait::{Either, race};
use quire_protocol::Flags;
use std::pin::pin;

#[test]
fn a_stream_tells_each_change_once_and_waits_in_between() {
    let rig = Rig::primary();
    let hello = rig.ok("admin", doc! {"hello": 1});
    let version = hello.get_document("topologyVersion").unwrap().clone();
    let request = flagged_request(
        "admin",
        doc! {"hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 1_000_000},
        &[],
        Flags::EXHAUST_ALLOWED,
    );
    rig.server.topology.change();
    let first = rig.respond(&request);
    assert!(first.more, "the stream goes on");
    let mut next = pin!(crate::run(&rig.server, &rig.client, &request));
    let waited = block_on(race(&mut next, std::future::ready(())));
    assert!(matches!(waited, Either::Second(())), "nothing has changed since");
    rig.server.topology.change();
    assert!(block_on(next).answer().more);
}
