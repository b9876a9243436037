//! What other versions do below the commands: on the wire and with connections.

use crate::Fresh;
use quire_bson::{DocBuf, doc};
use quire_protocol::{Flags, MsgRequest};
use quire_tests::{Connection, ReplicaSet, failure};
use std::time::Duration;

fn showing(version: &str) -> Fresh {
    Fresh::with(&["--emulateVersion", version, "--setParameter", "enableTestCommands=1"])
}

/// Sends a `ping` whose checksum is wrong.
fn send_wrong(connection: &mut Connection) {
    let body = DocBuf::from(&doc! { "ping": 1, "$db": "admin" });
    let request_id = connection.next_id();
    let flags = Flags::CHECKSUM_PRESENT;
    let mut bytes = Vec::new();
    MsgRequest { request_id, flags, body: body.as_raw(), sequences: &[] }.write(&mut bytes);
    if let Some(last) = bytes.last_mut() {
        *last ^= 1;
    }
    connection.send_bytes(&bytes).expect("taken");
}

#[test]
fn checksums_are_checked_and_answered_with_since_4_2() {
    let older = showing("4.0");
    let mut connection = older.daemon.connect();
    send_wrong(&mut connection);
    let reply = connection.receive().expect("an answer");
    assert_eq!(reply.flags() & Flags::CHECKSUM_PRESENT.bits(), 0);
    assert_eq!(failure(&reply.body().to_document()), None);
    let newer = showing("4.2");
    let mut connection = newer.daemon.connect();
    connection.send("admin", doc! { "ping": 1 }, Flags::CHECKSUM_PRESENT, None).expect("taken");
    let reply = connection.receive().expect("an answer");
    assert_ne!(reply.flags() & Flags::CHECKSUM_PRESENT.bits(), 0);
    send_wrong(&mut connection);
    assert_eq!(connection.read_to_end(), b"");
}

#[test]
fn any_command_comes_in_a_query_until_5_1() {
    for (version, code) in [("5.0", None), ("6.0", Some(352))] {
        let fresh = showing(version);
        let mut connection = fresh.daemon.connect();
        let insert = doc! { "insert": "c", "documents": [{ "_id": 1 }] };
        connection.send_query("test", &insert).expect("taken");
        let reply = connection.receive().expect("an answer").body().to_document();
        assert_eq!(failure(&reply).map(|(code, _)| code), code, "{reply}");
        let stored = connection.documents("test", doc! { "find": "c" }).len();
        assert_eq!(stored, usize::from(code.is_none()));
    }
}

#[test]
fn what_a_client_waits_for_goes_on_without_it_until_4_2() {
    let fresh = showing("4.0");
    let mut watching = fresh.daemon.connect();
    let mut sleeps = || {
        let current = watching.ok("admin", doc! { "currentOp": 1 });
        let running = current.get_array("inprog").expect("a list");
        let commands = running.iter().filter_map(|o| o.as_document()?.get_document("command").ok());
        commands.filter(|command| command.contains_key("sleep")).count()
    };
    let mut leaving = fresh.daemon.connect();
    let sleep = doc! { "sleep": 1, "millis": 3000, "lock": "none" };
    leaving.send("admin", sleep, Flags::NONE, None).expect("taken");
    while sleeps() == 0 {
        std::thread::yield_now();
    }
    drop(leaving);
    // Newer versions notice within a millisecond or so.
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(sleeps(), 1);
    while sleeps() > 0 {
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn clients_of_a_primary_that_lost_its_role_lose_their_connections_until_4_2() {
    for version in ["4.0", "4.2"] {
        let words = ["--setParameter", "enableTestCommands=1", "--emulateVersion", version];
        let set = ReplicaSet::started_with(3, &words, |_| ());
        // There is no `hello` to ask.
        let leads = |set: &ReplicaSet| (0..3).find(|place| set.state(*place) == "PRIMARY");
        let old = set.wait_for("a primary", leads);
        let mut client = set.connect(old);
        let other = (old + 1) % 3;
        set.wait_for_state(other, "SECONDARY");
        // Nobody asks the primary: another member stands, and wins.
        let data = doc! { "action": "force" };
        let point =
            doc! { "configureFailPoint": "quireElection", "mode": "alwaysOn", "data": data };
        set.admin(other, point);
        set.wait_for_state(other, "PRIMARY");
        set.admin(other, doc! { "configureFailPoint": "quireElection", "mode": "off" });
        set.wait_for_state(old, "SECONDARY");
        match version {
            "4.0" => assert_eq!(client.read_to_end(), b""),
            _ => _ = client.ok("admin", doc! { "ping": 1 }),
        }
    }
}
