use crate::testing::{Rig, block_on, request};
use quire_bson::{Bson, Document, doc};
use quire_execution::wait::{Either, race};
use std::time::Duration;

#[test]
fn a_parameter_is_set_and_the_old_value_answered() {
    let rig = Rig::new();
    let reply = rig.ok("admin", doc! {"setParameter": 1, "ttlMonitorSleepSecs": 5});
    assert_eq!(reply, doc! {"was": 60, "ok": 1.0});
    assert_eq!(rig.server.parameters.ttl_monitor_sleep(), Duration::from_secs(5));
    let again = rig.ok("admin", doc! {"setParameter": 1, "ttlMonitorSleepSecs": 6.0});
    assert_eq!(again.get("was"), Some(&Bson::Int32(5)));
}

#[test]
fn parameters_that_cannot_be_set_are_refused_and_nothing_changes() {
    let rig = Rig::new();
    let cases = [
        (
            doc! {"quiet": true, "foo": 1},
            72,
            "attempted to set unrecognized parameter [foo], use help:true to see options ",
        ),
        (doc! {}, 72, "no option found to set, use help:true to see options "),
        (
            doc! {"enableTestCommands": 1},
            20,
            "not allowed to change [enableTestCommands] at runtime",
        ),
        (
            doc! {"cursorTimeoutMillis": 0},
            2,
            "Invalid value for parameter cursorTimeoutMillis: 0 is not greater than or equal to 1",
        ),
        (
            doc! {"logComponentVerbosity": {"storage": {"nonesuch": 1}}},
            2,
            "Invalid component name specified: storage.nonesuch",
        ),
    ];
    for (settings, code, message) in cases {
        let mut command = doc! {"setParameter": 1};
        command.extend(settings);
        assert_eq!(rig.refused("admin", command), (code, message.to_owned()));
    }
    assert!(!rig.server.parameters.quiet());
}

#[test]
fn a_part_of_the_verbosities_is_laid_over_the_rest() {
    let rig = Rig::new();
    let set = doc! {"setParameter": 1, "logComponentVerbosity": {"storage": {"journal": 2}}};
    rig.ok("admin", set);
    let all = rig.ok("admin", doc! {"getParameter": 1, "logComponentVerbosity": 1});
    let tree = all.get_document("logComponentVerbosity").unwrap();
    let storage = tree.get_document("storage").unwrap();
    assert_eq!(storage.get_document("journal").unwrap(), &doc! {"verbosity": 2});
    assert_eq!(storage.get_document("recovery").unwrap(), &doc! {"verbosity": -1});
    assert!(tree.contains_key("network"));
}

#[test]
fn a_shutdown_is_answered_and_asked_of_the_process() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"shutdown": 1, "force": true, "timeoutSecs": 1});
    let asked = rig.host.shutdown.lock().expect("a request");
    assert!(asked.force && asked.timeout == Duration::from_secs(1));
    assert_eq!(rig.refused("test", doc! {"shutdown": 1}).0, 13);
}

#[test]
fn writes_wait_while_they_are_held_and_go_on_afterwards() {
    let rig = Rig::new();
    let locked = rig.ok("admin", doc! {"fsync": 1, "lock": true});
    assert_eq!(locked.get_i64("lockCount").unwrap(), 1);
    assert!(rig.ok("admin", doc! {"currentOp": 1}).get_bool("fsyncLock").unwrap());
    let insert = request("test", doc! {"insert": "c", "documents": [{"_id": 1}]}, &[]);
    let other = rig.connect();
    let mut waiting = Box::pin(crate::run(&other.server, &other.client, &insert));
    let timer = crate::Host::sleep(rig.host.as_ref(), Duration::from_millis(30));
    assert!(matches!(block_on(race(waiting.as_mut(), timer)), Either::Second(())));
    assert!(rig.stored("test", "c").is_empty());
    rig.ok("admin", doc! {"fsyncUnlock": 1});
    let reply = block_on(waiting).answer().body.as_raw().to_document();
    assert_eq!(reply.get_i32("n").unwrap(), 1, "{reply}");
    let refused = rig.refused("admin", doc! {"fsyncUnlock": 1});
    assert_eq!(refused, (20, "fsyncUnlock called when not locked".to_owned()));
    assert_eq!(rig.ok("admin", doc! {"fsync": 1}), doc! {"numFiles": 1, "ok": 1.0});
}

#[test]
fn a_waiting_operation_is_shown_and_can_be_killed() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"fsync": 1, "lock": true});
    let insert = doc! {"insert": "c", "documents": [{"_id": 1}], "comment": "stuck"};
    let insert = request("test", insert, &[]);
    let other = rig.connect();
    let mut waiting = Box::pin(crate::run(&other.server, &other.client, &insert));
    let timer = crate::Host::sleep(rig.host.as_ref(), Duration::from_millis(5));
    block_on(race(waiting.as_mut(), timer));
    let shown = rig.ok("admin", doc! {"currentOp": 1, "ns": "test.c", "$all": true});
    let operations = shown.get_array("inprog").unwrap();
    assert_eq!(operations.len(), 1, "{shown}");
    let operation = operations[0].as_document().unwrap();
    assert_eq!(operation.get_str("op").unwrap(), "insert");
    let command: &Document = operation.get_document("command").unwrap();
    assert_eq!(command.get_str("comment").unwrap(), "stuck");
    let id = operation.get_i32("opid").unwrap();
    let reply = rig.ok("admin", doc! {"killOp": 1, "op": id});
    assert_eq!(reply.get_str("info").unwrap(), "attempting to kill op");
    let reply = block_on(waiting).answer().body.as_raw().to_document();
    assert_eq!(reply.get_i32("code").unwrap(), 11601, "{reply}");
    rig.ok("admin", doc! {"fsyncUnlock": 1});
    assert!(rig.stored("test", "c").is_empty());
}

#[test]
fn killing_needs_a_number() {
    let rig = Rig::new();
    for (command, code) in [
        (doc! {"killOp": 1}, 4),
        (doc! {"killOp": 1, "op": "x"}, 14),
        (doc! {"killOp": 1, "op": 1_i64 << 40}, 26823),
    ] {
        assert_eq!(rig.refused("admin", command.clone()).0, code, "{command}");
    }
    rig.ok("admin", doc! {"killOp": 1, "op": 999_999});
}

#[test]
fn every_operation_of_a_profiled_database_is_recorded() {
    let rig = Rig::new();
    let reply = rig.ok("test", doc! {"profile": 2});
    assert_eq!(reply, doc! {"was": 0, "slowms": 100, "sampleRate": 1.0, "ok": 1.0});
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}], "comment": "mine"});
    rig.ok("other", doc! {"insert": "c", "documents": [{"_id": 1}]});
    rig.ok("test", doc! {"profile": 0});
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 2}]});
    let records = rig.stored("test", "system.profile");
    let inserts: Vec<&Document> =
        records.iter().filter(|record| record.get_str("op").ok() == Some("insert")).collect();
    assert_eq!(inserts.len(), 1, "{records:?}");
    let record = inserts[0];
    assert_eq!(record.get_str("ns").unwrap(), "test.c");
    assert_eq!(record.get_i64("ninserted").unwrap(), 1);
    assert_eq!(record.get_document("command").unwrap().get_str("comment").unwrap(), "mine");
    assert!(rig.stored("other", "system.profile").is_empty());
    let refused = rig.refused("test", doc! {"insert": "system.profile", "documents": [{}]});
    assert_eq!(refused.0, 73);
}

#[test]
fn a_filter_decides_what_is_recorded() {
    let rig = Rig::new();
    rig.ok("test", doc! {"profile": 1, "filter": {"ns": "test.wanted"}});
    rig.ok("test", doc! {"insert": "other", "documents": [{"_id": 1}]});
    rig.ok("test", doc! {"insert": "wanted", "documents": [{"_id": 1}]});
    let settings = rig.ok("test", doc! {"profile": -1});
    assert_eq!(settings.get_i32("was").unwrap(), 1);
    assert_eq!(settings.get_document("filter").unwrap(), &doc! {"ns": "test.wanted"});
    rig.ok("test", doc! {"profile": 0, "filter": "unset"});
    assert!(!rig.ok("test", doc! {"profile": -1}).contains_key("filter"));
    let records = rig.stored("test", "system.profile");
    assert_eq!(records.len(), 1, "{records:?}");
}

#[test]
fn only_what_took_long_is_recorded_at_the_first_level() {
    let rig = Rig::new();
    rig.ok("test", doc! {"profile": 1, "slowms": 60_000, "sampleRate": 0.5});
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}]});
    assert!(rig.stored("test", "system.profile").is_empty());
    let settings = rig.ok("test", doc! {"profile": -1});
    assert_eq!(settings.get_i32("slowms").unwrap(), 60_000);
    assert_eq!(settings.get_f64("sampleRate").unwrap(), 0.5);
    assert_eq!(rig.refused("test", doc! {"profile": 1, "sampleRate": 2}).0, 2);
    assert_eq!(rig.refused("test", doc! {"profile": "on"}).0, 14);
}

#[test]
fn top_counts_collections_by_the_kind_of_operation() {
    let rig = Rig::new();
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}]});
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 2}]});
    let top = rig.ok("admin", doc! {"top": 1});
    let totals = top.get_document("totals").unwrap();
    let usage = totals.get_document("test.c").unwrap();
    for (field, count) in [("total", 2), ("insert", 2), ("writeLock", 2), ("queries", 0)] {
        assert_eq!(usage.get_document(field).unwrap().get_i64("count").unwrap(), count, "{field}");
    }
}

#[test]
fn what_belongs_to_replica_sets_is_refused_as_a_standalone_does() {
    let rig = Rig::new();
    for name in ["replSetGetStatus", "replSetGetConfig", "replSetStepDown", "replSetFreeze"] {
        let refused = rig.refused("admin", doc! {name: 1});
        assert_eq!(refused, (76, "not running with --replSet".to_owned()), "{name}");
    }
    assert_eq!(rig.refused("admin", doc! {"replSetInitiate": {}}).0, 76);
    assert_eq!(rig.refused("admin", doc! {"getDefaultRWConcern": 1}).0, 51300);
    let (code, message) = rig.refused("test", doc! {"createSearchIndexes": "c", "indexes": []});
    assert!(code == 31082 && message.contains("Atlas"), "{code} {message}");
}

#[test]
fn logs_are_rotated_by_name_or_number() {
    let rig = Rig::new();
    rig.ok("admin", doc! {"logRotate": 1});
    rig.ok("admin", doc! {"logRotate": "server"});
    assert_eq!(rig.refused("admin", doc! {"logRotate": "nonesuch"}).0, 4);
}

#[test]
fn the_version_of_the_data_is_confirmed_and_cannot_be_left() {
    let name = "setFeatureCompatibilityVersion";
    let rig = Rig::new();
    let table = [
        (doc! { name: "8.0" }, 7_369_100),
        (doc! { name: "7.0", "confirm": true }, 20),
        (doc! { name: "6.0", "confirm": true }, 4_926_900),
        (doc! { name: 8, "confirm": true }, 14),
        (doc! { name: "8.0", "confirm": true, "force": true }, 40_415),
    ];
    for (command, code) in table {
        assert_eq!(rig.refused("admin", command.clone()).0, code, "{command}");
    }
    rig.ok("admin", doc! { name: "8.0", "confirm": true });
    let secondary = Rig::secondary();
    assert_eq!(secondary.refused("admin", doc! { name: "8.0", "confirm": true }).0, 10_107);
}
