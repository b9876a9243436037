//! Write concerns that name members by their tags.

use quire_bson::{Bson, Document, doc};
use quire_tests::{Connection, ReplicaSet, failure, members_of};

/// The place of the only member in the west.
const WEST: usize = 2;

/// Two in the east and one in the west, which never leads.
fn coasts() -> ReplicaSet {
    let set = ReplicaSet::started_with(3, &[], |config| {
        let mut members = members_of(config);
        for (member, coast) in members.iter_mut().zip(["east", "east", "west"]) {
            member.insert("tags", doc! { "coast": coast, "use": "all" });
        }
        members[WEST].insert("priority", 0);
        config.insert("members", members);
        let modes = doc! { "both": { "coast": 2 }, "more": { "coast": 3 } };
        config.get_document_mut("settings").expect("settings").insert("getLastErrorModes", modes);
    });
    set.wait_until_whole();
    set
}

fn insert(connection: &mut Connection, id: i32, w: impl Into<Bson>, wtimeout: i32) -> Document {
    let concern = doc! { "w": w, "wtimeout": wtimeout };
    let command = doc! { "insert": "kept", "documents": [{ "_id": id }], "writeConcern": concern };
    connection.reply("test", command)
}

#[test]
fn a_mode_is_met_by_members_of_as_many_kinds_as_it_names() {
    let mut set = coasts();
    let primary = set.primary();
    let mut client = set.connect(primary);
    for (id, w) in [(0, Bson::from("both")), (1, Bson::from(doc! { "coast": 2 }))] {
        let reply = insert(&mut client, id, w, 60_000);
        assert_eq!(failure(&reply), None, "{reply}");
        assert_eq!(set.count_on(WEST), id + 1, "acknowledged before it was there");
    }

    // The other coast is out of reach: time passes, and what was written stays.
    set.pause(WEST);
    for (id, w) in [(2, Bson::from("both")), (3, Bson::from(doc! { "coast": 2 }))] {
        let reply = insert(&mut client, id, w, 300);
        let error = reply.get_document("writeConcernError").expect("a timeout");
        assert_eq!(error.get_i32("code").ok(), Some(64), "{reply}");
        let info = error.get_document("errInfo").expect("what was asked for");
        assert_eq!(info.get_bool("wtimeout").ok(), Some(true), "{reply}");
        assert_eq!(reply.get_i32("n").ok(), Some(1), "{reply}");
    }
    // What makes no sense is told at once: nothing was written that could be waited for.
    let nonsense = doc! { "insert": "c", "documents": 5, "writeConcern": { "w": "both" } };
    assert_eq!(client.fails("test", nonsense).0, 14);
    // Everybody else's concerns are as before.
    let reply = insert(&mut client, 4, "majority", 60_000);
    assert_eq!(failure(&reply), None, "{reply}");
    set.resume(WEST);
    let reply = insert(&mut client, 5, "both", 60_000);
    assert_eq!(failure(&reply), None, "{reply}");
    assert_eq!(set.count_on(WEST), 6);
}

#[test]
fn what_no_members_can_meet_is_refused_by_its_code() {
    let set = coasts();
    let mut client = set.connect(set.primary());
    let cases: [(Bson, i32); 5] = [
        ("nowhere".into(), 79),
        ("more".into(), 100),
        (Bson::Int32(4), 100),
        (doc! { "coast": 3 }.into(), 100),
        (doc! { "planet": 1 }.into(), 100),
    ];
    for ((w, code), id) in cases.into_iter().zip(0..) {
        let shown = w.to_string();
        let reply = insert(&mut client, id, w, 60_000);
        let error = failure(&reply).unwrap_or_else(|| panic!("{shown}: {reply}"));
        assert_eq!(error.0, code, "{shown}: {reply}");
        assert_eq!(set.count_on(set.primary()), id + 1, "{shown}: the write itself is made");
    }
}
