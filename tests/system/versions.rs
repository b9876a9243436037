//! What other versions do below the commands: on the wire and with connections.

use crate::Fresh;
use quire_bson::{DocBuf, Document, doc};
use quire_protocol::{Flags, HEADER_BYTES, Header, MsgRequest, OpCode};
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

/// A message of an op code from before OP_MSG.
fn old_message(op_code: OpCode, body: &[&[u8]]) -> Vec<u8> {
    let body = body.concat();
    let mut bytes = Vec::new();
    let message_bytes = HEADER_BYTES + body.len();
    let op_code = op_code.number();
    Header { message_bytes, request_id: 7, response_to: 0, op_code }.write(&mut bytes);
    bytes.extend_from_slice(&body);
    bytes
}

fn old_query(flags: i32, to_return: i32, query: &Document) -> Vec<u8> {
    let (flags, to_return) = (flags.to_le_bytes(), to_return.to_le_bytes());
    let query = DocBuf::from(query);
    let name = b"test.c\0";
    old_message(OpCode::Query, &[&flags, name, &[0; 4], &to_return, query.as_bytes()])
}

/// What OP_REPLY says of its cursor, and its first document.
fn old_reply(connection: &mut Connection) -> (u32, Option<i32>) {
    let reply = connection.receive().expect("an answer");
    let id = reply.body().to_document().get_i32("_id").ok();
    (reply.flags(), id)
}

#[test]
fn old_op_codes_write_read_and_stream_until_5_1() {
    const EXHAUST: i32 = 1 << 6;
    let fresh = showing("4.0");
    let mut connection = fresh.daemon.connect();
    let documents: Vec<DocBuf> = (1..=5).map(|id| DocBuf::from(&doc! { "_id": id })).collect();
    let mut insert: Vec<&[u8]> = vec![&[0; 4], b"test.c\0"];
    insert.extend(documents.iter().map(DocBuf::as_bytes));
    let change = DocBuf::from(&doc! { "$set": { "a": 1 } });
    let (two, five) = (&documents[1], &documents[4]);
    let update: &[&[u8]] = &[&[0; 4], b"test.c\0", &[0; 4], two.as_bytes(), change.as_bytes()];
    let delete: &[&[u8]] = &[&[0; 4], b"test.c\0", &[0; 4], five.as_bytes()];
    for (op_code, body) in
        [(OpCode::Insert, insert.as_slice()), (OpCode::Update, update), (OpCode::Delete, delete)]
    {
        connection.send_bytes(&old_message(op_code, body)).expect("taken");
    }
    let stored = connection.documents("test", doc! { "find": "c" });
    assert_eq!(stored.len(), 4, "{stored:?}");
    assert_eq!(stored[1], doc! { "_id": 2, "a": 1 });

    // One request, and all batches after each other; the connection is as good as before.
    let everything = doc! { "$query": {}, "$orderby": { "_id": -1 } };
    connection.send_bytes(&old_query(EXHAUST, 3, &everything)).expect("taken");
    assert_eq!(old_reply(&mut connection), (8, Some(4)));
    assert_eq!(old_reply(&mut connection), (8, Some(1)));
    connection.ok("admin", doc! { "ping": 1 });
    // Without the flag the client asks for the rest, or gives it up.
    let opened = connection.ok("test", doc! { "find": "c", "batchSize": 2 });
    let id = opened.get_document("cursor").and_then(|cursor| cursor.get_i64("id")).expect("an id");
    let id = id.to_le_bytes();
    let more = old_message(OpCode::GetMore, &[&[0; 4], b"test.c\0", &1_i32.to_le_bytes(), &id]);
    connection.send_bytes(&more).expect("taken");
    assert_eq!(old_reply(&mut connection), (8, Some(3)));
    let kill = old_message(OpCode::KillCursors, &[&[0; 4], &1_i32.to_le_bytes(), &id]);
    connection.send_bytes(&kill).expect("taken");
    let status = connection.ok("admin", doc! { "serverStatus": 1 });
    let open = status.get_document("metrics").and_then(|metrics| metrics.get_document("cursor"));
    let open = open.and_then(|cursor| cursor.get_document("open")).expect("a section");
    assert_eq!(open.get_i64("total").ok(), Some(0), "{open}");
    let wrong = doc! { "$query": { "a": { "$no": 1 } } };
    connection.send_bytes(&old_query(0, 0, &wrong)).expect("taken");
    let reply = connection.receive().expect("an answer");
    assert_eq!((reply.flags(), reply.body().to_document().get_i32("code").ok()), (10, Some(2)));

    let newer = showing("6.0");
    let mut connection = newer.daemon.connect();
    connection.send_bytes(&old_query(0, 0, &doc! {})).expect("taken");
    let refused = connection.receive().expect("an answer").body().to_document();
    assert_eq!(refused.get_i32("code").ok(), Some(5_739_101), "{refused}");
    connection.send_bytes(&old_message(OpCode::Insert, &insert)).expect("taken");
    assert_eq!(connection.read_to_end(), b"");
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
