//! Configurations that are refused.

use quire_bson::{Document, doc};
use quire_tests::{ReplicaSet, failure, free_port, members_of};

#[test]
fn a_change_that_makes_no_sense_is_refused_by_its_code() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let version = set.config(primary).get_i32("version").expect("a version");
    type Change = Box<dyn Fn(&mut Document)>;
    let cases: Vec<(&str, i32, Change)> = vec![
        (
            "the same version",
            103,
            Box::new(move |config| {
                config.insert("version", version);
            }),
        ),
        (
            "another name",
            103,
            Box::new(|config| {
                config.insert("_id", "another");
            }),
        ),
        (
            "two members more",
            103,
            Box::new(|config| {
                let mut members = members_of(config);
                for id in [10, 11] {
                    let host = format!("127.0.0.1:{}", free_port());
                    members.push(doc! { "_id": id, "host": host });
                }
                config.insert("members", members);
            }),
        ),
        (
            "no members",
            103,
            Box::new(|config| {
                config.insert("members", Vec::<Document>::new());
            }),
        ),
        (
            "an unknown field",
            93,
            Box::new(|config| {
                config.insert("colour", "green");
            }),
        ),
    ];
    for (what, code, change) in cases {
        let reply = set.reconfigure(primary, |config| change(config));
        let (found, message) = failure(&reply).unwrap_or_else(|| panic!("{what}: {reply}"));
        assert_eq!(found, code, "{what}: {message}");
        assert_eq!(set.config(primary).get_i32("version").ok(), Some(version), "{what}");
    }
    let secondary = set.secondaries()[0];
    let reply = set.reconfigure(secondary, |_| ());
    assert_eq!(failure(&reply).map(|(code, _)| code), Some(10107), "{reply}");
}

#[test]
fn a_longer_election_timeout_is_kept_to() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let reply = set.reconfigure(primary, |config| {
        config.insert("settings", doc! { "electionTimeoutMillis": 4000 });
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
    let settings = set.config(primary);
    let settings = settings.get_document("settings").expect("settings");
    assert_eq!(settings.get_i32("electionTimeoutMillis").ok(), Some(4000));
    for secondary in set.secondaries() {
        set.wait_until("everybody knows the change", |set| {
            set.config(secondary).get("version") == set.config(primary).get("version")
        });
    }
}
