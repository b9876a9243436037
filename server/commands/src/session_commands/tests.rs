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
