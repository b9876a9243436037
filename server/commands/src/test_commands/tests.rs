use crate::registry;
use crate::testing::Rig;
use quire_bson::{ObjectId, doc};
use std::time::{Duration, Instant};

#[test]
fn no_command_for_tests_exists_on_a_server_that_is_not_for_tests() {
    let rig = Rig::new();
    let for_tests = registry::all().into_iter().filter(|command| command.for_tests);
    for command in for_tests {
        let name = command.name;
        let refused = rig.refused("admin", doc! { name: 1 });
        assert_eq!(refused, (59, format!("no such command: '{name}'")));
    }
    let listed = rig.ok("admin", doc! { "listCommands": 1 });
    assert!(!listed.get_document("commands").unwrap().contains_key("testVersion2"));
    rig.server.parameters.set("enableTestCommands", true.into());
    let listed = rig.ok("admin", doc! { "listCommands": 1 });
    let shown = listed.get_document("commands").unwrap().get_document("testVersion2").unwrap();
    assert_eq!(shown.get_array("apiVersions").unwrap(), &vec!["2".into()]);
}

/// A server that was started for tests.
fn rig() -> Rig {
    let rig = Rig::new();
    rig.server.parameters.set("enableTestCommands", true.into());
    rig
}

#[test]
fn a_sleep_takes_as_long_as_it_is_told() {
    let began = Instant::now();
    rig().ok("admin", doc! { "sleep": 1, "millis": 30, "lock": "none" });
    assert!(began.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_sleep_says_which_of_its_fields_contradict_each_other() {
    let table = [
        (doc! { "sleep": 1, "secs": 1, "seconds": 1 }, 51_153),
        (doc! { "sleep": 1, "millis": 1, "w": true, "lock": "w" }, 34_346),
        (doc! { "sleep": 1, "millis": 1, "lock": "x" }, 34_347),
        (doc! { "sleep": 1, "millis": -1 }, 2),
        (doc! { "sleep": 1, "hours": 1 }, 40_415),
    ];
    for (command, code) in table {
        assert_eq!(rig().refused("admin", command.clone()).0, code, "{command}");
    }
}

#[test]
fn a_sleep_ends_at_its_time_limit_and_lets_writes_go_on() {
    let rig = rig();
    let asleep = doc! { "sleep": 1, "secs": 60, "w": true, "maxTimeMS": 20 };
    assert_eq!(rig.refused("admin", asleep).0, 50);
    assert_eq!(rig.server.sequencer.holds(), 0);
    rig.ok("db", doc! { "insert": "c", "documents": [{}] });
}

#[test]
fn the_newest_documents_are_taken_out_of_a_capped_collection() {
    let rig = rig();
    rig.ok("db", doc! { "create": "c", "capped": true, "size": 4096 });
    let documents: Vec<_> = (0..6).map(|n| doc! { "_id": n }).collect();
    rig.ok("db", doc! { "insert": "c", "documents": documents });
    rig.ok("db", doc! { "captrunc": "c", "n": 2 });
    assert_eq!(rig.stored("db", "c").len(), 4);
    rig.ok("db", doc! { "captrunc": "c", "n": 1, "inc": true });
    assert_eq!(rig.stored("db", "c"), vec![doc! { "_id": 0 }, doc! { "_id": 1 }]);
    assert_eq!(rig.refused("db", doc! { "captrunc": "c", "n": 2 }).0, 20);
    assert_eq!(rig.refused("db", doc! { "captrunc": "none", "n": 0 }).0, 26);
}

#[test]
fn a_document_goes_in_past_the_validator() {
    let rig = rig();
    rig.ok("db", doc! { "create": "c", "validator": { "a": 1 } });
    rig.ok("db", doc! { "godinsert": "c", "obj": { "_id": 1 } });
    assert_eq!(rig.stored("db", "c"), vec![doc! { "_id": 1 }]);
    assert_eq!(rig.refused("db", doc! { "godinsert": "c", "obj": { "_id": 1 } }).0, 11_000);
}

#[test]
fn the_small_ones_answer() {
    let rig = rig();
    let id = ObjectId::from_bytes([7; 12]);
    let reply = rig.ok("db", doc! { "driverOIDTest": id });
    assert_eq!(reply, doc! { "oid": id, "str": "070707070707070707070707", "ok": 1.0 });
    assert_eq!(rig.refused("db", doc! { "driverOIDTest": 1 }), (2, "not oid".to_owned()));
    assert!(rig.ok("admin", doc! { "_isSelf": 1 }).get_object_id("id").is_ok());
    rig.ok("admin", doc! { "clearLog": "global" });
    assert_eq!(rig.refused("admin", doc! { "clearLog": "startupWarnings" }).0, 72);
    let sample = rig.ok("admin", doc! { "getDiagnosticData": 1 });
    let status = sample.get_document("data").unwrap().get_document("serverStatus").unwrap();
    assert!(status.contains_key("connections"));
}
