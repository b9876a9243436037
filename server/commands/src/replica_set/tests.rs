use crate::testing::Rig;
use quire_bson::{DateTime, Document, doc};

fn admin(rig: &Rig, command: Document) -> Document {
    rig.ok("admin", command)
}

#[test]
fn a_standalone_knows_the_commands_and_refuses_them() {
    let rig = Rig::new();
    let of = |name: &str| {
        let mut command = Document::new();
        command.insert(name, 1);
        rig.refused("admin", command)
    };
    for name in [
        "replSetGetConfig",
        "replSetGetStatus",
        "replSetGetRBID",
        "replSetFreeze",
        "replSetMaintenance",
        "replSetReconfig",
        "replSetStepDown",
        "replSetStepUp",
        "replSetSyncFrom",
        "replSetAbortPrimaryCatchUp",
    ] {
        assert_eq!(of(name), (76, "not running with --replSet".to_owned()), "{name}");
    }
    let started = "This node was not started with replication enabled.";
    assert_eq!(of("replSetInitiate"), (76, started.to_owned()));
    assert_eq!(of("appendOplogNote").0, 76);
    assert_eq!(of("getDefaultRWConcern").0, 51300);
    assert_eq!(of("setDefaultRWConcern").0, 51300);
}

#[test]
fn a_set_begins_with_a_configuration_made_for_it() {
    let rig = Rig::without_configuration();
    assert_eq!(rig.refused("admin", doc! {"replSetGetStatus": 1}).0, 94);
    assert_eq!(rig.refused("admin", doc! {"replSetGetConfig": 1}).0, 94);
    let reply = admin(&rig, doc! {"replSetInitiate": {}});
    assert_eq!(reply.get_str("me").unwrap(), "localhost:27017");
    assert!(reply.get_str("info2").unwrap().starts_with("no configuration specified"));
    assert_eq!(rig.refused("admin", doc! {"replSetInitiate": {}}).0, 23);
    let config = admin(&rig, doc! {"replSetGetConfig": 1});
    let config = config.get_document("config").unwrap();
    assert_eq!(config.get_str("_id").unwrap(), "rs");
    assert_eq!(config.get_array("members").unwrap().len(), 1);
    let status = admin(&rig, doc! {"replSetGetStatus": 1});
    assert_eq!(status.get_i32("myState").unwrap(), 1);
    let member = status.get_array("members").unwrap()[0].as_document().unwrap();
    assert_eq!(member.get_str("stateStr").unwrap(), "PRIMARY");
}

#[test]
fn a_given_configuration_is_checked() {
    let rig = Rig::without_configuration();
    let config = |set: &str, host: &str| {
        let members = vec![doc! {"_id": 0, "host": host}];
        doc! {"replSetInitiate": {"_id": set, "members": members}}
    };
    assert_eq!(rig.refused("admin", config("other", "localhost:27017")).0, 93);
    assert_eq!(rig.refused("admin", config("rs", "elsewhere:1")).0, 93);
    let reply = admin(&rig, config("rs", "localhost:27017"));
    assert!(!reply.contains_key("info2") && reply.contains_key("info"), "{reply}");
}

#[test]
fn hello_tells_of_the_set_at_each_stage() {
    let rig = Rig::without_configuration();
    let hello = rig.ok("db", doc! {"hello": 1});
    assert!(hello.get_bool("isreplicaset").unwrap());
    assert!(!hello.get_bool("isWritablePrimary").unwrap());
    let first = hello.get_document("topologyVersion").unwrap().get_i64("counter").unwrap();
    admin(&rig, doc! {"replSetInitiate": {}});
    let hello = rig.ok("db", doc! {"hello": 1});
    assert!(hello.get_bool("isWritablePrimary").unwrap());
    assert_eq!(hello.get_str("setName").unwrap(), "rs");
    assert_eq!(hello.get_str("primary").unwrap(), "localhost:27017");
    assert!(hello.contains_key("electionId") && hello.contains_key("lastWrite"));
    let second = hello.get_document("topologyVersion").unwrap().get_i64("counter").unwrap();
    assert!(second > first, "{first} then {second}");
    let legacy = rig.ok("db", doc! {"isMaster": 1});
    assert!(legacy.get_bool("ismaster").unwrap());
    rig.step_down();
    let hello = rig.ok("db", doc! {"hello": 1});
    assert!(!hello.get_bool("isWritablePrimary").unwrap());
    assert!(hello.get_bool("secondary").unwrap());
    assert!(!hello.contains_key("primary"), "{hello}");
    let third = hello.get_document("topologyVersion").unwrap().get_i64("counter").unwrap();
    assert!(third > second, "{second} then {third}");
}

#[test]
fn a_waiting_monitor_hears_of_a_step_down_at_once() {
    let rig = Rig::primary();
    let known = rig.ok("db", doc! {"hello": 1}).get_document("topologyVersion").unwrap().clone();
    let monitor = rig.connect();
    let waiting = std::thread::spawn(move || {
        let mut known = known;
        loop {
            let wait = doc! {"hello": 1, "topologyVersion": &known, "maxAwaitTimeMS": 60_000};
            let told = monitor.ok("db", wait);
            let version = told.get_document("topologyVersion").unwrap().clone();
            assert_ne!(version, known, "the time was over before anything changed");
            if !told.get_bool("isWritablePrimary").unwrap() {
                return;
            }
            known = version;
        }
    });
    std::thread::sleep(std::time::Duration::from_millis(50));
    rig.step_down();
    waiting.join().unwrap();
}

#[test]
fn a_member_that_leaves_tells_its_monitors_so() {
    let rig = Rig::primary();
    rig.server.topology.shut_down(std::time::Duration::from_secs(3));
    let reply = rig.run("db", doc! {"hello": 1});
    assert_eq!(reply.get_i32("code").unwrap(), 91);
    let left = reply.get_i64("remainingQuiesceTimeMillis").unwrap();
    assert!((2000..=3000).contains(&left), "{reply}");
    assert!(reply.contains_key("topologyVersion"), "{reply}");
}

#[test]
fn the_order_of_a_step_down_is_checked_before_anything_else() {
    let rig = Rig::secondary();
    let table = [
        (doc! {"replSetStepDown": -1}, 2),
        (doc! {"replSetStepDown": 5}, 2),
        (doc! {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": 6}, 2),
        (doc! {"replSetStepDown": 5, "secondaryCatchUpPeriodSecs": -1}, 2),
        (doc! {"replSetStepDown": 5, "unknown": 1}, 40415),
        (doc! {"replSetStepDown": 60}, 10107),
        (doc! {"replSetStepDown": 5, "force": true}, 10107),
    ];
    for (command, code) in table {
        assert_eq!(rig.refused("admin", command.clone()).0, code, "{command}");
    }
}

#[test]
fn without_a_successor_only_force_makes_a_primary_step_down() {
    let rig = Rig::primary();
    let polite = doc! {"replSetStepDown": 10, "secondaryCatchUpPeriodSecs": 0};
    let (code, message) = rig.refused("admin", polite);
    let when = message.strip_prefix("No electable secondaries caught up as of ").unwrap();
    let when = when.split_once(". Please use the replSetStepDown command").unwrap().0;
    assert!(DateTime::parse_rfc3339_str(when).is_ok(), "{message}");
    assert_eq!(code, 262);
    rig.ok("db", doc! {"insert": "c", "documents": [{}]});
    rig.step_down();
    // Whoever is alone in its set and no more frozen is primary again.
    let reply = admin(&rig, doc! {"replSetFreeze": 0});
    assert_eq!(reply.get_str("info").unwrap(), "unfreezing");
    let wait = doc! {"replSetTest": 1, "waitForMemberState": 1, "timeoutMillis": 10_000};
    assert_eq!(rig.refused("admin", wait.clone()).0, 59);
    rig.server.parameters.set("enableTestCommands", true.into());
    admin(&rig, wait);
}

#[test]
fn only_who_is_no_primary_can_be_frozen_or_taken_out_of_service() {
    let rig = Rig::primary();
    assert_eq!(rig.refused("admin", doc! {"replSetFreeze": 1}).0, 95);
    assert_eq!(rig.refused("admin", doc! {"replSetMaintenance": 1}).0, 95);
    rig.step_down();
    let reply = admin(&rig, doc! {"replSetFreeze": 1});
    assert!(reply.get_str("warning").unwrap().contains("only 1 second"));
    assert_eq!(rig.refused("admin", doc! {"replSetMaintenance": 0}).0, 96);
    admin(&rig, doc! {"replSetMaintenance": true});
    let hello = rig.ok("db", doc! {"hello": 1});
    assert!(!hello.get_bool("secondary").unwrap());
    admin(&rig, doc! {"replSetMaintenance": false});
}

#[test]
fn the_source_of_a_member_is_checked_and_stays() {
    let rig = Rig::primary();
    assert_eq!(rig.refused("admin", doc! {"replSetSyncFrom": "localhost:27017"}).0, 95);
    rig.step_down();
    let table = [("localhost:27017", 72), ("elsewhere:1", 74), ("a:b:c", 9)];
    for (host, code) in table {
        assert_eq!(rig.refused("admin", doc! {"replSetSyncFrom": host}).0, code, "{host}");
    }
    assert_eq!(rig.refused("admin", doc! {"replSetSyncFrom": 1}).0, 14);
}

#[test]
fn a_reconfiguration_changes_what_is_in_force() {
    let rig = Rig::primary();
    assert_eq!(rig.refused("admin", doc! {"replSetReconfig": 1}).0, 2);
    let config = admin(&rig, doc! {"replSetGetConfig": 1, "commitmentStatus": true});
    assert!(config.get_bool("commitmentStatus").unwrap());
    let mut config = config.get_document("config").unwrap().clone();
    assert_eq!(rig.refused("admin", doc! {"replSetReconfig": config.clone()}).0, 103);
    config.insert("version", 2);
    config.insert("settings", doc! {"heartbeatIntervalMillis": 500});
    admin(&rig, doc! {"replSetReconfig": config});
    let config = admin(&rig, doc! {"replSetGetConfig": 1});
    let config = config.get_document("config").unwrap();
    assert_eq!(config.get_i32("version").unwrap(), 2);
    let settings = config.get_document("settings").unwrap();
    assert_eq!(settings.get_i32("heartbeatIntervalMillis").unwrap(), 500);
}

#[test]
fn a_note_moves_the_time_of_the_set() {
    let rig = Rig::primary();
    let before = rig.ok("db", doc! {"ping": 1}).get_timestamp("operationTime").unwrap();
    let reply = admin(&rig, doc! {"appendOplogNote": 1, "data": {"why": "a mark"}});
    let after = reply.get_timestamp("operationTime").unwrap();
    assert!(after > before);
    let stale = doc! {"appendOplogNote": 1, "data": {}, "maxClusterTime": before};
    assert_eq!(rig.refused("admin", stale).0, 209);
    let current = doc! {"appendOplogNote": 1, "data": {}, "maxClusterTime": after};
    admin(&rig, current);
    rig.step_down();
    assert_eq!(rig.refused("admin", doc! {"appendOplogNote": 1, "data": {}}).0, 10107);
}

#[test]
fn the_default_concerns_are_kept_by_the_set() {
    let rig = Rig::primary();
    let get = || admin(&rig, doc! {"getDefaultRWConcern": 1});
    let implicit = get();
    assert_eq!(
        implicit.get_document("defaultWriteConcern").unwrap(),
        &doc! {"w": "majority", "wtimeout": 0}
    );
    assert_eq!(implicit.get_document("defaultReadConcern").unwrap(), &doc! {"level": "local"});
    assert_eq!(implicit.get_str("defaultWriteConcernSource").unwrap(), "implicit");
    let write = |concern: Document| doc! {"setDefaultRWConcern": 1, "defaultWriteConcern": concern};
    admin(&rig, write(doc! {"w": 1, "wtimeout": 7}));
    admin(&rig, doc! {"setDefaultRWConcern": 1, "defaultReadConcern": {"level": "majority"}});
    let set = get();
    assert_eq!(set.get_document("defaultWriteConcern").unwrap(), &doc! {"w": 1, "wtimeout": 7});
    assert_eq!(set.get_document("defaultReadConcern").unwrap(), &doc! {"level": "majority"});
    assert_eq!(set.get_str("defaultReadConcernSource").unwrap(), "global");
    assert!(set.contains_key("updateOpTime") && set.contains_key("updateWallClockTime"));
    assert_eq!(rig.refused("admin", write(doc! {})).0, 20);
    assert_eq!(rig.refused("admin", write(doc! {"w": 0})).0, 2);
    assert_eq!(rig.refused("admin", doc! {"setDefaultRWConcern": 1}).0, 2);
    let linearizable = doc! {"level": "linearizable"};
    let read = doc! {"setDefaultRWConcern": 1, "defaultReadConcern": linearizable};
    assert_eq!(rig.refused("admin", read).0, 2);
}

#[test]
fn server_status_has_the_set_s_section_on_a_set_only() {
    let status = Rig::new().ok("admin", doc! {"serverStatus": 1});
    assert!(!status.contains_key("repl"));
    let status = Rig::primary().ok("admin", doc! {"serverStatus": 1});
    let section = status.get_document("repl").unwrap();
    assert_eq!(section.get_str("setName").unwrap(), "rs");
    assert!(section.get_bool("isWritablePrimary").unwrap());
    assert_eq!(section.get_i32("rbid").unwrap(), 1);
}

#[test]
fn what_has_no_meaning_here_is_said_to_have_none() {
    let rig = Rig::primary();
    assert_eq!(admin(&rig, doc! {"replSetGetRBID": 1}).get_i32("rbid").unwrap(), 1);
    assert_eq!(rig.refused("admin", doc! {"replSetAbortPrimaryCatchUp": 1}).0, 20);
}

#[test]
fn the_oplog_is_resized_and_stays_so() {
    let rig = Rig::primary();
    let max_size = || {
        let stats = rig.ok("local", doc! {"collStats": "oplog.rs", "scale": 1 << 20});
        stats.get_i32("maxSize").unwrap()
    };
    admin(&rig, doc! {"replSetResizeOplog": 1, "size": 16_000.5});
    assert_eq!(max_size(), 16_000);
    admin(&rig, doc! {"replSetResizeOplog": 1, "minRetentionHours": 1.5});
    assert_eq!(max_size(), 16_000, "what is not named stays");
    let bytes = 16_000 * (1 << 20) + (1 << 19);
    let expected = quire_consensus::Retention::Size { bytes, seconds: 5_400 };
    assert_eq!(*rig.host.retention.lock(), Some(expected));
    let status = admin(&rig, doc! {"serverStatus": 1});
    let section = status.get_document("oplogTruncation").unwrap();
    assert_eq!(section.get_f64("oplogMinRetentionHours").unwrap(), 1.5);
    admin(&rig, doc! {"replSetResizeOplog": 1});
}

#[test]
fn sizes_of_the_oplog_that_mean_nothing_are_refused() {
    let rig = Rig::primary();
    let small = "BSON field 'size' value must be >= 990, actual value '989.5'";
    let integer = "BSON field 'replSetResizeOplog.size' is the wrong type 'int', expected type \
                   'double'";
    let table = [
        (doc! {"size": 989.5}, 2, small),
        (doc! {"size": f64::NAN}, 2, "BSON field 'size' value must be >= 990"),
        (doc! {"size": 1e300}, 2, "BSON field 'size' value must be <= 1073741824"),
        (doc! {"size": 1000}, 14, integer),
        (doc! {"minRetentionHours": -0.5}, 2, "BSON field 'minRetentionHours' value must be >= 0"),
        (doc! {"sise": 1000.0}, 40415, "sise"),
    ];
    for (fields, code, says) in table {
        let mut command = doc! {"replSetResizeOplog": 1};
        command.extend(fields);
        let refused = rig.refused("admin", command.clone());
        assert_eq!(refused.0, code, "{command}: {refused:?}");
        assert!(refused.1.contains(says), "{command}: {refused:?}");
    }
    assert!(rig.host.retention.lock().is_none());
    let resize = || doc! {"replSetResizeOplog": 1, "size": 1000.0};
    assert_eq!(rig.refused("db", resize()).0, 13);
    for without in [Rig::new(), Rig::without_configuration()] {
        assert_eq!(without.refused("admin", resize()), (26, "oplog does not exist".to_owned()));
    }
}
