//! The wire beyond one request and one answer: compression, checksums, streams of replies, requests
//! without a reply, and the handshake of old drivers.

use crate::Fresh;
use quire_bson::{Document, doc};
use quire_protocol::{Compressor, Flags};
use quire_tests::{Connection, failure};

const AWAIT_CAPABLE: u32 = 1 << 3;

fn fill(connection: &mut Connection, count: i32) {
    let documents: Vec<Document> =
        (0..count).map(|id| doc! { "_id": id, "text": "all alike ".repeat(20) }).collect();
    connection.ok("test", doc! { "insert": "c", "documents": documents });
}

#[test]
fn every_compressor_is_agreed_on_and_used_both_ways() {
    let fresh = Fresh::start();
    fill(&mut fresh.daemon.connect(), 100);
    for compressor in [Compressor::Snappy, Compressor::Zlib, Compressor::Zstd] {
        let mut connection = fresh.daemon.connect();
        let offer = doc! { "hello": 1, "compression": [compressor.name(), "unheardOf"] };
        let agreed = connection.ok("admin", offer);
        let names = agreed.get_array("compression").expect("an agreement");
        assert_eq!(names.as_slice(), [compressor.name().into()], "{agreed}");
        let filler = "x".repeat(2000);
        let find = doc! { "find": "c", "batchSize": 1000, "comment": filler };
        connection.send("test", find, Flags::NONE, Some(compressor)).expect("taken");
        let reply = connection.receive().expect("an answer");
        assert_eq!(reply.compressor(), Some(compressor));
        let found = connection.drain("test", reply.body().to_document()).expect("found");
        assert_eq!(found.len(), 100);
        // Uncompressed requests go on being answered uncompressed.
        connection.send("admin", doc! { "ping": 1 }, Flags::NONE, None).expect("taken");
        assert_eq!(connection.receive().expect("an answer").compressor(), None);
    }
}

#[test]
fn compressors_that_are_switched_off_are_not_agreed_on() {
    let fresh = Fresh::with(&["--networkMessageCompressors", "zlib"]);
    let offer = doc! { "hello": 1, "compression": ["snappy", "zlib", "zstd"] };
    let agreed = fresh.daemon.connect().ok("admin", offer);
    assert_eq!(agreed.get_array("compression").expect("one").as_slice(), ["zlib".into()]);
    let fresh = Fresh::with(&["--networkMessageCompressors", "disabled"]);
    let offer = doc! { "hello": 1, "compression": ["snappy", "zlib", "zstd"] };
    let agreed = fresh.daemon.connect().ok("admin", offer);
    assert!(!agreed.contains_key("compression"), "{agreed}");
}

#[test]
fn a_request_with_a_checksum_is_served() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    connection.send("admin", doc! { "ping": 1 }, Flags::CHECKSUM_PRESENT, None).expect("taken");
    let reply = connection.receive().expect("an answer");
    assert_eq!(failure(&reply.body().to_document()), None);
}

#[test]
fn the_handshake_of_old_drivers_is_answered() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    for name in ["isMaster", "ismaster", "hello"] {
        let id = connection.send_query("admin", &doc! { name: 1, "helloOk": true });
        let id = id.expect("taken");
        let reply = connection.receive().expect("an answer");
        assert_eq!(reply.header().response_to, id);
        assert_eq!(reply.flags() & AWAIT_CAPABLE, AWAIT_CAPABLE);
        let body = reply.body().to_document();
        assert_eq!(failure(&body), None);
        let key = if name == "hello" { "isWritablePrimary" } else { "ismaster" };
        assert_eq!(body.get_bool(key).ok(), Some(true), "{body}");
        assert_eq!(body.get_bool("helloOk").ok(), Some(true), "{body}");
    }
}

#[test]
fn a_monitor_is_told_again_and_again_in_one_stream() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    let first = connection.ok("admin", doc! { "hello": 1 });
    let version = first.get_document("topologyVersion").expect("a version").clone();
    let wait = doc! { "hello": 1, "topologyVersion": version.clone(), "maxAwaitTimeMS": 20 };
    let mut previous = connection.send("admin", wait, Flags::EXHAUST_ALLOWED, None).expect("taken");
    for _ in 0..3 {
        let reply = connection.receive().expect("an answer");
        assert!(reply.more_to_come());
        assert_eq!(reply.header().response_to, previous);
        previous = reply.header().request_id;
        let body = reply.body().to_document();
        assert_eq!(body.get_document("topologyVersion").ok(), Some(&version));
    }
    // A monitor ends its stream by closing; nobody else notices.
    drop(connection);
    fresh.daemon.connect().ok("admin", doc! { "ping": 1 });
}

#[test]
fn a_stream_of_batches_ends_with_the_cursor() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    fill(&mut connection, 10);
    let find = doc! { "find": "c", "sort": { "_id": 1 }, "batchSize": 2 };
    let first = connection.ok("test", find);
    let id = first.get_document("cursor").and_then(|cursor| cursor.get_i64("id")).expect("an id");
    let more = doc! { "getMore": id, "collection": "c", "batchSize": 3 };
    let mut previous = connection.send("test", more, Flags::EXHAUST_ALLOWED, None).expect("taken");
    let mut found = Vec::new();
    loop {
        let reply = connection.receive().expect("an answer");
        assert_eq!(reply.header().response_to, previous);
        previous = reply.header().request_id;
        let body = reply.body().to_document();
        assert_eq!(failure(&body), None);
        let cursor = body.get_document("cursor").expect("a cursor");
        let batch = cursor.get_array("nextBatch").expect("a batch");
        found.extend(
            batch
                .iter()
                .map(|d| d.as_document().and_then(|d| d.get_i32("_id").ok()).expect("a document")),
        );
        let is_over = cursor.get_i64("id").expect("an id") == 0;
        assert_eq!(reply.more_to_come(), !is_over);
        if is_over {
            break;
        }
    }
    assert_eq!(found, (2..10).collect::<Vec<_>>());
    connection.ok("admin", doc! { "ping": 1 });
}

#[test]
fn a_write_that_wants_no_answer_gets_none_and_is_done() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    for id in 0..10 {
        let unanswered = doc! {
            "insert": "quiet",
            "documents": [{ "_id": id }],
            "writeConcern": { "w": 0 },
        };
        connection.send("test", unanswered, Flags::MORE_TO_COME, None).expect("taken");
    }
    // A failing one is just as silent.
    let twice = doc! {
        "insert": "quiet",
        "documents": [{ "_id": 0 }],
        "writeConcern": { "w": 0 },
    };
    connection.send("test", twice, Flags::MORE_TO_COME, None).expect("taken");
    // The next answer is the next question's, and sees what came before.
    let found = connection.documents("test", doc! { "find": "quiet" });
    assert_eq!(found.len(), 10);
}
