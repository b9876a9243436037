//! More than the server is to take: who is refused, who still gets in, and what is told of it.

use crate::Fresh;
use quire_bson::{Document, RawDoc, doc};
use quire_protocol::{ClientReply, DecodeLimits, Flags};
use quire_tests::{Connection, Launch, ReplicaSet, get, message};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// So many connections are let in per second, and so many wait.
fn limited(per_second: i32, waiting: i32) -> Document {
    doc! {
        "setParameter": 1,
        "ingressConnectionEstablishmentRatePerSec": per_second,
        "ingressConnectionEstablishmentBurstCapacitySecs": 1,
        "ingressConnectionEstablishmentMaxQueueDepth": waiting,
        "ingressConnectionEstablishmentRateLimiterEnabled": true,
    }
}

/// Whether a new connection is served.
fn is_served(port: u16) -> bool {
    let mut connection = Connection::open(port);
    let _ = connection.send("admin", doc! { "hello": 1 }, Flags::NONE, None);
    connection.receive().is_some()
}

#[test]
fn connections_beyond_the_rate_are_closed_before_they_are_greeted() {
    let fresh = Fresh::with(&["--httpPort", "0"]);
    let mut early = fresh.daemon.connect();
    early.ok("admin", limited(20, 1));
    let port = fresh.daemon.port();
    let attempts: Vec<_> = (0..100).map(|_| std::thread::spawn(move || is_served(port))).collect();
    let served = attempts.into_iter().map(|attempt| attempt.join());
    let served = served.filter(|served| matches!(served, Ok(true))).count();
    assert!(served >= 20, "{served} of 100 were served");
    // Slow machines let more seconds pass, and with them more connections in.
    let status = early.ok("admin", doc! { "serverStatus": 1 });
    let figures = status.get_document("connections").expect("a section");
    let limit = figures.get_document("establishmentRateLimit").expect("figures");
    let rejected = limit.get_i64("rejected").expect("a figure");
    assert_eq!(rejected, 100 - i64::try_from(served).expect("few"), "{figures}");
    assert!(rejected >= 10, "{rejected} of 100 were refused");
    let line = fresh.daemon.logged(7_100_041);
    let address = line.pointer("/attr/address").and_then(|a| a.as_str()).expect("an address");
    let metrics = get(address.parse().expect("an address"), "GET", "/metrics").body;
    let told = format!("quire_connections_rate_refused_total {rejected}");
    assert!(metrics.lines().any(|line| line == told), "{metrics}");

    let off = doc! { "setParameter": 1, "ingressConnectionEstablishmentRateLimiterEnabled": false };
    early.ok("admin", off);
    assert!((0..30).all(|_| is_served(port)));
}

#[test]
fn requests_beyond_the_rate_are_refused_with_the_labels_by_which_drivers_wait() {
    let fresh = Fresh::start();
    let mut connection = fresh.daemon.connect();
    let exempt = doc! { "ranges": ["127.0.0.2"] };
    connection.ok(
        "admin",
        doc! {
            "setParameter": 1,
            "ingressRequestAdmissionRatePerSec": 1,
            "ingressRequestAdmissionBurstCapacitySecs": 5,
            "ingressRequestRateLimiterExemptions": exempt,
            "ingressRequestRateLimiterEnabled": true,
        },
    );
    let replies: Vec<Document> = (0..100)
        .map(|_| connection.reply("db", doc! { "insert": "c", "documents": [{}] }))
        .collect();
    let (refused, taken): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply.contains_key("code"));
    assert!(!refused.is_empty() && taken.len() >= 5, "{} were taken", taken.len());
    for reply in refused {
        let labels = reply.get_array("errorLabels").expect("labels");
        assert_eq!(reply.get_i32("code").ok(), Some(462), "{reply}");
        assert_eq!(labels, &["SystemOverloadedError".into(), "RetryableError".into()], "{reply}");
    }
    // Whoever watches the server must not take it for dead.
    for _ in 0..50 {
        connection.ok("admin", doc! { "hello": 1 });
    }
}

/// Runs one command over a socket in the file system.
fn over_unix_socket(path: &Path, command: Document) -> std::io::Result<Document> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(quire_tests::PATIENCE))?;
    let mut command = command;
    command.insert("$db", "admin");
    let body = quire_bson::DocBuf::from(&command);
    stream.write_all(&message(1, Flags::NONE, RawDoc::from_validated(body.as_bytes())))?;
    let mut reply = vec![0; 4];
    stream.read_exact(&mut reply)?;
    let length = u32::from_le_bytes([reply[0], reply[1], reply[2], reply[3]]) as usize;
    reply.resize(length, 0);
    stream.read_exact(&mut reply[4..])?;
    let reply = ClientReply::decode(reply, DecodeLimits::default()).expect("a reply");
    Ok(reply.body().to_document())
}

#[test]
fn an_operator_gets_in_when_nobody_else_does() {
    let directory = crate::directory();
    let prefix = directory.path().join("sockets");
    std::fs::create_dir(&prefix).expect("a directory");
    let launch = Launch::bare(&["--port", "0", "--bind_ip", "127.0.0.1", "--maxConns", "5"])
        .with(&["--dbpath".as_ref(), directory.path()])
        .with(&["--unixSocketPrefix".as_ref(), prefix.as_path()]);
    let daemon = launch.start();
    let socket = prefix.join(format!("mongodb-{}.sock", daemon.port()));
    let mut clients: Vec<Connection> = (0..5).map(|_| daemon.connect()).collect();
    for client in &mut clients {
        client.ok("admin", doc! { "ping": 1 });
    }
    assert!(!is_served(daemon.port()));
    clients[0].ok("admin", limited(1, 0));
    for _ in 0..5 {
        let reply = over_unix_socket(&socket, doc! { "serverStatus": 1 }).expect("an answer");
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
    }
    let named = doc! {
        "setParameter": 1,
        "maxIncomingConnectionsOverride": { "ranges": ["127.0.0.0/8"] },
        "ingressConnectionEstablishmentRateLimiterEnabled": false,
    };
    over_unix_socket(&socket, named).expect("an answer");
    assert!(is_served(daemon.port()));
}

#[test]
fn members_find_each_other_when_clients_are_refused() {
    let mut set = ReplicaSet::started_with(3, &["--maxConns", "8"], |_| ());
    let primary = set.wait_until_whole();
    let away = set.secondaries()[0];
    let mut operators: Vec<Connection> = (0..3).map(|place| set.connect(place)).collect();
    for (place, operator) in operators.iter_mut().enumerate() {
        if place != away {
            operator.ok("admin", limited(1, 0));
        }
    }
    set.kill(away);
    // The bucket is emptied, and then no place is left either.
    let port = set.daemon(primary).port();
    while is_served(port) {}
    let off = doc! { "setParameter": 1, "ingressConnectionEstablishmentRateLimiterEnabled": false };
    operators[primary].ok("admin", off);
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut client = Connection::open(port);
        let _ = client.send("admin", doc! { "hello": 1 }, Flags::NONE, None);
        if client.receive().is_some() {
            clients.push(client);
        }
    }
    operators[primary].ok("admin", limited(1, 0));
    set.start(away);
    let status = doc! { "replSetGetStatus": 1 };
    set.wait_until("the member is back", |_| {
        let status = operators[primary].ok("admin", status.clone());
        let members = status.get_array("members").expect("members");
        let state = members[away].as_document().and_then(|member| member.get_str("stateStr").ok());
        state == Some("SECONDARY")
    });
    assert!(!is_served(port), "a client was served beyond all limits");
}
