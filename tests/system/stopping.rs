//! How the server ends, and what it finds when it comes back.

use crate::{Fresh, directory, listing};
use quire_bson::{Document, doc};
use quire_protocol::Flags;
use quire_tests::{Connection, Daemon, Launch, ReplicaSet, failure};
use rustix::process::Signal;

fn insert(daemon: &Daemon, id: i32) {
    let command = doc! { "insert": "kept", "documents": [{ "_id": id }] };
    daemon.connect().ok("test", command);
}

fn ids(daemon: &Daemon) -> Vec<i32> {
    let command = doc! { "find": "kept", "sort": { "_id": 1 } };
    let found: Vec<Document> = daemon.connect().documents("test", command);
    found.iter().map(|document| document.get_i32("_id").expect("a number")).collect()
}

#[test]
fn either_signal_ends_it_cleanly_and_all_data_is_there_again() {
    let data = directory();
    let mut expected = Vec::new();
    for (id, signal) in [(1, Signal::TERM), (2, Signal::INT), (3, Signal::KILL)] {
        let daemon = Launch::on(data.path()).start();
        eprintln!("start {id} took {:?}", daemon.started_in);
        assert_eq!(ids(&daemon), expected);
        insert(&daemon, id);
        expected.push(id);
        daemon.signal(signal);
        let finished = daemon.finish();
        if signal == Signal::KILL {
            assert_eq!(finished.code, None);
            continue;
        }
        assert_eq!(finished.code, Some(0), "{finished:#?}");
        assert!(finished.stdout.contains("\"id\":23138,"), "{finished:#?}");
        let lock = std::fs::read(data.path().join("mongod.lock")).expect("the lock file");
        assert_eq!(lock, b"", "an empty lock file tells of a clean end");
    }
    let daemon = Launch::on(data.path()).start();
    assert_eq!(ids(&daemon), expected);
}

#[test]
fn monitors_that_wait_for_a_change_do_not_hold_up_the_end() {
    let fresh = Fresh::with(&["--setParameter", "shutdownTimeoutMillisForSignaledShutdown=600000"]);
    let mut monitor = fresh.daemon.connect();
    let first = monitor.ok("admin", doc! { "hello": 1 });
    let version = first.get_document("topologyVersion").expect("a version").clone();
    let wait = doc! { "hello": 1, "topologyVersion": version, "maxAwaitTimeMS": 600_000 };
    monitor.send("admin", wait, Flags::EXHAUST_ALLOWED, None).expect("taken");
    fresh.daemon.connect().ok("admin", doc! { "ping": 1 });
    fresh.daemon.signal(Signal::TERM);
    let finished = fresh.daemon.finish();
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}

#[test]
fn a_member_that_goes_down_lets_clients_in_and_tells_them_so_while_something_runs() {
    let set = ReplicaSet::started_with(1, &["--setParameter", "enableTestCommands=1"], |_| ());
    let primary = set.wait_until_whole();
    let mut busy = set.connect(primary);
    let sleep = doc! { "sleep": 1, "secs": 600, "lock": "none" };
    busy.send("admin", sleep, Flags::NONE, None).expect("taken");
    set.wait_until("it runs", |set| {
        let current = set.admin(primary, doc! { "currentOp": 1 });
        format!("{current}").contains("\"sleep\"")
    });
    set.connect(primary).ok("admin", doc! { "shutdown": 1, "force": true, "timeoutSecs": 600 });
    let left = set.wait_for("word of the end", |set| {
        let told = set.connect(primary).reply("admin", doc! { "hello": 1 });
        let is_leaving = failure(&told).is_some_and(|(code, _)| code == 91);
        is_leaving.then(|| told.get_i64("remainingQuiesceTimeMillis").expect("a time"))
    });
    assert!((1..=600_000).contains(&left), "{left}");
    set.connect(primary).ok("admin", doc! { "ping": 1 });
    // Nothing runs any more, and that is the end.
    drop(busy);
    set.wait_until("the end", |set| Connection::try_open(set.daemon(primary).port()).is_err());
}

#[test]
fn the_shutdown_command_ends_it_with_zero() {
    let commands =
        [doc! { "shutdown": 1 }, doc! { "shutdown": 1, "force": true, "timeoutSecs": 0 }];
    for command in commands {
        let fresh = Fresh::start();
        let mut connection = fresh.daemon.connect();
        // The connection may end before the answer; anything but a refusal will do.
        if let Ok(reply) = connection.command("admin", command) {
            assert_eq!(failure(&reply), None, "{reply}");
        }
        let finished = fresh.daemon.finish();
        assert_eq!(finished.code, Some(0), "{finished:#?}");
    }
}

#[test]
fn shutdown_is_for_the_admin_database_alone() {
    let mut fresh = Fresh::start();
    let (code, _) = fresh.daemon.connect().fails("test", doc! { "shutdown": 1 });
    assert_eq!(code, 13);
    fresh.daemon.assert_well("a refused shutdown");
}

#[test]
fn engines_in_memory_leave_the_data_directory_alone_and_forget() {
    for engine in ["inMemory", "ephemeralForTest"] {
        let data = directory();
        for _ in 0..2 {
            let launch = Launch::on(data.path()).with(&["--storageEngine", engine]);
            let daemon = launch.start();
            eprintln!("start of {engine} took {:?}", daemon.started_in);
            assert_eq!(ids(&daemon), [0; 0]);
            insert(&daemon, 1);
            assert_eq!(ids(&daemon), [1]);
            assert_eq!(daemon.stop(), Some(0));
            assert_eq!(listing(data.path()), [""; 0]);
        }
    }
}

#[test]
fn an_engine_in_memory_needs_no_data_directory() {
    let parent = directory();
    let missing = parent.path().join("not here");
    let daemon = Launch::on(&missing).with(&["--storageEngine", "ephemeralForTest"]).start();
    insert(&daemon, 1);
    assert_eq!(daemon.stop(), Some(0));
    assert!(!missing.exists());
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let fresh = Fresh::start();
    let mut connections: Vec<_> = (0..10).map(|_| fresh.daemon.connect()).collect();
    for connection in &mut connections {
        connection.ok("admin", doc! { "ping": 1 });
    }
    assert_eq!(fresh.daemon.stop(), Some(0));
    for connection in &mut connections {
        assert_eq!(connection.receive(), None, "the server closed it");
    }
}

#[test]
fn a_server_that_was_paused_goes_on() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    connection.ok("test", doc! { "insert": "c", "documents": [{ "_id": 1 }] });
    fresh.daemon.pause();
    let insert = doc! { "insert": "c", "documents": [{ "_id": 2 }] };
    let sent = connection.send("test", insert, quire_protocol::Flags::NONE, None);
    fresh.daemon.signal(Signal::CONT);
    let reply = connection.receive().expect("an answer");
    assert_eq!(reply.header().response_to, sent.expect("sent"));
    assert_eq!(failure(&reply.body().to_document()), None);
}
