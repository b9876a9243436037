//! Reading single fields and members, and writing them back.

use super::{parsed, with_members};
use crate::config::{NewlyAdded, ReplicaSetConfig};
use quire_bson::{Bson, DocBuf, Document, ObjectId, doc};

fn refusal(doc: &Document) -> (i32, String) {
    let error = ReplicaSetConfig::parse(DocBuf::from(doc).as_raw()).expect_err(&doc.to_string());
    (error.code().number(), error.message().to_owned())
}

#[test]
fn a_bare_configuration_is_shown_with_all_defaults() {
    let config = parsed(doc! { "_id": "rs0", "members": [{ "_id": 0, "host": "a" }] });
    let wanted = doc! {
        "_id": "rs0",
        "version": 1,
        "term": -1,
        "members": [{
            "_id": 0,
            "host": "a:27017",
            "arbiterOnly": false,
            "buildIndexes": true,
            "hidden": false,
            "priority": 1.0,
            "tags": {},
            "secondaryDelaySecs": 0_i64,
            "votes": 1,
        }],
        "protocolVersion": 1_i64,
        "writeConcernMajorityJournalDefault": true,
        "settings": {
            "chainingAllowed": true,
            "heartbeatIntervalMillis": 2000,
            "heartbeatTimeoutSecs": 10,
            "electionTimeoutMillis": 1000,
            "catchUpTimeoutMillis": -1,
            "catchUpTakeoverDelayMillis": 30_000,
            "getLastErrorModes": {},
            "getLastErrorDefaults": { "w": 1, "wtimeout": 0 },
        },
    };
    assert_eq!(config.to_document(NewlyAdded::Hidden), wanted);
}

#[test]
fn every_field_survives_being_written_and_read() {
    let original = doc! {
        "_id": "rs0",
        "version": 7,
        "term": 5_000_000_000_i64,
        "members": [
            {
                "_id": 3,
                "host": "[::2]:5",
                "arbiterOnly": false,
                "buildIndexes": false,
                "hidden": true,
                "priority": 0.0,
                "tags": { "dc": "east", "use": "reports" },
                "horizons": { "outside": "x.example.net:9" },
                "secondaryDelaySecs": 3600_i64,
                "votes": 0,
            },
            {
                "_id": 255,
                "host": "b:1",
                "arbiterOnly": true,
                "buildIndexes": true,
                "hidden": false,
                "priority": 0.0,
                "tags": {},
                "secondaryDelaySecs": 0_i64,
                "votes": 1,
            },
        ],
        "protocolVersion": 1_i64,
        "writeConcernMajorityJournalDefault": false,
        "settings": {
            "chainingAllowed": false,
            "heartbeatIntervalMillis": 100,
            "heartbeatTimeoutSecs": 3,
            "electionTimeoutMillis": 500,
            "catchUpTimeoutMillis": 60_000,
            "catchUpTakeoverDelayMillis": -1,
            "getLastErrorModes": { "two": { "dc": 2, "use": 1 } },
            "getLastErrorDefaults": { "w": 1, "wtimeout": 0 },
            "replicaSetId": ObjectId::from_bytes([7; 12]),
        },
    };
    let config = parsed(original.clone());
    assert_eq!(config.to_document(NewlyAdded::Hidden), original);
}

#[test]
fn the_mark_of_a_member_that_waits_is_kept_and_not_shown() {
    let config = parsed(with_members(&[doc! {}, doc! { "newlyAdded": true }]));
    assert!(config.members[1].newly_added && !config.members[1].is_voter());
    let shown = config.to_document(NewlyAdded::Hidden);
    assert!(!shown.to_string().contains("newlyAdded"));
    assert_eq!(parsed(config.to_document(NewlyAdded::Shown)), config);
}

#[test]
fn members_are_refused_for_what_contradicts_itself() {
    let table = [
        (doc! { "arbiterOnly": true, "votes": 0 }, "Arbiter must vote (cannot have 0 votes)"),
        (doc! { "arbiterOnly": true, "tags": { "a": "b" } }, "Cannot set tags on arbiters."),
        (doc! { "arbiterOnly": true, "priority": 2 }, "priority must be 0 when arbiterOnly=true"),
        (doc! { "votes": 0 }, "priority must be 0 when non-voting (votes:0)"),
        (doc! { "hidden": true }, "priority must be 0 when hidden=true"),
        (doc! { "buildIndexes": false }, "priority must be 0 when buildIndexes=false"),
        (doc! { "secondaryDelaySecs": 1 }, "priority must be 0 when secondaryDelaySecs is used"),
        (
            doc! { "arbiterOnly": true, "newlyAdded": true },
            "Arbiter cannot have newlyAdded field set",
        ),
        (doc! { "horizons": {} }, "horizons field cannot be empty, if present"),
        (doc! { "horizons": { "": "a" } }, "Horizons cannot have empty names"),
        (
            doc! { "horizons": { "__default": "a" } },
            "Horizon name \"__default\" is reserved for internal mongodb usage",
        ),
        (
            doc! { "horizons": { "x": "a", "y": "a" } },
            "Duplicate horizon member found \"a:27017\".",
        ),
    ];
    for (settings, message) in table {
        let doc = with_members(&[doc! {}, settings]);
        assert_eq!(refusal(&doc), (2, message.to_owned()));
    }
}

#[test]
fn members_are_refused_for_values_out_of_range_or_of_another_type() {
    let table = [
        (doc! { "_id": 256 }, 2, "BSON field '_id' value must be <= 255, actual value '256'"),
        (doc! { "_id": -1 }, 2, "BSON field '_id' value must be >= 0, actual value '-1'"),
        (doc! { "votes": 2 }, 2, "BSON field 'votes' value must be <= 1, actual value '2'"),
        (doc! { "priority": -1 }, 2, "BSON field 'priority' value must be >= 0, actual value '-1'"),
        (
            doc! { "priority": 1000.5 },
            2,
            "BSON field 'priority' value must be <= 1000, actual value '1000.5'",
        ),
        (
            doc! { "secondaryDelaySecs": 31_622_401 },
            2,
            "BSON field 'secondaryDelaySecs' value must be <= 31622400, actual value '31622401'",
        ),
        (
            doc! { "host": 1 },
            14,
            "BSON field 'MemberConfig.host' is the wrong type 'int', expected type 'string'",
        ),
        (doc! { "host": "a:b:c" }, 9, "More than one ':' detected."),
        (doc! { "tags": { "a": 1 } }, 14, "tags.a field has non-string value of type int"),
        (
            doc! { "slaveDelay": 1 },
            40415,
            "BSON field 'MemberConfig.slaveDelay' is an unknown field.",
        ),
    ];
    for (settings, code, message) in table {
        let (was, text) = refusal(&with_members(&[settings]));
        assert_eq!(was, code, "{text}");
        assert!(text.starts_with(message), "{text}");
    }
    let hostless = doc! { "_id": "rs0", "members": [{ "_id": 0 }] };
    let message = "BSON field 'MemberConfig.host' is missing but a required field";
    assert_eq!(refusal(&hostless), (40414, message.to_owned()));
}

#[test]
fn the_whole_is_refused_for_what_it_lacks_or_has_too_much() {
    let member = || Bson::from(vec![doc! { "_id": 0, "host": "a" }]);
    let table = [
        (doc! { "members": member() }, 40414, "'ReplSetConfig._id' is missing"),
        (doc! { "_id": 1, "members": member() }, 14, "'ReplSetConfig._id' is the wrong type 'int'"),
        (doc! { "_id": "a" }, 40414, "'ReplSetConfig.members' is missing"),
        (doc! { "_id": "a", "members": {} }, 14, "expected type 'array'"),
        (doc! { "_id": "a", "members": [1] }, 14, "'ReplSetConfig.members.0' is the wrong type"),
        (
            doc! { "_id": "a", "members": member(), "x": 1 },
            40415,
            "'ReplSetConfig.x' is an unknown",
        ),
        (doc! { "_id": "a", "members": member(), "version": 0 }, 2, "must be >= 1"),
        (doc! { "_id": "a", "members": member(), "term": -2 }, 2, "must be >= -1"),
        (doc! { "_id": "a", "members": member(), "configsvr": true }, 2, "--configsvr flag"),
        (
            doc! { "_id": "a", "members": member(), "version": 2_147_483_648_i64 },
            2,
            "must be <= 2147483647",
        ),
    ];
    for (doc, code, message) in table {
        let (was, text) = refusal(&doc);
        assert!(was == code && text.contains(message), "{was} {text}");
    }
}

#[test]
fn settings_are_refused_for_what_they_cannot_be() {
    let table = [
        (doc! { "heartbeatIntervalMillis": 0 }, 2, "must be >= 1"),
        (doc! { "heartbeatTimeoutSecs": 0 }, 2, "must be >= 1"),
        (doc! { "electionTimeoutMillis": -5 }, 2, "must be >= 1"),
        (doc! { "catchUpTimeoutMillis": -2 }, 2, "must be >= -1"),
        (doc! { "catchUpTakeoverDelayMillis": -2 }, 2, "must be >= -1"),
        (doc! { "foo": 1 }, 40415, "'ReplSetConfigSettings.foo' is an unknown field"),
        (doc! { "replicaSetId": 5 }, 14, "expected type 'objectId'"),
        (doc! { "replicaSetId": ObjectId::from_bytes([0; 12]) }, 2, "cannot be null"),
        (doc! { "getLastErrorDefaults": { "w": 2 } }, 2, "setDefaultRWConcern"),
        (doc! { "getLastErrorDefaults": { "w": "majority", "wtimeout": 0 } }, 2, "no longer"),
        (doc! { "getLastErrorModes": { "m": 1 } }, 14, "getLastErrorModes.m to be an Object"),
        (
            doc! { "getLastErrorModes": { "m": { "dc": "2" } } },
            14,
            "m.dc to be a number, not string",
        ),
        (
            doc! { "getLastErrorModes": { "m": { "dc": 0 } } },
            2,
            "m.dc must be positive, but found 0",
        ),
    ];
    for (settings, code, message) in table {
        let mut doc = with_members(&[doc! {}]);
        doc.insert("settings", settings);
        let (was, text) = refusal(&doc);
        assert!(was == code && text.contains(message), "{was} {text}");
    }
}

#[test]
fn the_priority_an_arbiter_did_not_ask_for_is_none() {
    let config = parsed(with_members(&[doc! {}, doc! { "arbiterOnly": true }]));
    assert_eq!(config.members[1].priority, 0.0);
    assert!(config.members[1].is_voter() && !config.members[1].is_electable());
}
