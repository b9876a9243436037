//! A primary that loses the others, and directories that belong to a set.

use quire_bson::doc;
use quire_protocol::Flags;
use quire_tests::{Connection, ReplicaSet, failure, free_port};
use std::time::{Duration, Instant};

/// Long beside what a busy machine adds to it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// A connection on which a member tells of its next change.
fn watched(set: &ReplicaSet, place: usize) -> Connection {
    let mut monitor = set.connect(place);
    let now = monitor.ok("admin", doc! { "hello": 1 });
    assert_eq!(now.get_bool("isWritablePrimary").ok(), Some(true), "{now}");
    let version = now.get_document("topologyVersion").expect("a version").clone();
    let wait = doc! { "hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 60_000 };
    monitor.send("admin", wait, Flags::NONE, None).expect("it is sent");
    monitor
}

#[test]
fn an_isolated_primary_resigns_and_what_it_never_acknowledged_vanishes() {
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        let millis = i32::try_from(TIMEOUT.as_millis()).expect("a few seconds");
        config.insert("settings", doc! { "electionTimeoutMillis": millis });
    });
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let others = set.secondaries();
    for other in &others {
        set.pause(*other);
    }
    let begun = Instant::now();
    let mut monitor = watched(&set, primary);
    let mut writer = set.connect(primary);
    let subtype = quire_bson::BinarySubtype::Uuid;
    let session = quire_bson::Binary { subtype, bytes: vec![7; 16] };
    let insert = doc! { "insert": "kept", "documents": [{ "_id": 99 }], "txnNumber": 1_i64,
    "lsid": { "id": session } };
    writer.send("test", insert, Flags::NONE, None).expect("it is sent");
    let told = monitor.receive().expect("a change").body().to_document();
    assert_eq!(told.get_bool("isWritablePrimary").ok(), Some(false), "{told}");
    assert_eq!(told.get_bool("secondary").ok(), Some(true), "{told}");
    let resigned_after = begun.elapsed();
    assert!(resigned_after < 3 * TIMEOUT, "it resigned only after {resigned_after:?}");
    let reply = writer.receive().expect("an answer").body().to_document();
    let (code, message) = failure(&reply).expect("a failure");
    assert!([189, 10107, 11602, 91, 13435].contains(&code), "{code} {message}");
    let labels = reply.get_array("errorLabels").map(|labels| format!("{labels:?}"));
    assert!(labels.is_ok_and(|labels| labels.contains("RetryableWriteError")), "{reply}");
    // The others still know nothing of it, and nobody is let write here any more.
    let (code, message) =
        writer.fails("test", doc! { "insert": "kept", "documents": [{ "_id": 98 }] });
    assert_eq!(code, 10107, "{message}");
    assert!(set.hello(primary).get("primary").is_none(), "{}", set.hello(primary));

    for other in &others {
        set.resume(*other);
    }
    // It had been sent, so it may have been kept; but everybody is of one mind.
    set.wait_until_whole();
    let next = set.primary();
    set.insert(next, 200..201, 3);
    let count = set.count_on(next);
    assert!([11, 12].contains(&count), "{count}");
    for place in 0..3 {
        set.wait_for_count(place, count);
    }
}

#[test]
fn what_reached_nobody_else_vanishes() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let others = set.secondaries();
    let mut writer = set.connect(primary);
    for other in &others {
        set.kill(*other);
    }
    let insert = doc! { "insert": "kept", "documents": [{ "_id": 99 }] };
    writer.send("test", insert, Flags::NONE, None).expect("it is sent");
    let reply = writer.receive().expect("an answer").body().to_document();
    let (code, message) = failure(&reply).expect("a failure");
    assert!([189, 10107, 11602, 91].contains(&code), "{code} {message}");

    set.pause(primary);
    for other in &others {
        set.start(*other);
    }
    let next = set.primary();
    set.insert(next, 200..201, 2);
    set.resume(primary);
    for place in 0..3 {
        set.wait_for_count(place, 11);
    }
}

#[test]
fn a_member_is_not_started_as_a_standalone() {
    let mut set = ReplicaSet::started(1);
    set.primary();
    set.insert(0, 0..3, 1);
    assert_eq!(set.stop(0).code, Some(0));
    let data = set.data(0).to_owned();
    let finished = quire_tests::Launch::on(&data).finish();
    assert_eq!(finished.code, Some(2), "{finished:#?}");
    let said = format!("{}{}", finished.stdout, finished.stderr);
    assert!(said.contains("--replSet"), "{said}");
    set.start(0);
    set.primary();
    assert_eq!(set.count_on(0), 3);
}

#[test]
fn a_member_alone_leads_again_after_every_start() {
    let mut set = ReplicaSet::started(1);
    set.primary();
    set.insert(0, 0..1, 1);
    for round in 0..12 {
        match round % 2 {
            0 => set.kill(0),
            _ => assert_eq!(set.stop(0).code, Some(0)),
        }
        set.start(0);
        set.primary();
        set.insert(0, round + 1..round + 2, 1);
    }
}

#[test]
fn a_standalones_data_becomes_that_of_a_set() {
    let mut set = ReplicaSet::uninitiated(0, &[]);
    set.add_launched(free_port(), &[]);
    set.insert(0, 0..100, 1);
    assert_eq!(set.stop(0).code, Some(0));
    let data = set.data(0).to_owned();
    let port = free_port();
    let daemon = quire_tests::Launch::bare(&["--nounixsocket", "--bind_ip", "127.0.0.1"])
        .with(&["--replSet", quire_tests::SET_NAME, "--port", &port.to_string(), "--dbpath"])
        .with(&[&data])
        .start();
    let new = set.add_started(&[]);
    let members = [
        doc! { "_id": 0, "host": format!("127.0.0.1:{port}") },
        doc! { "_id": 1, "host": set.host(new) },
    ];
    let config = doc! { "_id": quire_tests::SET_NAME, "members": members.to_vec() };
    daemon.connect().ok("admin", doc! { "replSetInitiate": config });
    let patience = Instant::now() + quire_tests::PATIENCE;
    while set.count_on(new) != 100 {
        assert!(Instant::now() < patience, "the data never came: {}", set.state(new));
        std::thread::sleep(Duration::from_millis(50));
    }
}
