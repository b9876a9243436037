use crate::testing::Rig;
use quire_bson::{Binary, BinarySubtype, Bson, Document, doc};

fn lsid(n: u8) -> Document {
    doc! {"id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![n; 16] }}
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
fn sessions_are_bounded_and_forgotten() {
    let rig = Rig::new();
    let sessions = &rig.server.sessions;
    sessions.touch(&[1; 16], 1_000, 1).unwrap();
    assert_eq!(sessions.touch(&[2; 16], 1_000, 1).unwrap_err().code().number(), 261);
    sessions.touch(&[1; 16], 2_000, 1).unwrap();
    sessions.expire(2_001);
    assert_eq!(sessions.count(), 0);
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
    ] {
        assert_eq!(rig.refused("admin", doc! {"ping": 1, "lsid": lsid.clone()}).0, code, "{lsid}");
    }
}
