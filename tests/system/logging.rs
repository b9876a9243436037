//! What is logged: the lines that supervisors and harnesses look for, and how to ask for them.

use crate::Fresh;
use quire_bson::{Bson, doc};
use quire_tests::Daemon;
use serde_json::Value;

/// The lines of a finished server, each of which is one JSON object.
fn every_line(daemon: Daemon) -> Vec<Value> {
    daemon.signal(rustix::process::Signal::TERM);
    let finished = daemon.finish();
    assert_eq!((finished.code, finished.stderr.as_str()), (Some(0), ""));
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    finished.stdout.lines().map(parse).collect()
}

fn line(lines: &[Value], id: i64) -> &Value {
    let found = lines.iter().find(|line| line["id"] == id);
    found.unwrap_or_else(|| panic!("no line {id}: {lines:#?}"))
}

#[test]
fn every_line_is_json_with_the_fields_in_their_order() {
    let fresh = Fresh::start();
    fresh.daemon.connect().ok("admin", doc! { "ping": 1 });
    fresh.daemon.logged(22944);
    fresh.daemon.signal(rustix::process::Signal::TERM);
    for line in fresh.daemon.finish().stdout.lines() {
        let _: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        let fields =
            ["{\"t\":{\"$date\":\"", "\"s\":\"", "\"c\":\"", "\"id\":", "\"ctx\":\"", "\"msg\":\""];
        let mut rest = line;
        for field in fields {
            let Some((_, after)) = rest.split_once(field) else { panic!("{field}: {line}") };
            rest = after;
        }
    }
}

#[test]
fn starting_and_serving_log_what_harnesses_wait_for() {
    let fresh = Fresh::start();
    let port = fresh.daemon.port();
    let process = fresh.daemon.process_id();
    let metadata = doc! {
        "application": { "name": "harness" },
        "driver": { "name": "raw", "version": "1" },
        "os": { "type": "Linux" },
    };
    fresh.daemon.connect().ok("admin", doc! { "hello": 1, "client": metadata });
    fresh.daemon.logged(22944);
    let lines = every_line(fresh.daemon);

    let starting = line(&lines, 4615611);
    assert_eq!(starting["attr"]["pid"], process);
    assert_eq!(starting["ctx"], "initandlisten");
    let build = line(&lines, 23403);
    assert!(build["attr"]["buildInfo"]["version"].as_str().is_some_and(|v| v.starts_with("8.0.")));
    assert!(build["attr"]["buildInfo"]["modules"].is_array());
    let waiting = line(&lines, 23016);
    assert_eq!((&waiting["c"], &waiting["ctx"]), (&"NETWORK".into(), &"listener".into()));
    assert_eq!(waiting["msg"], "Waiting for connections");
    assert_eq!(waiting["attr"]["port"], port);
    let accepted = line(&lines, 22943);
    assert_eq!(accepted["msg"], "Connection accepted");
    assert_eq!(accepted["attr"]["connectionId"], 1);
    assert_eq!(accepted["attr"]["connectionCount"], 1);
    let described = line(&lines, 51800);
    assert_eq!(described["attr"]["doc"]["application"]["name"], "harness");
    assert_eq!(line(&lines, 22944)["attr"]["connectionId"], 1);
    assert_eq!(line(&lines, 23138)["attr"]["exitCode"], 0);
}

#[test]
fn a_quiet_server_leaves_connections_out() {
    let fresh = Fresh::with(&["--quiet"]);
    fresh.daemon.connect().ok("admin", doc! { "ping": 1 });
    let lines = every_line(fresh.daemon);
    assert!(!lines.iter().any(|line| line["id"] == 22943 || line["id"] == 22944), "{lines:#?}");
}

#[test]
fn the_log_can_be_asked_for() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    let reply = connection.ok("admin", doc! { "getLog": "*" });
    let names: Vec<&str> =
        reply.get_array("names").expect("names").iter().filter_map(Bson::as_str).collect();
    assert_eq!(names, ["global", "startupWarnings"]);
    let reply = connection.ok("admin", doc! { "getLog": "global" });
    let lines = reply.get_array("log").expect("lines");
    let total = reply.get_i32("totalLinesWritten").expect("a figure");
    assert!(usize::try_from(total).is_ok_and(|total| total >= lines.len()));
    assert!(lines.iter().filter_map(Bson::as_str).any(|line| line.contains("\"id\":23016,")));
    let reply = connection.ok("admin", doc! { "getLog": "startupWarnings" });
    let warnings = reply.get_array("log").expect("lines");
    assert!(
        warnings.iter().filter_map(Bson::as_str).all(|line| line.contains("startupWarnings")),
        "{reply}"
    );
    assert!(!warnings.is_empty(), "access control is off, and that is said");
}

#[test]
fn a_slow_command_is_logged_with_what_it_was() {
    let fresh = Fresh::with(&["--slowms", "0"]);
    let mut connection = fresh.daemon.connect();
    connection.ok("test", doc! { "insert": "slow", "documents": [{ "_id": 1 }] });
    let slow = fresh.daemon.logged(51803);
    assert_eq!(slow["msg"], "Slow query");
    assert!(slow["attr"]["durationMillis"].is_number(), "{slow}");
}
