//! Many connections, idle connections, and connections whose client goes away.

use crate::Fresh;
use quire_bson::{Bson, Document, doc};
use quire_protocol::{Compressor, Flags};
use quire_tests::{Connection, Daemon, PATIENCE, figure};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::time::Instant;

/// What an idle connection may cost the server.
const IDLE_BYTES_MAX: u64 = 6 << 10;

/// Descriptors this process needs for other things.
const OTHER_DESCRIPTORS: u64 = 200;

/// Looks again until it is so; what changes by itself after a while has no signal of its own.
fn eventually<T>(what: &str, mut look: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match look() {
            Ok(value) => return value,
            Err(last) => assert!(Instant::now() < deadline, "{what} does not come: {last}"),
        }
        std::thread::yield_now();
    }
}

#[test]
fn connections_above_the_limit_are_closed_and_those_below_it_served() {
    const MAX: usize = 5;
    let fresh = Fresh::with(&["--maxConns", "5"]);
    let mut connections: Vec<Connection> = (0..MAX).map(|_| fresh.daemon.connect()).collect();
    for connection in &mut connections {
        connection.ok("admin", doc! { "ping": 1 });
    }
    let mut refused = fresh.daemon.connect();
    // Refused before it has said anything, perhaps even while it does.
    let _ = refused.send("admin", doc! { "ping": 1 }, Flags::NONE, None);
    assert_eq!(refused.receive(), None);
    let line = fresh.daemon.logged(22942);
    assert_eq!(line["attr"]["connectionCount"], MAX, "{line}");
    for connection in &mut connections {
        connection.ok("admin", doc! { "ping": 1 });
    }
    let status = connections[0].ok("admin", doc! { "serverStatus": 1 });
    let counts = status.get_document("connections").expect("a section");
    assert_eq!(counts.get_i32("current").ok(), Some(5), "{counts}");
    assert_eq!(counts.get_i32("available").ok(), Some(0), "{counts}");

    // One that ends makes room for another.
    drop(connections.pop());
    fresh.daemon.logged(22944);
    eventually("a place", || {
        let reply = fresh.daemon.connect().command("admin", doc! { "ping": 1 });
        reply.map_err(|error| error.to_string())
    });
}

/// A figure of `serverStatus.network`.
fn traffic(connection: &mut Connection, path: &[&str]) -> i64 {
    let status = connection.ok("admin", doc! { "serverStatus": 1 });
    let mut section = status.get_document("network").expect("a section");
    let (last, sections) = path.split_last().expect("a field");
    for name in sections {
        section = section.get_document(name).unwrap_or_else(|_| panic!("no {name} in {section}"));
    }
    section.get_i64(last).unwrap_or_else(|_| panic!("no {last} in {section}"))
}

#[test]
fn what_compression_saves_is_counted_by_compressor() {
    const LENGTH: usize = 100_000;
    let fresh = Fresh::with(&["--networkMessageCompressors", "zlib,snappy"]);
    let mut watching = fresh.daemon.connect();
    let mut client = fresh.daemon.connect();
    let stored = doc! { "_id": 1, "text": "z".repeat(LENGTH) };
    // What is too short to shrink is sent as it is, and answered so.
    let find = doc! { "find": "c", "comment": "z".repeat(1000) };
    let commands = [doc! { "insert": "c", "documents": [stored] }, find];
    let physical = |connection: &mut Connection| {
        let of = |connection: &mut Connection, name| traffic(connection, &[name]);
        (of(connection, "physicalBytesIn"), of(connection, "bytesIn"))
    };
    let before = physical(&mut watching);
    for command in commands {
        client.send("test", command, Flags::NONE, Some(Compressor::Zlib)).expect("it is sent");
        client.receive().expect("a reply");
    }
    let after = physical(&mut watching);
    let long = i64::try_from(LENGTH).expect("a length");
    // What came in is the insert, shrunk; what it stands for is counted beside it.
    assert!(after.0 - before.0 < long / 2, "{before:?} {after:?}");
    assert!(after.1 - before.1 > long, "{before:?} {after:?}");
    for (side, dense, plain) in
        [("compressor", "bytesOut", "bytesIn"), ("decompressor", "bytesIn", "bytesOut")]
    {
        let dense = traffic(&mut watching, &["compression", "zlib", side, dense]);
        let plain = traffic(&mut watching, &["compression", "zlib", side, plain]);
        assert!(plain > long && dense > 0 && dense < long / 2, "{side}: {plain} {dense}");
        assert_eq!(traffic(&mut watching, &["compression", "snappy", side, "bytesIn"]), 0);
    }
    let unasked = watching.ok("admin", doc! { "serverStatus": 1 });
    let network = unasked.get_document("network").expect("a section");
    assert!(!network.get_document("compression").expect("a section").contains_key("zstd"));
    let extra = unasked.get_document("extra_info").expect("a section");
    assert!(extra.get_i64("page_reclaims").expect("a figure") > 0, "{extra}");
    assert!(extra.get_i64("threads").expect("a figure") > 1, "{extra}");
}

#[test]
fn an_idle_connection_costs_little() {
    let wanted = figure("QUIRE_IDLE_CONNECTIONS", 1000);
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("within the hard limit");
    let possible = limit.maximum.map_or(wanted, |n| n.saturating_sub(OTHER_DESCRIPTORS));
    if possible < wanted {
        eprintln!(
            "only {possible} of {wanted} connections: the limit of descriptors is in the way"
        );
    }
    let count = wanted.min(possible);
    let fresh = Fresh::with(&["--quiet"]);
    // What is set up once, for whichever connection comes first, is not the price of each.
    fresh.daemon.connect().ok("admin", doc! { "hello": 1 });
    let before = fresh.daemon.resident_bytes();
    let mut connections = Vec::new();
    for _ in 0..count {
        let mut connection = fresh.daemon.connect();
        connection.ok("admin", doc! { "hello": 1 });
        connections.push(connection);
    }
    let each = |now: u64| now.saturating_sub(before) / count;
    let busy = each(fresh.daemon.resident_bytes());
    // Buffers are given back after a while of silence.
    let idle = eventually("a small connection", || {
        let idle = each(fresh.daemon.resident_bytes());
        if idle <= IDLE_BYTES_MAX { Ok(idle) } else { Err(format!("{idle} bytes each")) }
    });
    eprintln!("{count} connections: {busy} bytes each just after hello, {idle} idle");
    for connection in &mut connections {
        connection.ok("admin", doc! { "ping": 1 });
    }
}

/// Operations that run with this comment.
fn running(daemon: &Daemon, comment: &str) -> Vec<Document> {
    let command = doc! { "currentOp": 1, "$all": true };
    let reply = daemon.connect().ok("admin", command);
    let all = reply.get_array("inprog").expect("a list");
    let operations = all.iter().filter_map(Bson::as_document);
    let ours = |operation: &&Document| {
        let command = operation.get_document("command").ok();
        command.is_some_and(|command| command.get_str("comment").is_ok_and(|c| c == comment))
    };
    operations.filter(ours).cloned().collect()
}

/// A collection, and a find over it that takes minutes.
fn endless(daemon: &Daemon, comment: &str) -> Document {
    let documents: Vec<Document> = (0..20_000).map(|id| doc! { "_id": id }).collect();
    daemon.connect().ok("test", doc! { "insert": "many", "documents": documents });
    let inner = doc! { "$map": { "input": { "$range": [0, 200] }, "as": "b", "in": "$$b" } };
    let outer =
        doc! { "$map": { "input": { "$range": [0, 200] }, "as": "a", "in": { "$sum": inner } } };
    let slow = doc! { "$lt": [{ "$sum": outer }, 0] };
    doc! { "find": "many", "filter": { "$expr": slow }, "comment": comment }
}

#[test]
fn a_client_that_goes_away_stops_its_query() {
    for abruptly in [false, true] {
        let fresh = Fresh::start();
        let mut connection = fresh.daemon.connect();
        let query = endless(&fresh.daemon, "forsaken");
        connection.send("test", query, Flags::NONE, None).expect("taken");
        eventually("the query", || {
            let found = running(&fresh.daemon, "forsaken");
            if found.len() == 1 { Ok(()) } else { Err(format!("{found:?}")) }
        });
        if abruptly {
            connection.reset().expect("ours");
        } else {
            drop(connection);
        }
        eventually("the query's end", || {
            let found = running(&fresh.daemon, "forsaken");
            if found.is_empty() { Ok(()) } else { Err(format!("{found:?}")) }
        });
    }
}

#[test]
fn a_query_is_stopped_by_its_own_limit_or_by_another_client() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    let mut query = endless(&fresh.daemon, "limited");
    query.insert("maxTimeMS", 50);
    assert_eq!(connection.fails("test", query.clone()).0, 50);
    query.remove("maxTimeMS");
    connection.send("test", query, Flags::NONE, None).expect("taken");
    let id = eventually("the query", || {
        let found = running(&fresh.daemon, "limited");
        let first = found.first().ok_or_else(|| format!("{found:?}"))?;
        first.get("opid").cloned().ok_or_else(|| first.to_string())
    });
    fresh.daemon.connect().ok("admin", doc! { "killOp": 1, "op": id });
    let reply = connection.receive().expect("an answer").body().to_document();
    assert_eq!(quire_tests::failure(&reply).map(|(code, _)| code), Some(11601), "{reply}");
    connection.ok("admin", doc! { "ping": 1 });
}

#[test]
fn a_shutdown_does_not_wait_for_a_query_for_ever() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    let query = endless(&fresh.daemon, "last");
    connection.send("test", query, Flags::NONE, None).expect("taken");
    eventually("the query", || {
        let found = running(&fresh.daemon, "last");
        if found.len() == 1 { Ok(()) } else { Err(format!("{found:?}")) }
    });
    let stop = doc! { "shutdown": 1, "force": true, "timeoutSecs": 0 };
    let _ = fresh.daemon.connect().command("admin", stop);
    assert_eq!(fresh.daemon.finish().code, Some(0));
    if let Some(reply) = connection.receive() {
        let code = quire_tests::failure(&reply.body().to_document()).map(|(code, _)| code);
        assert!(matches!(code, Some(91 | 11600 | 11601)), "{code:?}");
    }
}
