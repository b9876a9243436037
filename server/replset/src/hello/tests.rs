use super::{Hello, LastWrite, Member, Spelling, append, election_id};
use crate::config::ReplicaSetConfig;
use crate::config::tests::parsed;
use crate::optime::OpTime;
use crate::state::MemberState;
use quire_bson::{Bson, DateTime, DocBuilder, Document, ObjectId, doc};

fn shown(hello: &Hello<'_>, spelling: Spelling) -> Document {
    let mut b = DocBuilder::new();
    append(&mut b, hello, spelling);
    b.finish().as_raw().to_document()
}

fn member(config: &ReplicaSetConfig, own: usize, state: MemberState) -> Member<'_> {
    let last_write = LastWrite {
        applied: OpTime::new(20, 1, 3),
        applied_millis: 20_000,
        majority: OpTime::new(10, 2, 3),
        majority_millis: 10_000,
    };
    let is_writable = state == MemberState::Primary;
    Member { config, own, state, is_writable, primary: Some(0), term: 3, last_write }
}

fn config() -> ReplicaSetConfig {
    parsed(doc! {
        "_id": "rs0",
        "version": 4,
        "members": [
            { "_id": 0, "host": "a:1" },
            { "_id": 1, "host": "b:1", "tags": { "dc": "east", "rack": "7" } },
            { "_id": 2, "host": "c:1", "priority": 0 },
            { "_id": 3, "host": "d:1", "priority": 0, "hidden": true, "buildIndexes": false },
            { "_id": 4, "host": "e:1", "priority": 0, "secondaryDelaySecs": 60 },
            { "_id": 5, "host": "f:1", "arbiterOnly": true },
        ],
    })
}

#[test]
fn the_primary_names_the_set_itself_and_its_election() {
    let config = config();
    let hello = Hello::Member(member(&config, 0, MemberState::Primary));
    let wanted = doc! {
        "hosts": ["a:1", "b:1"],
        "passives": ["c:1"],
        "arbiters": ["f:1"],
        "setName": "rs0",
        "setVersion": 4,
        "isWritablePrimary": true,
        "secondary": false,
        "primary": "a:1",
        "me": "a:1",
        "electionId": ObjectId::parse_str("7fffffff0000000000000003").unwrap(),
        "lastWrite": {
            "opTime": OpTime::new(20, 1, 3),
            "lastWriteDate": DateTime::from_millis(20_000),
            "majorityOpTime": OpTime::new(10, 2, 3),
            "majorityWriteDate": DateTime::from_millis(10_000),
        },
    };
    assert_eq!(shown(&hello, Spelling::Hello), wanted);
}

#[test]
fn a_member_says_what_it_is_to_clients() {
    let config = config();
    let table: [(usize, MemberState, Document); 5] = [
        (1, MemberState::Secondary, doc! {"secondary": true, "tags": {"dc": "east", "rack": "7"}}),
        (2, MemberState::Secondary, doc! {"secondary": true, "passive": true}),
        (
            3,
            MemberState::Secondary,
            doc! {"secondary": true, "passive": true, "hidden": true, "buildIndexes": false},
        ),
        (
            4,
            MemberState::Recovering,
            doc! {"secondary": false, "passive": true, "secondaryDelaySecs": 60_i64},
        ),
        (5, MemberState::Arbiter, doc! {"secondary": false, "arbiterOnly": true}),
    ];
    const FLAGS: [&str; 6] =
        ["passive", "hidden", "buildIndexes", "secondaryDelaySecs", "arbiterOnly", "tags"];
    for (own, state, wanted) in table {
        let all = shown(&Hello::Member(member(&config, own, state)), Spelling::Hello);
        for name in FLAGS.iter().chain(&["secondary"]) {
            assert_eq!(all.get(name), wanted.get(name), "{own}: {name}");
        }
        assert_eq!(all.get_str("me").unwrap(), config.members[own].host.to_string());
        assert_eq!(all.get("isWritablePrimary"), Some(&Bson::Boolean(false)));
        assert!(!all.contains_key("electionId"));
    }
}

#[test]
fn a_leader_that_takes_no_writes_yet_looks_like_a_secondary() {
    let config = config();
    let mut member = member(&config, 0, MemberState::Primary);
    member.is_writable = false;
    member.primary = None;
    let all = shown(&Hello::Member(member), Spelling::Hello);
    assert_eq!(all.get("isWritablePrimary"), Some(&Bson::Boolean(false)));
    assert_eq!(all.get("secondary"), Some(&Bson::Boolean(true)));
    assert!(!all.contains_key("electionId") && !all.contains_key("primary"));
}

#[test]
fn a_node_without_a_configuration_shows_nothing_of_a_set() {
    let wanted = doc! {
        "isWritablePrimary": false,
        "secondary": false,
        "info": "Does not have a valid replica set config",
        "isreplicaset": true,
    };
    assert_eq!(shown(&Hello::NoConfig, Spelling::Hello), wanted);
}

#[test]
fn the_older_spelling_has_the_older_names() {
    let config = config();
    let all = shown(&Hello::Member(member(&config, 4, MemberState::Primary)), Spelling::IsMaster);
    assert_eq!(all.get("ismaster"), Some(&Bson::Boolean(true)));
    assert_eq!(all.get("slaveDelay"), Some(&Bson::Int64(60)));
    assert!(!all.contains_key("isWritablePrimary") && !all.contains_key("secondaryDelaySecs"));
    let none = shown(&Hello::NoConfig, Spelling::IsMaster);
    assert_eq!(none.get("ismaster"), Some(&Bson::Boolean(false)));
}

#[test]
fn a_member_that_waits_for_its_vote_is_passive() {
    let mut config = config();
    config.members[1].newly_added = true;
    let all = shown(&Hello::Member(member(&config, 1, MemberState::Startup2)), Spelling::Hello);
    assert_eq!(all.get_array("hosts").unwrap().len(), 1);
    assert_eq!(all.get_array("passives").unwrap().len(), 2);
    assert_eq!(all.get("secondary"), Some(&Bson::Boolean(false)));
}

#[test]
fn later_elections_have_greater_ids() {
    let ids: Vec<ObjectId> = [1, 2, 255, 256, 1 << 40].map(election_id).into();
    assert!(ids.windows(2).all(|pair| pair[0].bytes() < pair[1].bytes()));
    assert_eq!(ids[0].to_hex(), "7fffffff0000000000000001");
}
