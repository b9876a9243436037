mod timeouts;

use crate::testing::Rig;
use quire_bson::{Document, Timestamp, doc};

fn insert(concern: Document) -> Document {
    doc! {"insert": "c", "documents": [{}], "writeConcern": concern}
}

fn find(concern: Document) -> Document {
    doc! {"find": "c", "readConcern": concern}
}

#[test]
fn a_write_that_cannot_reach_enough_members_is_done_and_says_so() {
    let rig = Rig::primary();
    let table = [
        (doc! {"w": 2}, 100, doc! {"w": 2, "wtimeout": 0, "provenance": "clientSupplied"}),
        (doc! {"w": "near"}, 79, doc! {"w": "near", "wtimeout": 0, "provenance": "clientSupplied"}),
    ];
    for (n, (concern, code, shown)) in table.into_iter().enumerate() {
        let reply = rig.ok("db", insert(concern));
        assert_eq!(reply.get_i32("n").unwrap(), 1);
        let error = reply.get_document("writeConcernError").unwrap();
        assert_eq!(error.get_i32("code").unwrap(), code, "{reply}");
        let info = error.get_document("errInfo").unwrap();
        assert_eq!(info.get_document("writeConcern").unwrap(), &shown);
        assert_eq!(rig.stored("db", "c").len(), n + 1);
    }
}

#[test]
fn a_command_that_fails_says_too_that_its_concern_is_not_met() {
    let rig = Rig::primary();
    rig.ok("db", doc! {"create": "c"});
    rig.ok("db", doc! {"create": "d"});
    let rename = |concern: Document| {
        let (from, to) = ("db.c", "db.d");
        doc! {"renameCollection": from, "to": to, "writeConcern": concern}
    };
    let reply = rig.run("admin", rename(doc! {"w": 2}));
    assert_eq!(reply.get_i32("code").unwrap(), 48);
    let error = reply.get_document("writeConcernError").unwrap();
    assert_eq!(error.get_i32("code").unwrap(), 100);
    assert!(!rig.run("admin", rename(doc! {"w": 1})).contains_key("writeConcernError"));
}

#[test]
fn concerns_that_one_member_can_give_are_given() {
    let rig = Rig::primary();
    let concerns = [
        doc! {},
        doc! {"w": 0},
        doc! {"w": 1, "j": true},
        doc! {"w": "majority", "wtimeout": 1},
        doc! {"j": true},
    ];
    for concern in concerns {
        let reply = rig.ok("db", insert(concern.clone()));
        assert!(!reply.contains_key("writeConcernError"), "{concern}: {reply}");
    }
    for concern in [doc! {"w": -1}, doc! {"w": 51}, doc! {"w": true}, doc! {"x": 1}] {
        assert_eq!(rig.refused("db", insert(concern.clone())).0, 9, "{concern}");
    }
}

#[test]
fn a_command_that_writes_nothing_takes_no_write_concern() {
    let refused = (72, "Command does not support writeConcern".to_owned());
    for rig in [Rig::primary(), Rig::new()] {
        let ping = doc! {"ping": 1, "writeConcern": {"w": 1}};
        assert_eq!(rig.refused("admin", ping), refused);
    }
}

#[test]
fn every_level_of_a_read_concern_is_there() {
    let rig = Rig::primary();
    for level in ["local", "available", "majority", "linearizable", "snapshot"] {
        rig.ok("db", find(doc! {"level": level}));
    }
    rig.ok("db", find(doc! {}));
    assert_eq!(rig.refused("db", find(doc! {"level": "none"})).0, 2);
    let mut write = doc! {"insert": "c", "documents": [{}]};
    write.insert("readConcern", doc! {"level": "linearizable"});
    assert_eq!(rig.refused("db", write).0, 72);
}

#[test]
fn a_linearizable_read_needs_the_primary() {
    let rig = Rig::secondary();
    let mut command = find(doc! {"level": "linearizable"});
    command.insert("$readPreference", doc! {"mode": "secondary"});
    assert_eq!(rig.refused("db", command).0, 10107);
}

#[test]
fn a_read_after_a_time_waits_for_it() {
    let rig = Rig::primary();
    let now = rig.ok("db", doc! {"ping": 1}).get_timestamp("operationTime").unwrap();
    let after = |time: Timestamp| find(doc! {"afterClusterTime": time});
    rig.ok("db", after(now));
    // Known to the set, but nobody has written anything of that time yet.
    let later = Timestamp { time: now.time + 5, increment: 1 };
    let mut gossip = doc! {"ping": 1};
    gossip.insert("$clusterTime", doc! {"clusterTime": later});
    rig.ok("db", gossip);
    let reply = rig.ok("db", after(later));
    assert!(reply.get_timestamp("operationTime").unwrap() >= later);
    let unknown = Timestamp { time: now.time + 500, increment: 1 };
    assert_eq!(rig.refused("db", after(unknown)).0, 72);
    assert_eq!(rig.refused("db", after(Timestamp { time: 0, increment: 0 })).0, 72);
    let both = find(doc! {"level": "available", "afterClusterTime": now});
    assert_eq!(rig.refused("db", both).0, 72);
}

#[test]
fn a_read_on_a_secondary_waits_for_its_time_as_long_as_it_may() {
    let rig = Rig::primary();
    let now = rig.ok("db", doc! {"ping": 1}).get_timestamp("operationTime").unwrap();
    rig.step_down();
    let later = Timestamp { time: now.time + 5, increment: 1 };
    let mut command = find(doc! {"afterClusterTime": later});
    command.insert("$clusterTime", doc! {"clusterTime": later});
    command.insert("$readPreference", doc! {"mode": "secondary"});
    command.insert("maxTimeMS", 20);
    assert_eq!(rig.refused("db", command).0, 50);
}

#[test]
fn the_default_of_a_set_is_what_a_bare_write_waits_for() {
    let rig = Rig::primary();
    let concern = doc! {"w": "near"};
    rig.ok("admin", doc! {"setDefaultRWConcern": 1, "defaultWriteConcern": concern});
    let reply = rig.ok("db", doc! {"insert": "c", "documents": [{}]});
    let error = reply.get_document("writeConcernError").unwrap();
    assert_eq!(error.get_i32("code").unwrap(), 79);
    let info = error.get_document("errInfo").unwrap().get_document("writeConcern").unwrap();
    assert_eq!(info.get_str("provenance").unwrap(), "customDefault");
    let reply = rig.ok("db", insert(doc! {"w": 1}));
    assert!(!reply.contains_key("writeConcernError"), "{reply}");
}
