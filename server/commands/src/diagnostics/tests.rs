use crate::testing::Rig;
use quire_bson::{Bson, Document, doc};

#[test]
fn the_version_is_the_one_drivers_gate_on() {
    let info = Rig::new().ok("test", doc! {"buildinfo": 1});
    assert_eq!(info.get_str("version").ok(), Some("8.0.4"));
    assert_eq!(info.get_array("versionArray").unwrap().len(), 4);
}

#[test]
fn all_parameters_are_listed_with_the_test_commands_among_them() {
    let rig = Rig::new();
    for target in [Bson::from("*"), Bson::from(doc! {"allParameters": true})] {
        let all = rig.ok("admin", doc! {"getParameter": target});
        assert_eq!(all.get_bool("enableTestCommands").ok(), Some(false));
        assert!(all.contains_key("authenticationMechanisms"));
    }
    let some = rig.ok("admin", doc! {"getParameter": {"setAt": "runtime"}});
    assert!(some.contains_key("quiet") && !some.contains_key("enableTestCommands"));
}

#[test]
fn a_parameter_is_given_by_name() {
    let rig = Rig::new();
    let shell = doc! {"getParameter": 1, "featureCompatibilityVersion": 1};
    let expected = doc! {"featureCompatibilityVersion": {"version": "8.0"}, "ok": 1.0};
    assert_eq!(rig.ok("admin", shell), expected);
    let details = doc! {"getParameter": {"showDetails": true}, "ttlMonitorSleepSecs": 1};
    let shown = rig.ok("admin", details);
    assert_eq!(
        shown.get_document("ttlMonitorSleepSecs").unwrap(),
        &doc! {"value": 60, "settableAtRuntime": true, "settableAtStartup": true}
    );
}

#[test]
fn a_parameter_nobody_knows_is_refused_with_the_text_the_shell_expects() {
    let refused = Rig::new().refused("admin", doc! {"getParameter": "foo"});
    assert_eq!(refused, (72, "no option found to get".to_owned()));
}

#[test]
fn the_status_has_what_monitors_read() {
    let rig = Rig::new();
    let status = rig.ok("admin", doc! {"serverStatus": 1});
    for path in ["connections.totalCreated", "opcounters.insert", "network.bytesIn", "mem.resident"]
    {
        let (section, field) = path.split_once('.').unwrap();
        assert!(status.get_document(section).unwrap().contains_key(field), "{path}");
    }
    let engine = status.get_document("storageEngine").unwrap();
    assert_eq!(engine.get_str("name").ok(), Some("inMemory"));
    assert_eq!(engine.get_bool("persistent").ok(), Some(false));
}

#[test]
fn sections_of_the_status_can_be_switched_off() {
    let rig = Rig::new();
    let status = rig.ok("admin", doc! {"serverStatus": 1, "metrics": 0, "repl": 0});
    assert!(!status.contains_key("metrics") && status.contains_key("opcounters"));
    let status = rig.ok("admin", doc! {"serverStatus": 1, "none": 1, "mem": 1});
    assert!(status.contains_key("mem") && !status.contains_key("opcounters"));
}

#[test]
fn the_command_line_is_shown_to_administrators_only() {
    let rig = Rig::new();
    let shown = rig.ok("admin", doc! {"getCmdLineOpts": 1});
    assert_eq!(shown, doc! {"argv": ["quired"], "parsed": {}, "ok": 1.0});
    let (code, message) = rig.refused("test", doc! {"getCmdLineOpts": 1});
    assert_eq!(code, 13);
    assert_eq!(message, "getCmdLineOpts may only be run against the admin database.");
}

#[test]
fn nobody_is_logged_in_on_a_connection() {
    let rig = Rig::new();
    let status = rig.ok("admin", doc! {"connectionStatus": 1, "showPrivileges": true});
    let info = status.get_document("authInfo").unwrap();
    assert_eq!(info.get_array("authenticatedUserPrivileges").unwrap().len(), 0);
    assert_eq!(rig.refused("admin", doc! {"connectionStatus": 1, "foo": 1}).0, 40415);
}

#[test]
fn logs_are_given_by_name() {
    let rig = Rig::new();
    let names = rig.ok("admin", doc! {"getLog": "*"});
    assert_eq!(names, doc! {"names": ["global", "startupWarnings"], "ok": 1.0});
    let log = rig.ok("admin", doc! {"getLog": "startupWarnings"});
    assert_eq!(log, doc! {"totalLinesWritten": 0, "log": [], "ok": 1.0});
    let refused = rig.refused("admin", doc! {"getLog": "nonesuch"});
    assert_eq!(refused, (96, "No log named 'nonesuch'".to_owned()));
    assert_eq!(rig.refused("admin", doc! {"getLog": 1}).0, 14);
}

#[test]
fn every_command_is_listed_by_its_name() {
    let listed = Rig::new().ok("admin", doc! {"listCommands": 1});
    let commands = listed.get_document("commands").unwrap();
    assert!(commands.contains_key("ping") && commands.contains_key("listCommands"));
}

#[test]
fn the_stage_shows_running_operations_and_idle_cursors() {
    let rig = Rig::new();
    rig.ok("test", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]});
    rig.ok("test", doc! {"find": "c", "batchSize": 1});
    let list = |options: Document| {
        doc! {
            "aggregate": 1, "pipeline": [{"$currentOp": options}], "cursor": {},
        }
    };
    let types = |options: Document| -> Vec<String> {
        let reply = rig.ok("admin", list(options));
        let batch = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
        let kind = |shown: &Bson| shown.as_document().unwrap().get_str("type").unwrap().to_owned();
        batch.iter().map(kind).collect()
    };
    assert_eq!(types(doc! {}), ["op"]);
    assert_eq!(types(doc! {"idleCursors": true, "allUsers": true}), ["op", "idleCursor"]);
    assert_eq!(rig.refused("test", list(doc! {})).0, 73);
    assert_eq!(rig.refused("admin", list(doc! {"foo": true})).0, 9);
}
