//! Fail points on the binary that ships: what happens to the connection itself.

use crate::Fresh;
use quire_bson::{Document, doc};
use quire_protocol::Flags;
use quire_tests::failure;
use std::time::{Duration, Instant};

const TEST_COMMANDS: &[&str] = &["--setParameter", "enableTestCommands=1"];

const BLOCK: Duration = Duration::from_millis(300);

fn blocking() -> Document {
    doc! { "blockConnection": true, "blockTimeMS": i64::try_from(BLOCK.as_millis()).unwrap_or(0) }
}

/// Switches `failCommand` on for the next request of these commands.
fn once(fresh: &Fresh, commands: &[&str], mut data: Document) {
    data.insert("failCommands", commands.to_vec());
    let mode = doc! { "times": 1 };
    let command = doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data };
    fresh.daemon.connect().ok("admin", command);
}

/// The first words of a driver whose application has a name.
fn handshake(command: &str, application: &str) -> Document {
    let os = doc! { "type": "Linux" };
    let driver = doc! { "name": "d", "version": "1" };
    let client = doc! { "application": { "name": application }, "driver": driver, "os": os };
    doc! { command: 1, "helloOk": true, "client": client }
}

#[test]
fn there_are_none_without_test_commands() {
    let fresh = Fresh::start();
    let command = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    let refused = fresh.daemon.connect().fails("admin", command);
    assert_eq!(refused, (59, "no such command: 'configureFailPoint'".to_owned()));
}

#[test]
fn a_connection_is_closed_without_a_word_and_others_go_on() {
    let fresh = Fresh::with(TEST_COMMANDS);
    let (mut victim, mut other) = (fresh.daemon.connect(), fresh.daemon.connect());
    once(&fresh, &["insert"], doc! { "closeConnection": true });
    let insert = doc! { "insert": "c", "documents": [{ "_id": 1 }] };
    victim.ok("test", doc! { "ping": 1 });
    victim.send("test", insert.clone(), Flags::NONE, None).expect("taken");
    assert_eq!(victim.read_to_end(), b"");
    other.ok("test", doc! { "ping": 1 });
    assert_eq!(other.documents("test", doc! { "find": "c" }), [], "nothing ran");

    // Nor does a request live on that wants no answer.
    once(&fresh, &["insert"], doc! { "closeConnection": true });
    let mut silent = fresh.daemon.connect();
    silent.send("test", insert, Flags::MORE_TO_COME, None).expect("taken");
    assert_eq!(silent.read_to_end(), b"");
}

#[test]
fn the_very_first_words_of_an_application_may_fail_in_every_way() {
    let fresh = Fresh::with(TEST_COMMANDS);
    for command in ["hello", "isMaster", "ismaster"] {
        let of_app = |more: Document| {
            let mut data = doc! { "appName": "app" };
            data.extend(more);
            once(&fresh, &["hello", "isMaster"], data);
        };
        let hello = handshake(command, "app");
        of_app(doc! { "closeConnection": true });
        fresh.daemon.connect().ok("admin", handshake(command, "other"));
        let mut connection = fresh.daemon.connect();
        connection.send_query("admin", &hello).expect("taken");
        assert_eq!(connection.read_to_end(), b"", "{command}");

        of_app(doc! { "errorCode": 91 });
        let mut connection = fresh.daemon.connect();
        connection.send_query("admin", &hello).expect("taken");
        let reply = connection.receive().expect("an answer").body().to_document();
        assert_eq!(failure(&reply).map(|(code, _)| code), Some(91), "{reply}");
        // It has not introduced itself yet, and may do so now.
        connection.ok("admin", hello.clone());

        of_app(blocking());
        let begun = Instant::now();
        fresh.daemon.connect().ok("admin", hello.clone());
        assert!(begun.elapsed() >= BLOCK, "{command}");
    }
}

#[test]
fn a_blocked_command_holds_its_own_connection_only_and_ends_with_it() {
    let fresh = Fresh::with(TEST_COMMANDS);
    once(&fresh, &["find"], blocking());
    let mut blocked = fresh.daemon.connect();
    let begun = Instant::now();
    blocked.send("test", doc! { "find": "c" }, Flags::NONE, None).expect("taken");
    fresh.daemon.connect().ok("test", doc! { "find": "c" });
    assert!(blocked.receive().is_some() && begun.elapsed() >= BLOCK);

    let hour = doc! { "blockConnection": true, "blockTimeMS": 3_600_000 };
    once(&fresh, &["find"], hour);
    let mut blocked = fresh.daemon.connect();
    blocked.send("test", doc! { "find": "c" }, Flags::NONE, None).expect("taken");
    let finds = |fresh: &Fresh| {
        let current = fresh.daemon.connect().ok("admin", doc! { "currentOp": 1 });
        let running = current.get_array("inprog").expect("a list").clone();
        let commands = running.iter().filter_map(|operation| operation.as_document());
        commands.filter(|o| o.get_str("ns").is_ok_and(|ns| ns == "test.c")).count()
    };
    while finds(&fresh) == 0 {
        std::thread::yield_now();
    }
    drop(blocked);
    while finds(&fresh) > 0 {
        std::thread::yield_now();
    }
}

#[test]
fn each_round_of_a_stream_of_hellos_may_be_the_one_that_fails() {
    let fresh = Fresh::with(TEST_COMMANDS);
    for (data, code) in
        [(doc! { "errorCode": 91 }, Some(91)), (doc! { "closeConnection": true }, None)]
    {
        let mut monitor = fresh.daemon.connect();
        let first = monitor.ok("admin", doc! { "hello": 1 });
        let version = first.get_document("topologyVersion").expect("a version").clone();
        let wait = doc! { "hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 20 };
        monitor.send("admin", wait, Flags::EXHAUST_ALLOWED, None).expect("taken");
        for _ in 0..2 {
            assert!(monitor.receive().expect("an answer").more_to_come());
        }
        once(&fresh, &["hello"], data);
        let last = loop {
            match monitor.receive() {
                Some(reply) if reply.more_to_come() => {}
                last => break last,
            }
        };
        let told = last.map(|reply| failure(&reply.body().to_document()).expect("a failure").0);
        assert_eq!(told, code);
        if code.is_some() {
            monitor.ok("admin", doc! { "hello": 1 });
        }
    }
}

#[test]
fn a_point_may_be_on_from_the_start() {
    let point = r#"failpoint.failCommand={"mode": {"times": 1},
        "data": {"failCommands": ["ping"], "errorCode": 1234}}"#;
    let stapling = r#"failpoint.disableStapling={"mode": "alwaysOn"}"#;
    let words = [TEST_COMMANDS, &["--setParameter", point, "--setParameter", stapling]].concat();
    let fresh = Fresh::with(&words);
    let mut connection = fresh.daemon.connect();
    assert_eq!(connection.fails("admin", doc! { "ping": 1 }).0, 1234);
    connection.ok("admin", doc! { "ping": 1 });
    let get = doc! { "getParameter": 1, "failpoint.disableStapling": 1 };
    let shown = connection.ok("admin", get);
    let stapling = shown.get_document("failpoint.disableStapling").expect("the point");
    assert_eq!(stapling, &doc! { "mode": 1, "data": {} });
}
