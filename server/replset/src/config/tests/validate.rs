//! Which configurations make sense as a whole, and what follows from them.

use super::{parsed, with_members};
use crate::config::validate;
use quire_bson::{Document, doc};

fn refusal(doc: Document) -> (i32, String) {
    let error = validate(&parsed(doc), false).unwrap_err();
    (error.code().number(), error.message().to_owned())
}

fn members(count: usize, settings: &Document) -> Vec<Document> {
    vec![settings.clone(); count]
}

#[test]
fn a_set_that_makes_sense_is_accepted() {
    let non_voting = doc! { "votes": 0, "priority": 0 };
    let mut largest = members(7, &doc! {});
    largest.extend(members(43, &non_voting));
    let table = [
        members(1, &doc! {}),
        vec![doc! {}, doc! { "arbiterOnly": true }],
        vec![doc! { "host": "localhost:1" }, doc! { "host": "127.0.0.1:2" }],
        largest,
    ];
    for members in table {
        validate(&parsed(with_members(&members)), false).unwrap();
    }
}

#[test]
fn a_set_nobody_could_live_with_is_refused() {
    let non_voting = doc! { "votes": 0, "priority": 0 };
    let mut too_large = members(7, &doc! {});
    too_large.extend(members(44, &non_voting));
    let table = [
        (vec![], "Replica set configuration contains 0 members, but must have at least 1"),
        (too_large, "Replica set configuration contains 51 members"),
        (
            vec![doc! {}, doc! { "_id": 0 }],
            "Found two member configurations with same _id field, members.0._id == members.1._id == 0",
        ),
        (
            vec![doc! {}, doc! {}, doc! { "host": "h1:1" }],
            "Found two member configurations with same host field, members.1.host == members.2.host \
             == h1:1",
        ),
        (
            vec![doc! {}, doc! { "host": "localhost:2" }],
            "Either all host names in a replica set configuration must be localhost references, or \
             none must be; found 1 out of 2",
        ),
        (members(8, &doc! {}), "Replica set configuration contains 8 voting members, but must be"),
        (members(1, &non_voting), "Replica set configuration contains 0 voting members"),
        (
            members(2, &doc! { "priority": 0 }),
            "Replica set configuration must contain at least one non-arbiter member with priority \
             > 0",
        ),
        (
            vec![doc! {}, doc! { "arbiterOnly": true }, doc! { "arbiterOnly": true }],
            "Multiple arbiters are not allowed",
        ),
        (
            vec![doc! { "horizons": { "x": "a" } }, doc! {}],
            "Saw a replica set member with a different set of horizons",
        ),
        (
            vec![doc! { "horizons": { "x": "a" } }, doc! { "horizons": { "x": "a" } }],
            "Found two member configurations with same horizon address a:27017",
        ),
    ];
    for (members, message) in table {
        let (code, text) = refusal(with_members(&members));
        assert!(code == 2 && text.starts_with(message), "{code} {text}");
    }
}

#[test]
fn a_vote_somebody_waits_for_counts_among_the_seven() {
    let mut all = members(7, &doc! {});
    all.push(doc! { "newlyAdded": true });
    assert!(refusal(with_members(&all)).1.contains("contains 8 voting members"));
}

#[test]
fn the_name_the_protocol_and_the_tags_of_modes_are_looked_at() {
    let mut doc = with_members(&[doc! {}]);
    doc.insert("_id", "");
    assert!(refusal(doc).1.contains("non-empty _id field"));
    let mut doc = with_members(&[doc! {}]);
    doc.insert("protocolVersion", 0);
    assert!(refusal(doc).1.contains("protocolVersion field value must be 1"));
    let mut doc = with_members(&[doc! { "tags": { "dc": "east" } }]);
    doc.insert("settings", doc! { "getLastErrorModes": { "m": { "rack": 1 } } });
    assert_eq!(refusal(doc).0, 4);
}

#[test]
fn several_arbiters_are_allowed_where_the_operator_said_so() {
    let arbiter = || doc! { "arbiterOnly": true };
    let config = parsed(with_members(&[doc! {}, arbiter(), arbiter()]));
    assert!(validate(&config, true).is_ok());
}

#[test]
fn majorities_are_counted_over_voters_and_writes_over_those_with_data() {
    let arbiter = || doc! { "arbiterOnly": true };
    let no_vote = || doc! { "votes": 0, "priority": 0 };
    let waits = || doc! { "newlyAdded": true };
    // voters, of these with data, votes that win, copies for a majority, whether that is the default
    let table = [
        (vec![doc! {}], (1, 1, 1, 1, true)),
        (vec![doc! {}, doc! {}], (2, 2, 2, 2, true)),
        (vec![doc! {}, doc! {}, doc! {}], (3, 3, 2, 2, true)),
        (vec![doc! {}, doc! {}, arbiter()], (3, 2, 2, 2, false)),
        (vec![doc! {}, arbiter()], (2, 1, 2, 1, false)),
        (vec![doc! {}, doc! {}, doc! {}, doc! {}, arbiter()], (5, 4, 3, 3, true)),
        (vec![doc! {}, arbiter(), arbiter()], (3, 1, 2, 1, false)),
        (vec![doc! {}, doc! {}, no_vote(), no_vote()], (2, 2, 2, 2, true)),
        (vec![doc! {}, waits()], (1, 1, 1, 1, true)),
    ];
    for (members, wanted) in table {
        let config = parsed(with_members(&members));
        let counted = (
            config.voter_count(),
            config.writable_voter_count(),
            config.majority_vote_count(),
            config.write_majority_count(),
            config.implicit_default_is_majority(),
        );
        assert_eq!(counted, wanted, "{members:?}");
    }
}

#[test]
fn a_forced_configuration_is_compared_by_its_version_alone() {
    let config = |version: i64, term: i64| {
        let mut config = parsed(with_members(&[doc! {}]));
        (config.version, config.term) = (version, term);
        config
    };
    assert!(config(9, 1).is_older_than(&config(2, 2)));
    assert!(config(2, 2).is_older_than(&config(3, 2)));
    assert!(!config(3, 2).is_older_than(&config(3, 2)));
    assert!(config(3, 2).is_older_than(&config(10_003, -1)));
    assert!(!config(10_003, -1).is_older_than(&config(4, 9)));
}
