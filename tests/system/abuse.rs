//! What no driver sends: each message with its exact outcome, and a server that goes on afterwards.

mod messages;

use crate::Fresh;
use messages::{CASES, Outcome};
use quire_bson::doc;
use quire_protocol::Flags;
use quire_tests::{Connection, Random, message};

/// Memory that may be held more than before, after everything here.
const GROWTH_MAX: u64 = 256 << 20;

#[test]
fn every_broken_message_has_its_outcome_and_the_next_client_is_served() {
    let mut fresh = Fresh::start();
    let before = fresh.daemon.resident_bytes();
    for case in CASES {
        let mut connection = fresh.daemon.connect();
        // The server may close while the rest of a large message is still on its way.
        let _ = connection.send_bytes(&(case.bytes)());
        match case.outcome {
            Outcome::Closed => assert_eq!(connection.receive(), None, "{}", case.name),
            Outcome::Code(expected) => {
                let reply = connection.receive();
                let reply = reply.unwrap_or_else(|| panic!("{}: closed", case.name));
                let body = reply.body().to_document();
                let code = body.get_i32("code").unwrap_or_else(|_| panic!("{}: {body}", case.name));
                assert_eq!(code, expected, "{}: {body}", case.name);
                // The frame was sound, so the same connection goes on.
                connection.ok("admin", doc! { "ping": 1 });
            }
        }
        fresh.daemon.assert_well(case.name);
    }
    let after = fresh.daemon.resident_bytes();
    assert!(after < before + GROWTH_MAX, "from {before} to {after} bytes");
}

#[test]
fn an_http_request_is_told_where_it_is() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    connection.send_bytes(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("taken");
    let answer = String::from_utf8(connection.read_to_end()).expect("text");
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.contains("trying to access MongoDB over HTTP"), "{answer}");
}

fn ping(connection: &mut Connection) -> Vec<u8> {
    let body = quire_bson::DocBuf::from(&doc! { "ping": 1, "$db": "admin" });
    message(connection.next_id(), Flags::NONE, body.as_raw())
}

#[test]
fn slow_half_open_and_broken_clients_disturb_nobody() {
    let mut fresh = Fresh::start();
    let before = fresh.daemon.resident_bytes();
    let mut stalled = Vec::new();
    for number in 0..200 {
        let mut connection = fresh.daemon.connect();
        let bytes = ping(&mut connection);
        // Announces much and sends little: nothing may be set aside for what was announced.
        let mut announced = bytes.clone();
        announced[..4].copy_from_slice(&47_000_000_i32.to_le_bytes());
        let cut = number % announced.len();
        connection.send_bytes(&announced[..cut]).expect("taken");
        stalled.push(connection);
    }
    fresh.daemon.assert_well("slow clients");
    let after = fresh.daemon.resident_bytes();
    assert!(after < before + (64 << 20), "from {before} to {after} bytes");

    // Byte by byte is slow, but it is a message.
    let mut connection = fresh.daemon.connect();
    for byte in ping(&mut connection) {
        connection.send_bytes(&[byte]).expect("taken");
    }
    assert!(connection.receive().is_some());

    // Many in one go are answered in their order.
    let mut all = Vec::new();
    for _ in 0..100 {
        all.extend(ping(&mut connection));
    }
    let last = connection.last_id();
    connection.send_bytes(&all).expect("taken");
    for id in last - 99..=last {
        let reply = connection.receive().expect("an answer");
        assert_eq!(reply.header().response_to, id);
    }

    // Whoever ends in the middle of a message is forgotten, in whichever way it ends.
    for (number, mut connection) in stalled.into_iter().enumerate() {
        match number % 3 {
            0 => connection.reset().expect("ours"),
            1 => drop(connection),
            _ => {
                connection.end_sending().expect("ours");
                assert_eq!(connection.receive(), None);
            }
        }
    }
    fresh.daemon.assert_well("broken clients");
}

#[test]
fn a_half_closed_client_gets_what_it_asked_for() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    let bytes = ping(&mut connection);
    connection.send_bytes(&bytes).expect("taken");
    connection.end_sending().expect("ours");
    // Drivers never do this; both an answer and an end are sound, hanging is not.
    while connection.receive().is_some() {}
}

/// Messages that are mutated; no command among them can stop the server.
fn seeds() -> Vec<Vec<u8>> {
    let commands = [
        doc! { "hello": 1, "client": { "driver": { "name": "x", "version": "1" } }, "$db": "admin" },
        doc! { "insert": "c", "documents": [{ "_id": 1, "a": [1, { "b": 2.5 }], "s": "text" }], "$db": "m" },
        doc! { "update": "c", "updates": [{ "q": { "a.b": { "$gt": 1 } }, "u": { "$inc": { "n": 1 } }, "multi": true }], "$db": "m" },
        doc! { "find": "c", "filter": { "$or": [{ "a": 1 }, { "s": { "$regex": "^t" } }] }, "sort": { "a": -1 }, "$db": "m" },
        doc! { "aggregate": "c", "pipeline": [{ "$match": { "a": { "$in": [1, 2] } } }, { "$group": { "_id": "$s", "n": { "$sum": 1 } } }], "cursor": {}, "$db": "m" },
        doc! { "findAndModify": "c", "query": { "_id": 1 }, "update": { "$push": { "a": 3 } }, "upsert": true, "$db": "m" },
        doc! { "createIndexes": "c", "indexes": [{ "key": { "a": 1 }, "name": "a_1" }], "$db": "m" },
        doc! { "delete": "c", "deletes": [{ "q": { "_id": { "$gte": 5 } }, "limit": 0 }], "$db": "m" },
        doc! { "getMore": 1_i64, "collection": "c", "$db": "m" },
        doc! { "distinct": "c", "key": "a", "query": { "n": { "$exists": true } }, "$db": "m" },
    ];
    commands
        .iter()
        .map(|command| message(1, Flags::NONE, quire_bson::DocBuf::from(command).as_raw()))
        .collect()
}

fn mutate(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        // The header is left alone: its length is set right below, and its faults are cases above.
        let at = 16 + random.below(bytes.len() - 16);
        let byte = u8::try_from(random.below(256)).expect("a byte");
        match random.below(5) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = byte,
            2 => bytes.insert(at, byte),
            3 if bytes.len() > 30 => {
                bytes.remove(at);
            }
            _ => {
                let from = 16 + random.below(bytes.len() - 16);
                let part = bytes[from.min(at)..from.max(at)].to_vec();
                bytes.splice(at..at, part.into_iter().take(64));
            }
        }
    }
    let length = i32::try_from(bytes.len()).expect("short");
    bytes[..4].copy_from_slice(&length.to_le_bytes());
}

#[test]
fn mutated_messages_are_answered_or_end_their_connection() {
    let count = quire_tests::figure("QUIRE_MUTATIONS", 1000);
    let seed = quire_tests::figure("QUIRE_SEED", 1);
    let mut fresh = Fresh::with(&["--storageEngine", "ephemeralForTest"]);
    let mut random = Random::new(seed);
    let seeds = seeds();
    let before = fresh.daemon.resident_bytes();
    let (mut answered, mut closed) = (0, 0);
    let mut connection = fresh.daemon.connect();
    for number in 0..count {
        let mut bytes = seeds[random.below(seeds.len())].clone();
        mutate(&mut bytes, &mut random);
        // A ping behind it tells an answer that was not wanted from one that never comes.
        let end = 1000 + i32::try_from(number).expect("few");
        let ping = quire_bson::DocBuf::from(&doc! { "ping": 1, "$db": "admin" });
        bytes.extend(message(end, Flags::NONE, ping.as_raw()));
        let sent = connection.send_bytes(&bytes);
        let alive = sent.is_ok()
            && loop {
                let Some(reply) = connection.receive() else { break false };
                if reply.header().response_to == end {
                    break true;
                }
                let body = reply.body().to_document();
                assert!(body.get_f64("ok").is_ok(), "seed {seed}, message {number}: {body}");
                answered += 1;
            };
        if !alive {
            closed += 1;
            connection = fresh.daemon.connect();
        }
    }
    eprintln!("{count} mutated messages: {answered} answered, {closed} ended their connection");
    fresh.daemon.assert_well("mutated messages");
    let after = fresh.daemon.resident_bytes();
    assert!(after < before + GROWTH_MAX, "from {before} to {after} bytes");
}
