//! Scripts beside other work: they spin, everybody else is served, and they end with their clients.

use crate::Fresh;
use quire_bson::{Document, doc};
use quire_protocol::Flags;
use quire_tests::{Connection, Daemon, PATIENCE};
use std::fs;
use std::time::Instant;

/// More than there are threads that serve connections.
const SPINNING: usize = 8;

fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !look() {
        assert!(Instant::now() < deadline, "{what} does not come");
        std::thread::yield_now();
    }
}

/// The finds that run right now.
fn finds(connection: &mut Connection) -> usize {
    let reply = connection.ok("admin", doc! {"currentOp": 1, "command.find": "c"});
    reply.get_array("inprog").expect("a list").len()
}

/// The threads that scripts run on.
fn threads(daemon: &Daemon) -> usize {
    let tasks = fs::read_dir(format!("/proc/{}/task", daemon.process_id())).expect("threads");
    let names =
        tasks.flatten().filter_map(|task| fs::read_to_string(task.path().join("comm")).ok());
    names.filter(|name| name.trim() == "script").count()
}

fn scripted() -> Fresh {
    let fresh = Fresh::with(&["--setParameter", "enableTestCommands=1"]);
    let documents: Vec<Document> = (0..3).map(|n| doc! {"_id": n, "a": n}).collect();
    fresh.daemon.connect().ok("db", doc! {"insert": "c", "documents": documents});
    fresh
}

#[test]
fn scripts_that_spin_leave_others_alone_and_end_with_their_clients() {
    let fresh = scripted();
    let mut other = fresh.daemon.connect();
    let spinning: Vec<Connection> = (0..SPINNING)
        .map(|n| {
            let script = if n % 2 == 0 { "while (true) {}" } else { "sleep(1000000)" };
            let mut connection = fresh.daemon.connect();
            let find = doc! {"find": "c", "filter": {"$where": script}};
            connection.send("db", find, Flags::NONE, None).expect("a request");
            connection
        })
        .collect();
    eventually("a run of all scripts", || finds(&mut other) == SPINNING);
    assert_eq!(threads(&fresh.daemon), SPINNING);
    for n in 10..20 {
        other.ok("db", doc! {"insert": "c", "documents": [{"_id": n}]});
        let found = other.documents("db", doc! {"find": "c", "filter": {"_id": n}});
        assert_eq!(found.len(), 1);
    }
    drop(spinning);
    eventually("an end of all scripts", || finds(&mut other) == 0);
    eventually("an end of their threads", || threads(&fresh.daemon) == 0);
}

#[test]
fn a_server_that_goes_down_takes_its_scripts_along() {
    let fresh = Fresh::with(&[
        "--setParameter",
        "enableTestCommands=1",
        "--setParameter",
        "shutdownTimeoutMillisForSignaledShutdown=1",
    ]);
    let mut other = fresh.daemon.connect();
    other.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    let mut spinning = fresh.daemon.connect();
    let find = doc! {"find": "c", "filter": {"$where": "while (true) {}"}};
    spinning.send("db", find, Flags::NONE, None).expect("a request");
    eventually("a run of the script", || finds(&mut other) == 1);
    assert_eq!(fresh.daemon.stop(), Some(0));
}

#[test]
fn scripts_are_off_unless_they_are_asked_for() {
    let scripted = doc! {"find": "c", "filter": {"$where": "true"}};
    let (code, words) = Fresh::start().daemon.connect().fails("db", scripted.clone());
    assert_eq!(code, 6_108_304, "{words}");
    let off = ["--noscripting", "--setParameter", "enableTestCommands=1"];
    let (code, words) = Fresh::with(&off).daemon.connect().fails("db", scripted.clone());
    assert_eq!(code, 6_108_304, "{words}");
    let directory = crate::directory();
    let file = directory.path().join("quired.conf");
    fs::write(&file, "security:\n  javascriptEnabled: true\n").expect("a file");
    let words = ["--config", file.to_str().expect("UTF-8")];
    let fresh = Fresh::with(&words);
    fresh.daemon.connect().ok("db", scripted);
}
