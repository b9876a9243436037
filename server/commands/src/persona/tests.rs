//! Each row of the table, from both sides.

mod arguments;
mod older;

use super::{Behaviour, Persona, RELEASES};
use crate::testing::Rig;
use quire_bson::{Document, doc};

#[test]
fn a_version_is_known_by_its_first_two_numbers() {
    let version = |text| Persona::named(text).map(Persona::version);
    assert_eq!(version("4.0").as_deref(), Some("4.0.28"));
    assert_eq!(version("8.0.4").as_deref(), Some("8.0.4"));
    assert_eq!(Persona::named("8.0"), Some(Persona::default()));
    for unknown in ["", "4", "3.6", "8.0.x", "8.0.1.2", "8.0 ", "-1.0"] {
        assert_eq!(version(unknown), None, "{unknown}");
    }
}

#[test]
fn later_versions_speak_later_wire_versions() {
    assert!(RELEASES.windows(2).all(|pair| pair[0].version < pair[1].version));
    assert!(RELEASES.windows(2).all(|pair| pair[0].wire_version < pair[1].wire_version));
}

#[test]
fn every_row_tells_two_versions_apart() {
    for behaviour in Behaviour::ALL {
        let have = RELEASES.iter().filter(|release| Persona(release).has(*behaviour)).count();
        assert!((1..RELEASES.len()).contains(&have), "{behaviour:?}");
    }
}

/// What `ask` gives on the last version without and the first version with a behaviour.
fn before_and_since(versions: [&str; 2], ask: impl Fn(&Rig) -> Document) -> [Document; 2] {
    versions.map(|version| ask(&Rig::primary_as(version)))
}

fn code(reply: &Document) -> i32 {
    reply.get_i32("code").unwrap_or(0)
}

#[test]
fn every_place_that_tells_the_version_tells_the_persona_s() {
    let rig = Rig::primary_as("4.2");
    let info = rig.ok("admin", doc! {"buildInfo": 1});
    assert_eq!(info.get_str("version").unwrap(), "4.2.24");
    assert_eq!(info.get_array("versionArray").unwrap()[1].as_i32(), Some(2));
    let status = rig.ok("admin", doc! {"serverStatus": 1});
    assert_eq!(status.get_str("version").unwrap(), "4.2.24");
    let data = rig.ok("admin", doc! {"find": "system.version"});
    assert_eq!(crate::testing::first_batch(&data)[0].get_str("version").unwrap(), "4.2");
    let hello = rig.ok("admin", doc! {"isMaster": 1});
    assert_eq!(hello.get_i32("maxWireVersion").unwrap(), 8);
    assert_eq!(hello.get_i32("minWireVersion").unwrap(), 0);
}

#[test]
fn hello_is_a_command_since_4_2() {
    let [before, since] =
        before_and_since(["4.0", "4.2"], |rig| rig.run("admin", doc! {"hello": 1}));
    assert_eq!((code(&before), code(&since)), (59, 0));
    let asked = doc! {"isMaster": 1, "helloOk": true};
    let [before, since] = before_and_since(["4.0", "4.2"], |rig| rig.ok("admin", asked.clone()));
    assert!(before.get("helloOk").is_none());
    assert!(since.get_bool("helloOk").unwrap());
}

#[test]
fn a_step_down_closes_connections_until_4_2() {
    let [before, since] = ["4.0", "4.2"].map(|version| {
        let rig = Rig::primary_as(version);
        let reply = rig.try_run("admin", doc! {"replSetStepDown": 600, "force": true});
        (reply.is_some(), rig.host.closings.load(std::sync::atomic::Ordering::Relaxed))
    });
    assert!(!before.0 && before.1 > 0, "{before:?}");
    assert_eq!(since, (true, 0));
}

#[test]
fn a_primary_that_lost_its_role_closes_connections_until_4_2() {
    let [before, since] = ["4.0", "4.2"].map(|version| {
        let rig = Rig::primary_as(version);
        // What a member does that finds another one leading.
        rig.server.sequencer.replica().resign();
        for _ in 0..200 {
            let hello = rig.ok("admin", doc! {"isMaster": 1});
            if hello.get_bool("secondary").unwrap() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        rig.host.closings.load(std::sync::atomic::Ordering::Relaxed)
    });
    assert_eq!((before, since), (1, 0));
}

#[test]
fn topology_versions_are_told_since_4_4() {
    let [before, since] =
        before_and_since(["4.2", "4.4"], |rig| rig.ok("admin", doc! {"isMaster": 1}));
    assert!(before.get("topologyVersion").is_none());
    assert!(since.get("topologyVersion").is_some());
    let refused = |rig: &Rig| {
        rig.step_down();
        rig.run("test", doc! {"insert": "c", "documents": [{}]})
    };
    let [before, since] = before_and_since(["4.2", "4.4"], refused);
    assert!(before.get("topologyVersion").is_none(), "{before}");
    assert!(since.get("topologyVersion").is_some(), "{since}");
}

/// A numbered write that is refused because the member is no primary.
fn refused_write(rig: &Rig) -> Document {
    rig.step_down();
    let lsid = quire_bson::Binary { subtype: quire_bson::BinarySubtype::Uuid, bytes: vec![7; 16] };
    rig.run(
        "test",
        doc! {"insert": "c", "documents": [{}], "lsid": {"id": lsid}, "txnNumber": 1_i64},
    )
}

#[test]
fn errors_are_labelled_since_4_4() {
    let [before, since] = before_and_since(["4.2", "4.4"], refused_write);
    assert!(before.get("errorLabels").is_none(), "{before}");
    assert!(since.get("errorLabels").is_some(), "{since}");
}

#[test]
fn that_nothing_was_written_is_told_since_6_0() {
    let refused_after_a_write = |rig: &Rig| {
        rig.ok("test", doc! {"insert": "c", "documents": [{}]});
        refused_write(rig)
    };
    let [before, since] = before_and_since(["5.0", "6.0"], refused_after_a_write);
    assert_eq!(before.get_array("errorLabels").unwrap().len(), 1, "{before}");
    assert_eq!(since.get_array("errorLabels").unwrap().len(), 2, "{since}");
}

#[test]
fn masters_became_primaries_in_5_0() {
    let [before, since] = before_and_since(["4.4", "5.0"], refused_write);
    assert_eq!((code(&before), code(&since)), (10107, 10107));
    assert_eq!(before.get_str("codeName").unwrap(), "NotMaster");
    assert_eq!(since.get_str("codeName").unwrap(), "NotWritablePrimary");
    assert!(before.get_str("errmsg").unwrap().starts_with("not master"), "{before}");
    assert!(since.get_str("errmsg").unwrap().starts_with("not primary"), "{since}");
}

#[test]
fn who_names_no_write_concern_gets_majority_since_5_0() {
    let default = |rig: &Rig| rig.ok("admin", doc! {"getDefaultRWConcern": 1});
    let [before, since] = before_and_since(["4.4", "5.0"], default);
    let w = |reply: &Document| {
        reply.get_document("defaultWriteConcern").unwrap().get("w").unwrap().clone()
    };
    assert_eq!(w(&before), 1.into());
    assert_eq!(w(&since), "majority".into());
    let [before, since] =
        before_and_since(["4.2", "4.4"], |rig| rig.run("admin", doc! {"getDefaultRWConcern": 1}));
    assert_eq!((code(&before), code(&since)), (59, 0));
}

#[test]
fn indexes_tell_their_namespace_until_4_4() {
    let indexes = |rig: &Rig| {
        rig.ok("test", doc! {"create": "c"});
        crate::testing::first_batch(&rig.ok("test", doc! {"listIndexes": "c"})).remove(0)
    };
    let [before, since] = before_and_since(["4.2", "4.4"], indexes);
    assert_eq!(before.get_str("ns").unwrap(), "test.c");
    assert!(since.get("ns").is_none());
}

#[test]
fn dropping_what_is_not_there_succeeds_since_7_0() {
    let [before, since] =
        before_and_since(["6.0", "7.0"], |rig| rig.run("test", doc! {"drop": "c"}));
    assert_eq!((code(&before), code(&since)), (26, 0));
}

#[test]
fn a_step_to_the_version_of_the_data_is_confirmed_since_7_0() {
    let set = |rig: &Rig| {
        let own = rig.server.facts.persona.feature_compatibility_version();
        rig.run("admin", doc! {"setFeatureCompatibilityVersion": own})
    };
    let [before, since] = before_and_since(["6.0", "7.0"], set);
    assert_eq!((code(&before), code(&since)), (0, 7_369_100));
}

#[test]
fn codes_have_the_names_of_their_time() {
    use super::wording::code_name;
    use quire_errors::Code;
    let name = |version, code| code_name(Persona::named(version).unwrap(), code).into_owned();
    assert_eq!(name("8.0", Code::WriteConcernFailed), "WriteConcernFailed");
    assert_eq!(name("8.2", Code::WriteConcernFailed), "WriteConcernTimeout");
    assert_eq!(name("4.0", Code::UnsatisfiableWriteConcern), "CannotSatisfyWriteConcern");
    assert_eq!(name("4.2", Code::UnsatisfiableWriteConcern), "UnsatisfiableWriteConcern");
    assert_eq!(name("4.4", Code::NotPrimaryNoSecondaryOk), "NotMasterNoSlaveOk");
    assert_eq!(name("5.0", Code::NotPrimaryNoSecondaryOk), "NotPrimaryNoSecondaryOk");
}

#[test]
fn pipelines_merge_since_4_2_and_write_from_secondaries_since_5_0() {
    let pipeline = |stage: &str| {
        let stages = [doc! {stage: "target"}].to_vec();
        doc! {"aggregate": "c", "pipeline": stages, "cursor": {}}
    };
    let merged = before_and_since(["4.0", "4.2"], |rig| rig.run("db", pipeline("$merge")));
    assert_eq!(merged.map(|reply| code(&reply)), [40324, 0]);
    let [before, since] = before_and_since(["4.4", "5.0"], |rig| {
        rig.step_down();
        rig.run("db", pipeline("$out"))
    });
    assert_eq!((code(&before), code(&since)), (10107, 13435));
}
