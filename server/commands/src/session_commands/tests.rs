use crate::testing::Rig;
use quire_bson::{Binary, BinarySubtype, Bson, Document, doc};

fn lsid(n: u8) -> Document {
    doc! {"id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![n; 16] }}
}

fn digest(bytes: usize) -> Binary {
    Binary { subtype: BinarySubtype::Generic, bytes: vec![9; bytes] }
}

#[test]
fn a_session_lives_from_its_first_use_to_its_end() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"ping": 1, "lsid": lsid(1)});
    rig.ok("admin", doc! {"refreshSessions": [lsid(2)]});
    assert_eq!(rig.server.sessions.count(), 2);
    rig.ok("admin", doc! {"endSessions": [lsid(1), lsid(2), lsid(3)]});
    assert_eq!(rig.server.sessions.count(), 0);
}

#[test]
fn a_session_that_is_started_here_has_an_id_and_a_time_to_live() {
    let rig = Rig::new();
    let started = rig.ok("admin", doc! {"startSession": 1});
    assert_eq!(started.get_i32("timeoutMinutes").ok(), Some(30));
    let Ok(Bson::Binary(id)) = started.get_document("id").unwrap().get("id").cloned().ok_or(())
    else {
        panic!("no id in {started}");
    };
    assert_eq!((id.subtype, id.bytes.len()), (BinarySubtype::Uuid, 16));
    rig.ok("admin", doc! {"ping": 1, "lsid": started.get_document("id").unwrap().clone()});
    assert_eq!(rig.server.sessions.count(), 1);
}

#[test]
fn killing_answers_whatever_there_is_to_kill() {
    let rig = Rig::new();
    for command in [
        doc! {"killAllSessions": []},
        doc! {"killAllSessions": [{"user": "u", "db": "admin"}]},
        doc! {"killSessions": [lsid(1)]},
        doc! {"killAllSessionsByPattern": [{"lsid": lsid(1)}, {}]},
    ] {
        rig.ok("admin", command);
    }
}

#[test]
fn malformed_lists_are_refused() {
    let rig = Rig::new();
    let cases = [
        (doc! {"endSessions": 1}, 14),
        (doc! {"endSessions": [1]}, 14),
        (doc! {"endSessions": [{}]}, 40414),
        (doc! {"endSessions": [{"id": 1}]}, 14),
        (doc! {"killAllSessions": [{"user": "u"}]}, 40414),
        (doc! {"killAllSessionsByPattern": [{"foo": 1}]}, 40415),
        (doc! {"endSessions": [], "foo": 1}, 40415),
    ];
    for (command, code) in cases {
        assert_eq!(rig.refused("admin", command.clone()).0, code, "{command}");
    }
}

#[test]
fn the_stages_that_list_sessions_show_those_in_use() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"ping": 1, "lsid": lsid(7)});
    let list = |options: Document| {
        doc! {
            "aggregate": 1, "pipeline": [{"$listLocalSessions": options}], "cursor": {},
        }
    };
    let listed = rig.ok("admin", list(doc! {}));
    let batch = listed.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    assert_eq!(batch.len(), 1, "{listed}");
    let shown = batch[0].as_document().unwrap().get_document("_id").unwrap();
    assert_eq!(shown.get("id"), lsid(7).get("id"));
    assert!(shown.contains_key("uid"));
    assert_eq!(rig.refused("admin", list(doc! {"foo": 1})).0, 40415);
}

#[test]
fn ending_a_session_closes_its_cursors() {
    let rig = Rig::new();
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]});
    let find = |n: u8| doc! {"find": "c", "batchSize": 1, "lsid": lsid(n)};
    let open = |n: u8| {
        let reply = rig.ok("test", find(n));
        reply.get_document("cursor").unwrap().get_i64("id").unwrap()
    };
    let (ended, kept) = (open(1), open(2));
    rig.ok("admin", doc! {"endSessions": [lsid(1)]});
    let more = |id: i64, n: u8| doc! {"getMore": id, "collection": "c", "lsid": lsid(n)};
    assert_eq!(rig.refused("test", more(ended, 1)).0, 43);
    rig.ok("test", more(kept, 2));
    let killed = open(2);
    rig.ok("admin", doc! {"killAllSessions": []});
    assert_eq!(rig.refused("test", more(killed, 2)).0, 43);
}

#[test]
fn a_malformed_session_id_refuses_the_command_it_comes_with() {
    let rig = Rig::new();
    let short = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 15] };
    let general = Binary { subtype: BinarySubtype::Generic, bytes: vec![1; 16] };
    for (lsid, code) in [
        (doc! {"id": short}, 207),
        (doc! {"id": general}, 14),
        (doc! {}, 40414),
        (doc! {"id": lsid(1).get("id").cloned().unwrap(), "foo": 1}, 40415),
        (doc! {"id": lsid(1).get("id").cloned().unwrap(), "uid": 1}, 14),
        (doc! {"id": lsid(1).get("id").cloned().unwrap(), "uid": digest(31)}, 12),
        (doc! {"id": lsid(1).get("id").cloned().unwrap(), "txnNumber": 1_i64}, 72),
    ] {
        assert_eq!(rig.refused("admin", doc! {"ping": 1, "lsid": lsid.clone()}).0, code, "{lsid}");
    }
}

#[test]
fn what_runs_in_a_session_is_over_when_it_was_killed() {
    let rig = Rig::new();
    rig.ok("db", doc! {"create": "c", "capped": true, "size": 1_000_000});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    for (round, kill) in [
        doc! {"killAllSessions": []},
        doc! {"killSessions": [lsid(2)]},
        doc! {"killAllSessionsByPattern": [{"lsid": lsid(2)}]},
        doc! {"killAllSessionsByPattern": [{"uid": digest(32)}, {}]},
    ]
    .into_iter()
    .enumerate()
    {
        let other = rig.connect();
        let mut tail = doc! {"find": "c", "tailable": true, "awaitData": true};
        tail.insert("lsid", lsid(2));
        let id = other.ok("db", tail).get_document("cursor").unwrap().get_i64("id").unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| {
                let mut more = doc! {"getMore": id, "collection": "c", "maxTimeMS": 60_000};
                more.insert("lsid", lsid(2));
                other.refused("db", more).0
            });
            let runs = || rig.server.operations.list().iter().any(|op| op.command == "getMore");
            while !runs() {
                std::thread::yield_now();
            }
            rig.ok("admin", kill);
            assert!(!runs(), "round {round}");
            assert_eq!(rig.server.cursors.counts().open, 0, "round {round}");
            assert_eq!(waiting.join().unwrap(), 11601, "round {round}");
        });
    }
}

#[test]
fn killing_spares_whoever_is_not_meant() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]});
    let open = || {
        let mut find = doc! {"find": "c", "batchSize": 1};
        find.insert("lsid", lsid(1));
        rig.ok("db", find);
        rig.server.cursors.counts().open
    };
    assert_eq!(open(), 1);
    for kill in [
        doc! {"killSessions": [lsid(2)]},
        doc! {"killAllSessions": [{"user": "u", "db": "admin"}]},
        doc! {"killAllSessionsByPattern": [{"lsid": lsid(2)}, {"uid": digest(32)}]},
        doc! {"killAllSessionsByPattern": [{"users": [{"user": "u", "db": "admin"}]}]},
    ] {
        rig.ok("admin", kill);
    }
    assert_eq!(rig.server.cursors.counts().open, 1);
}

#[test]
fn a_cursor_is_read_in_the_session_that_opened_it() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]});
    let run = |mut command: Document, session: Option<u8>| {
        if let Some(session) = session {
            command.insert("lsid", lsid(session));
        }
        rig.run("db", command)
    };
    let zeros = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU= -  - ";
    let shown = |n: u8| {
        format!(
            "0{n}0{n}0{n}0{n}-0{n}0{n}-0{n}0{n}-0{n}0{n}-{} - {zeros}",
            format!("0{n}").repeat(6)
        )
    };
    let table = [
        (None, Some(1), 50736, format!("was not created in a session, in session {}", shown(1))),
        (Some(1), None, 50737, format!("was created in session {}, without an lsid", shown(1))),
        (
            Some(1),
            Some(2),
            50738,
            format!("was created in session {}, in session {}", shown(1), shown(2)),
        ),
    ];
    for (own, other, code, why) in table {
        let opened = run(doc! {"find": "c", "batchSize": 1}, own);
        let id = opened.get_document("cursor").unwrap().get_i64("id").unwrap();
        let more = doc! {"getMore": id, "collection": "c"};
        let refused = run(more.clone(), other);
        assert_eq!(refused.get_i32("code").unwrap(), code, "{refused}");
        let text = format!("Cannot run getMore on cursor {id}, which {why}");
        assert_eq!(refused.get_str("errmsg").unwrap(), text);
        assert_eq!(run(more, own).get_f64("ok").unwrap(), 1.0);
    }
}
