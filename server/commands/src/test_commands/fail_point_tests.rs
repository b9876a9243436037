//! Fail points from the command that switches them to what a client sees.

use crate::testing::{Rig, block_on, flagged_request, request};
use quire_bson::{Binary, BinarySubtype, Document, bson, doc};
use quire_execution::wait::{Either, race};
use quire_protocol::Flags;
use std::time::{Duration, Instant};

fn rig() -> Rig {
    Rig::primary().for_tests()
}

/// Switches `failCommand` on for one command.
fn once(rig: &Rig, command: &str, mut data: Document) {
    data.insert("failCommands", [command]);
    rig.ok(
        "admin",
        doc! { "configureFailPoint": "failCommand", "mode": {"times": 1}, "data": data },
    );
}

fn off(rig: &Rig) -> i32 {
    let reply = rig.ok("admin", doc! { "configureFailPoint": "failCommand", "mode": "off" });
    reply.get_i32("count").unwrap()
}

fn insert() -> Document {
    doc! { "insert": "c", "documents": [{}] }
}

fn numbered(mut command: Document, number: i64) -> Document {
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] };
    command.extend(doc! { "lsid": {"id": id}, "txnNumber": number });
    command
}

fn labels(reply: &Document) -> Vec<&str> {
    let labels = reply.get_array("errorLabels").map(Vec::as_slice).unwrap_or_default();
    labels.iter().map(|label| label.as_str().unwrap()).collect()
}

fn count(rig: &Rig) -> i32 {
    rig.ok("db", doc! { "count": "c" }).get_i32("n").unwrap()
}

#[test]
fn a_point_is_switched_by_its_name_alone_and_counts() {
    let rig = rig();
    let switch = |body: Document| rig.run("admin", body);
    let code = |body: Document| switch(body).get_i32("code").unwrap();
    assert_eq!(code(doc! { "configureFailPoint": "nonesuch", "mode": "off" }), 266);
    assert_eq!(code(doc! { "configureFailPoint": 1, "mode": "off" }), 14);
    assert_eq!(code(doc! { "configureFailPoint": "failCommand" }), 20);
    assert_eq!(code(doc! { "configureFailPoint": "failCommand", "mode": "on" }), 2);
    let bad = doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": 1 };
    assert_eq!(code(bad), 14);
    let body = doc! { "configureFailPoint": "failCommand", "mode": "off" };
    assert_eq!(rig.refused("db", body).0, 13);

    once(&rig, "ping", doc! { "errorCode": 8 });
    rig.ok("admin", doc! { "hello": 1 });
    assert_eq!(rig.refused("db", doc! { "ping": 1 }).0, 8);
    rig.ok("db", doc! { "ping": 1 });
    assert_eq!(off(&rig), 1);
    // Suites leave filters beside the data when they switch a point off.
    rig.ok("admin", doc! { "configureFailPoint": "failCommand", "mode": "off", "appName": "a" });
}

#[test]
fn an_error_stands_in_for_the_command_with_everything_an_error_has() {
    let rig = rig();
    once(&rig, "insert", doc! { "errorCode": 1234, "errorExtraInfo": {"keyValue": {"a": 1}} });
    let reply = rig.run("db", insert());
    assert_eq!(reply.get_f64("ok").unwrap(), 0.0);
    assert_eq!(reply.get_i32("code").unwrap(), 1234);
    assert_eq!(reply.get_str("codeName").unwrap(), "Location1234");
    assert_eq!(reply.get_str("errmsg").unwrap(), "Failing command via 'failCommand' failpoint");
    assert_eq!(reply.get_document("keyValue").unwrap(), &doc! { "a": 1 });
    assert!(reply.contains_key("operationTime") && !reply.contains_key("topologyVersion"));
    assert_eq!(count(&rig), 0, "nothing ran");
    once(&rig, "insert", doc! { "errorCode": 50, "closeConnection": false });
    assert_eq!(rig.run("db", insert()).get_str("codeName").unwrap(), "MaxTimeMSExpired");
}

#[test]
fn an_error_comes_before_anything_the_server_would_have_refused() {
    let rig = Rig::secondary().for_tests();
    once(&rig, "insert", doc! { "errorCode": 8 });
    assert_eq!(rig.refused("db", insert()).0, 8);
    assert_eq!(rig.refused("db", insert()).0, 10107);
}

#[test]
fn a_state_change_that_is_only_said_carries_the_version_the_client_knows() {
    let rig = rig();
    let known =
        rig.ok("admin", doc! { "hello": 1 }).get_document("topologyVersion").unwrap().clone();
    for (code, tells) in [(10107, true), (189, true), (11602, true), (91, false), (11600, false)] {
        once(&rig, "ping", doc! { "errorCode": code });
        let reply = rig.run("db", doc! { "ping": 1 });
        assert_eq!(reply.get_document("topologyVersion").ok(), tells.then_some(&known), "{code}");
    }
    once(&rig, "insert", doc! { "writeConcernError": {"code": 10107} });
    let reply = rig.run("db", insert());
    assert_eq!(reply.get_document("topologyVersion").unwrap(), &known);
}

#[test]
fn labels_follow_the_codes_or_what_the_test_says() {
    let rig = rig();
    let retryable = vec!["RetryableWriteError"];
    let table = [
        (doc! { "errorCode": 91 }, retryable.clone()),
        (doc! { "errorCode": 11000 }, vec![]),
        (doc! { "errorCode": 11600, "errorLabels": [] }, vec![]),
        (doc! { "errorCode": 7, "errorLabels": ["A", "B"] }, vec!["A", "B"]),
        (doc! { "writeConcernError": {"code": 91} }, retryable.clone()),
        (doc! { "writeConcernError": {"code": 64} }, vec![]),
        (doc! { "writeConcernError": {"code": 64}, "errorLabels": ["A"] }, vec!["A"]),
        (doc! { "writeConcernError": {"code": 91}, "errorLabels": [] }, vec![]),
        (doc! { "blockConnection": true, "blockTimeMS": 1, "errorLabels": ["A"] }, vec![]),
    ];
    for (number, (data, wanted)) in (1..).zip(table) {
        once(&rig, "insert", data.clone());
        // A connection that has not written yet, so that nothing is said of what it wrote.
        let reply = rig.connect().run("db", numbered(insert(), number));
        assert_eq!(labels(&reply), wanted, "{data} gave {reply}");
    }
    once(&rig, "insert", doc! { "errorCode": 91 });
    assert!(labels(&rig.run("db", insert())).is_empty(), "it had no number");
}

#[test]
fn a_client_that_has_written_hears_that_this_time_nothing_was() {
    let rig = rig();
    rig.ok("db", insert());
    once(&rig, "insert", doc! { "errorCode": 91 });
    let reply = rig.run("db", numbered(insert(), 1));
    assert_eq!(labels(&reply), ["RetryableWriteError", "NoWritesPerformed"]);
    once(&rig, "insert", doc! { "writeConcernError": {"code": 91} });
    assert_eq!(labels(&rig.run("db", numbered(insert(), 2))), ["RetryableWriteError"]);
}

#[test]
fn a_request_of_a_transaction_is_told_when_to_begin_again() {
    let rig = rig();
    for (code, wanted) in [(112, vec!["TransientTransactionError"]), (11000, vec![])] {
        once(&rig, "insert", doc! { "errorCode": code });
        let mut command = numbered(insert(), 1);
        command.extend(doc! { "startTransaction": true, "autocommit": false });
        assert_eq!(labels(&rig.run("db", command)), wanted);
    }
}

#[test]
fn a_closed_connection_wins_over_everything_and_nothing_runs() {
    let rig = rig();
    once(
        &rig,
        "insert",
        doc! {
            "closeConnection": true, "errorCode": 91, "errorLabels": ["A"],
            "writeConcernError": {"code": 64},
        },
    );
    assert_eq!(rig.try_run("db", insert()), None);
    assert_eq!(count(&rig), 0);
    assert!(rig.try_run("db", insert()).is_some());
}

#[test]
fn a_write_concern_error_stands_word_for_word_beside_a_write_that_was_done() {
    for rig in [rig(), Rig::new().for_tests()] {
        let error = doc! { "code": 100, "errmsg": "x", "errInfo": {"a": [1]}, "b": 1.5 };
        once(&rig, "insert", doc! { "writeConcernError": &error });
        rig.ok("db", doc! { "find": "c" });
        let reply = rig.run("db", insert());
        assert_eq!(reply.get_f64("ok").unwrap(), 1.0);
        assert_eq!(reply.get_document("writeConcernError").unwrap(), &error);
        assert_eq!(count(&rig), 1);
        assert!(!rig.ok("db", insert()).contains_key("writeConcernError"));

        // A command that takes no write concern does not use it up.
        once(&rig, "find", doc! { "writeConcernError": &error });
        assert!(!rig.ok("db", doc! { "find": "c" }).contains_key("writeConcernError"));
        assert_eq!(off(&rig), 1);
        // One that fails by itself carries both.
        once(&rig, "insert", doc! { "writeConcernError": &error });
        let reply = rig.run("db", doc! { "insert": "c", "documents": 1 });
        assert_eq!(reply.get_i32("code").unwrap(), 14);
        assert_eq!(reply.get_document("writeConcernError").unwrap(), &error);
    }
}

#[test]
fn a_blocked_command_waits_and_then_does_what_else_is_asked() {
    let rig = rig();
    let block = doc! { "blockConnection": true, "blockTimeMS": 30 };
    let table = [
        (doc! {}, Some(1.0)),
        (doc! { "errorCode": 8 }, Some(0.0)),
        (doc! { "closeConnection": true }, None),
        (doc! { "writeConcernError": {"code": 64} }, Some(1.0)),
    ];
    for (more, ok) in table {
        let mut data = block.clone();
        data.extend(more.clone());
        once(&rig, "insert", data);
        let begun = Instant::now();
        let reply = rig.try_run("db", insert());
        assert!(begun.elapsed() >= Duration::from_millis(30), "{more}");
        assert_eq!(reply.as_ref().map(|reply| reply.get_f64("ok").unwrap()), ok, "{more}");
        let told = reply.is_some_and(|reply| reply.contains_key("writeConcernError"));
        assert_eq!(told, more.contains_key("writeConcernError"), "{more}");
    }
}

#[test]
fn a_blocked_command_can_be_killed_and_its_time_limit_runs_on() {
    let rig = rig();
    once(&rig, "ping", doc! { "blockConnection": true, "blockTimeMS": 60_000 });
    let waiting = std::thread::scope(|scope| {
        let pinging = scope.spawn(|| rig.connect().refused("db", doc! { "ping": 1 }));
        let blocked = || {
            let running = rig.server.operations.list();
            running.into_iter().find(|operation| operation.command == "ping")
        };
        let id = loop {
            match blocked() {
                Some(operation) => break operation.id,
                None => std::thread::yield_now(),
            }
        };
        rig.ok("admin", doc! { "killOp": 1, "op": id });
        pinging.join().unwrap()
    });
    assert_eq!(waiting.0, 11601);
    once(&rig, "find", doc! { "blockConnection": true, "blockTimeMS": 30 });
    assert_eq!(rig.refused("db", doc! { "find": "c", "maxTimeMS": 10 }).0, 50);
}

#[test]
fn an_application_is_known_by_its_handshake_and_in_it() {
    let rig = rig();
    let hello = |name: &str, app: &str| {
        let os = doc! { "type": "t" };
        let driver = doc! { "name": "d", "version": "1" };
        let client = doc! { "application": {"name": app}, "driver": driver, "os": os };
        doc! { name: 1, "client": client }
    };
    let mode = "alwaysOn";
    let data =
        doc! { "failCommands": ["hello", "isMaster", "ping"], "errorCode": 8, "appName": "app" };
    rig.ok("admin", doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data });
    for name in ["hello", "isMaster", "ismaster"] {
        assert_eq!(rig.connect().refused("admin", hello(name, "app")).0, 8);
        rig.connect().ok("admin", hello(name, "other"));
        rig.connect().ok("admin", doc! { name: 1 });
    }
    assert_eq!(off(&rig), 3);
    let named = rig.connect();
    named.ok("admin", hello("hello", "app"));
    once(&rig, "ping", doc! { "errorCode": 8, "appName": "app" });
    rig.ok("db", doc! { "ping": 1 });
    assert_eq!(named.refused("db", doc! { "ping": 1 }).0, 8);
}

#[test]
fn a_namespace_and_a_thread_narrow_the_requests() {
    let rig = rig();
    once(&rig, "find", doc! { "errorCode": 8, "namespace": "db.c" });
    rig.ok("db", doc! { "find": "d" });
    rig.ok("d", doc! { "find": "c" });
    assert_eq!(rig.refused("db", doc! { "find": "c" }).0, 8);
    once(&rig, "ping", doc! { "errorCode": 8, "threadName": "conn2" });
    rig.ok("db", doc! { "ping": 1 });
    assert_eq!(rig.connect().refused("db", doc! { "ping": 1 }).0, 8);
}

#[test]
fn requests_of_other_servers_are_spared_unless_asked_for() {
    let rig = rig();
    let server = rig.connect();
    server.ok("admin", doc! { "hello": 1, "internalClient": {"minWireVersion": 25} });
    once(&rig, "ping", doc! { "errorCode": 8 });
    server.ok("db", doc! { "ping": 1 });
    assert_eq!(rig.refused("db", doc! { "ping": 1 }).0, 8);
    once(&rig, "insert", doc! { "errorCode": 91, "failInternalCommands": true });
    let reply = server.run("db", numbered(insert(), 1));
    assert_eq!((reply.get_i32("code").unwrap(), labels(&reply)), (91, vec![]));
}

#[test]
fn all_commands_fail_but_the_one_that_ends_it() {
    let rig = rig();
    let data = doc! { "failAllCommands": true, "errorCode": 8 };
    rig.ok("admin", doc! { "configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data });
    for command in
        [doc! { "ping": 1 }, doc! { "hello": 1 }, doc! { "killCursors": "c", "cursors": [] }]
    {
        assert_eq!(rig.refused("admin", command).0, 8);
    }
    off(&rig);
    rig.ok("admin", doc! { "ping": 1 });
}

#[test]
fn skipping_and_waiting_for_entries_count_only_what_matches() {
    let rig = rig();
    let data = doc! { "failCommands": ["ping"], "errorCode": 8 };
    let mode = doc! { "skip": 2 };
    rig.ok("admin", doc! { "configureFailPoint": "failCommand", "mode": mode, "data": data });
    let wait = |times: i64| {
        let wait =
            doc! { "waitForFailPoint": "failCommand", "timesEntered": times, "maxTimeMS": 20 };
        rig.run("admin", wait).get_i32("code").ok()
    };
    for _ in 0..2 {
        rig.ok("db", doc! { "ping": 1 });
    }
    assert_eq!(wait(1), Some(50));
    assert_eq!(rig.refused("db", doc! { "ping": 1 }).0, 8);
    assert_eq!(wait(1), None);
    let body = doc! { "waitForFailPoint": "nonesuch", "timesEntered": 1 };
    assert_eq!(rig.refused("admin", body).0, 266);
    assert_eq!(rig.refused("admin", doc! { "waitForFailPoint": "failCommand" }).0, 40414);
}

/// A cursor with more than its first batch.
fn cursor(rig: &Rig, more: Document) -> i64 {
    let documents: Vec<_> = (0..4).map(|n| bson!({ "_id": n })).collect();
    rig.run("db", doc! { "insert": "c", "documents": documents });
    let mut find = doc! { "find": "c", "batchSize": 2 };
    find.extend(more);
    rig.ok("db", find).get_document("cursor").unwrap().get_i64("id").unwrap()
}

#[test]
fn a_get_more_fails_when_it_holds_its_cursor_which_is_lost() {
    let rig = rig();
    let point = "failGetMoreAfterCursorCheckout";
    let set = |data: Document| {
        let mode = doc! { "times": 1 };
        rig.ok("admin", doc! { "configureFailPoint": point, "mode": mode, "data": data });
    };
    let more = |id: i64| doc! { "getMore": id, "collection": "c" };
    let table = [(doc! {}, 1), (doc! { "errorCode": 280, "closeConnection": false }, 280)];
    for (data, code) in table {
        let id = cursor(&rig, doc! {});
        set(data);
        let (given, message) = rig.refused("db", more(id));
        assert_eq!(
            (given, &*message),
            (code, "Hit the 'failGetMoreAfterCursorCheckout' failpoint")
        );
        assert_eq!(rig.refused("db", more(id)).0, 43);
    }
    let id = cursor(&rig, doc! {});
    set(doc! { "namespace": "db.d", "errorCode": 280 });
    rig.ok("db", more(id));
    set(doc! { "closeConnection": true });
    let id = cursor(&rig, doc! {});
    assert_eq!(rig.refused("db", more(77)).0, 43, "it has to find its cursor");
    assert_eq!(rig.try_run("db", more(id)), None);
}

#[test]
fn a_time_limit_is_over_at_once_or_never() {
    let rig = rig();
    let set = |point: &str, mode: &str| {
        rig.ok("admin", doc! { "configureFailPoint": point, "mode": mode });
    };
    let limited = doc! { "find": "c", "maxTimeMS": 600_000 };
    let id = cursor(&rig, doc! { "maxTimeMS": 600_000 });
    set("maxTimeAlwaysTimeOut", "alwaysOn");
    let over = (50, "operation exceeded time limit".to_owned());
    assert_eq!(rig.refused("db", limited.clone()), over);
    assert_eq!(rig.refused("db", doc! { "ping": 1, "maxTimeMS": 1 }), over);
    assert_eq!(rig.refused("db", doc! { "getMore": id, "collection": "c" }), over);
    rig.ok("db", doc! { "find": "c", "maxTimeMS": 0 });
    rig.ok("db", doc! { "find": "c" });
    set("maxTimeNeverTimeOut", "alwaysOn");
    rig.ok("db", limited.clone());
    set("maxTimeAlwaysTimeOut", "off");
    once(&rig, "find", doc! { "blockConnection": true, "blockTimeMS": 20 });
    rig.ok("db", doc! { "find": "c", "maxTimeMS": 1 });
}

#[test]
fn a_stream_of_hellos_ends_with_the_round_that_fails() {
    let rig = rig();
    let hello = rig.ok("admin", doc! { "hello": 1 });
    let known = hello.get_document("topologyVersion").unwrap();
    let body = doc! { "hello": 1, "topologyVersion": known, "maxAwaitTimeMS": 5 };
    let request = flagged_request("admin", body, &[], Flags::EXHAUST_ALLOWED);
    assert!(rig.respond(&request).more);
    once(&rig, "hello", doc! { "errorCode": 91 });
    let failed = rig.respond(&request);
    assert!(!failed.more && failed.body.as_raw().to_document().get_i32("code").unwrap() == 91);
    assert_eq!(rig.client.streamed(), None);
}

#[test]
fn a_blocked_hello_does_not_keep_the_thread() {
    let rig = rig();
    once(&rig, "hello", doc! { "blockConnection": true, "blockTimeMS": 30 });
    let request = request("admin", doc! { "hello": 1 }, &[]);
    let mut saying = std::pin::pin!(crate::run(&rig.server, &rig.client, &request));
    let waited = block_on(race(&mut saying, std::future::ready(())));
    assert!(matches!(waited, Either::Second(())));
    rig.connect().ok("admin", doc! { "ping": 1 });
    block_on(saying).answer();
}

#[test]
fn a_step_down_hangs_until_its_point_is_off_and_clients_lose_their_connections_then() {
    let rig = rig();
    let name = "stepdownHangBeforePerformingPostMemberStateUpdateActions";
    let set = |mode: &str| rig.ok("admin", doc! { "configureFailPoint": name, "mode": mode });
    let order = request("admin", doc! { "replSetStepDown": 600, "force": true }, &[]);
    set("alwaysOn");
    let mut stepping = std::pin::pin!(crate::run(&rig.server, &rig.client, &order));
    let entered = request("admin", doc! { "waitForFailPoint": name, "timesEntered": 1 }, &[]);
    let other = rig.connect();
    let hung = crate::run(&other.server, &other.client, &entered);
    assert!(matches!(block_on(race(&mut stepping, hung)), Either::Second(_)));
    assert_eq!(other.refused("db", insert()).0, 10107);
    let moment = rig.server.host.sleep(Duration::from_millis(20));
    assert!(matches!(block_on(race(&mut stepping, moment)), Either::Second(())));
    let closings = || rig.host.closings.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!(closings(), 0);
    set("off");
    assert!(matches!(block_on(stepping), crate::Response::HangUp));
    assert_eq!(closings(), 1);
}

#[test]
fn a_failure_may_count_as_one_of_the_servers_own_rules() {
    let rig = Rig::new().for_tests();
    let tripwires = || {
        let status = rig.ok("admin", doc! {"serverStatus": 1});
        status.get_document("asserts").unwrap().get_i64("tripwire").unwrap()
    };
    for (data, counted) in [
        (doc! {"failCommands": ["ping"], "errorCode": 8, "tassert": true}, 1),
        (doc! {"failCommands": ["ping"], "errorCode": 8, "tassert": false}, 1),
        (doc! {"failCommands": ["ping"], "closeConnection": true, "tassert": true}, 2),
        (
            doc! {"failCommands": ["ping"], "blockConnection": true, "blockTimeMS": 0, "tassert": true},
            2,
        ),
    ] {
        let mode = doc! {"times": 1};
        rig.ok("admin", doc! {"configureFailPoint": "failCommand", "mode": mode, "data": data});
        rig.try_run("admin", doc! {"ping": 1});
        assert_eq!(tripwires(), counted);
    }
}
