//! Where a setting comes from, on a running server: flags over environment over file over defaults.

use crate::directory;
use quire_bson::{Document, doc};
use quire_tests::{Daemon, Launch};

fn options(daemon: &Daemon) -> Document {
    daemon.connect().ok("admin", doc! { "getCmdLineOpts": 1 })
}

/// A server with this configuration file.
fn with_file(text: &str, launch: impl FnOnce(Launch) -> Launch) -> (Daemon, tempfile::TempDir) {
    let directory = directory();
    let file = directory.path().join("quire.conf");
    let data = directory.path().join("db");
    std::fs::create_dir(&data).expect("made");
    let text = text.replace("DATA", &data.to_string_lossy());
    std::fs::write(&file, text).expect("written");
    let daemon = launch(Launch::bare(&["--config"]).with(&[&file])).start();
    (daemon, directory)
}

const FILE: &str = "\
net: { port: 0, bindIp: 127.0.0.1, maxIncomingConnections: 101, unixDomainSocket: { enabled: false } }
storage: { dbPath: DATA }
operationProfiling: { slowOpThresholdMs: 111 }
";

#[test]
fn the_file_alone_is_enough() {
    let (daemon, directory) = with_file(FILE, |launch| launch);
    let reply = options(&daemon);
    let parsed = reply.get_document("parsed").expect("what was parsed");
    let net = parsed.get_document("net").expect("a section");
    assert_eq!(net.get_i32("maxIncomingConnections").ok(), Some(101));
    assert_eq!(net.get_str("bindIp").ok(), Some("127.0.0.1"));
    let file = directory.path().join("quire.conf");
    assert_eq!(parsed.get_str("config").ok(), Some(&*file.to_string_lossy()));
}

#[test]
fn a_flag_wins_over_a_variable_and_that_over_the_file() {
    let slow = |launch: fn(Launch) -> Launch| {
        let (daemon, _directory) = with_file(FILE, launch);
        let reply = options(&daemon);
        let parsed = reply.get_document("parsed").expect("what was parsed");
        let profiling = parsed.get_document("operationProfiling").expect("a section");
        profiling.get_i32("slowOpThresholdMs").expect("a number")
    };
    let variable =
        |launch: Launch| launch.variable("QUIRE_OPERATION_PROFILING_SLOW_OP_THRESHOLD_MS", "222");
    assert_eq!(slow(|launch| launch), 111);
    assert_eq!(slow(variable), 222);
    assert_eq!(
        slow(|launch| {
            launch
                .variable("QUIRE_OPERATION_PROFILING_SLOW_OP_THRESHOLD_MS", "222")
                .with(&["--slowms", "333"])
        }),
        333
    );
}

#[test]
fn the_command_line_is_shown_as_it_was_given() {
    let fresh = crate::Fresh::with(&["--quiet"]);
    let reply = options(&fresh.daemon);
    let argv = reply.get_array("argv").expect("an array");
    let words: Vec<&str> = argv.iter().filter_map(|word| word.as_str()).collect();
    let data = fresh.path().to_string_lossy();
    let expected = ["--port", "0", "--bind_ip", "127.0.0.1", "--nounixsocket", "--dbpath", &data];
    assert_eq!(&words[1..words.len() - 1], expected);
    assert_eq!(words.last(), Some(&"--quiet"));
}

#[test]
fn a_parameter_of_the_command_line_is_in_force() {
    let fresh = crate::Fresh::with(&["--setParameter", "cursorTimeoutMillis=12345"]);
    let reply =
        fresh.daemon.connect().ok("admin", doc! { "getParameter": 1, "cursorTimeoutMillis": 1 });
    let value = reply.get("cursorTimeoutMillis").expect("the parameter");
    assert_eq!(value.as_i64().or(value.as_i32().map(i64::from)), Some(12_345), "{reply}");
}
