use super::{Progress, W, WriteConcern, count_fields, majority_index};
use crate::config::ReplicaSetConfig;
use crate::config::tests::{parsed, with_members};
use quire_bson::{Bson, DocBuf, Document, doc};
use quire_errors::Result;

fn parse(doc: Document) -> Result<WriteConcern> {
    WriteConcern::parse(DocBuf::from(&doc).as_raw())
}

fn concern(w: impl Into<Bson>) -> WriteConcern {
    parse(doc! { "w": w.into() }).unwrap()
}

/// Two data centres with two members each, and an arbiter.
fn config() -> ReplicaSetConfig {
    let dc = |name: &str, rack: &str| doc! { "tags": { "dc": name, "rack": rack } };
    let mut doc = with_members(&[
        dc("east", "1"),
        dc("east", "2"),
        dc("west", "3"),
        doc! { "tags": { "dc": "west" }, "votes": 0, "priority": 0 },
        doc! { "arbiterOnly": true },
    ]);
    let modes = doc! { "both": { "dc": 2 }, "many": { "dc": 3 }, "spread": { "dc": 2, "rack": 3 } };
    doc.insert("settings", doc! { "getLastErrorModes": modes });
    parsed(doc)
}

fn progress(rows: &[(i32, u64, u64)]) -> Vec<Progress> {
    rows.iter()
        .map(|(member, durable, applied)| Progress {
            member: *member,
            durable: *durable,
            applied: *applied,
        })
        .collect()
}

#[test]
fn what_a_client_may_ask_for_is_read() {
    let tags = || concern(doc! { "dc": 2, "rack": 1_i64 });
    let table = [
        (doc! {}, WriteConcern::default()),
        (doc! { "w": 0 }, concern(0_i64)),
        (doc! { "w": 1 }, concern(1.0)),
        (doc! { "w": { "dc": 2.0, "rack": 1 } }, tags()),
        (
            doc! { "w": "majority", "j": 1, "wtimeout": 500_i64, "provenance": "clientSupplied" },
            WriteConcern { w: Some(W::Majority), journal: Some(true), timeout_millis: 500 },
        ),
        (
            doc! { "w": "both", "fsync": true, "wtimeout": -3, "getLastError": 1 },
            WriteConcern {
                w: Some(W::Mode("both".into())),
                journal: Some(true),
                timeout_millis: 0,
            },
        ),
        (doc! { "w": Bson::Null }, WriteConcern::default()),
    ];
    for (doc, wanted) in table {
        assert_eq!(parse(doc.clone()).unwrap(), wanted, "{doc}");
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let table = [
        (
            doc! { "w": -1 },
            9,
            "w has to be a non-negative number and not greater than 50; found: -1",
        ),
        (doc! { "w": 51 }, 9, "w has to be a non-negative number and not greater than 50"),
        (doc! { "w": [1] }, 9, "w has to be a number, string, or object; found: array"),
        (doc! { "w": {} }, 9, "tagged write concern requires tags"),
        (doc! { "w": { "a": "b" } }, 9, "tags must be a single level document with only number"),
        (doc! { "j": "x" }, 9, "BSON field 'writeConcern.j' is the wrong type 'string'"),
        (doc! { "j": true, "fsync": true }, 9, "fsync and j options cannot be used together"),
        (doc! { "wtimeout": 2_147_483_648_i64 }, 9, "wtimeout must be"),
        (doc! { "foo": 1 }, 9, "unrecognized write concern field: foo"),
        (doc! { "provenance": "me" }, 2, "Enumeration value 'me' for field"),
        (doc! { "provenance": 1 }, 14, "BSON field 'writeConcern.provenance' is the wrong type"),
    ];
    for (doc, code, message) in table {
        let error = parse(doc).unwrap_err();
        let is_as_wanted = error.code().number() == code && error.message().starts_with(message);
        assert!(is_as_wanted, "{error:?}");
    }
}

#[test]
fn a_concern_is_shown_as_it_was_asked_for() {
    for doc in [
        doc! { "w": 2, "wtimeout": 100 },
        doc! { "w": "majority", "j": true, "wtimeout": 0 },
        doc! { "w": "both", "wtimeout": 0 },
        doc! { "w": { "dc": 2 }, "wtimeout": 0 },
    ] {
        assert_eq!(parse(doc.clone()).unwrap().to_document(), doc);
    }
}

#[test]
fn only_w_zero_without_a_journal_wants_no_answer() {
    assert!(concern(0).is_unacknowledged());
    assert!(!parse(doc! { "w": 0, "j": true }).unwrap().is_unacknowledged());
    assert!(!concern(1).is_unacknowledged() && !WriteConcern::default().is_unacknowledged());
}

#[test]
fn what_the_set_could_never_give_is_refused() {
    let table = [
        (concern(4), None),
        (concern(5), Some((100, "Not enough data-bearing nodes"))),
        (concern("majority"), None),
        (concern("both"), None),
        (concern("spread"), None),
        (concern("many"), Some((100, "Not enough nodes match write concern mode \"many\""))),
        (
            concern("nobody"),
            Some((79, "No write concern mode named 'nobody' found in replica set configuration")),
        ),
        (concern(doc! { "rack": 3 }), None),
        (concern(doc! { "rack": 4 }), Some((100, "Not enough nodes match write concern mode \"{"))),
        (concern(doc! { "shelf": 1 }), Some((100, "Not enough nodes match"))),
    ];
    for (concern, wanted) in table {
        match (concern.check_satisfiable(&config()), wanted) {
            (Ok(()), None) => {}
            (Err(error), Some((code, message))) => {
                assert_eq!(error.code().number(), code);
                assert!(error.message().starts_with(message), "{error:?}");
            }
            (got, _) => panic!("{concern:?}: {got:?}"),
        }
    }
}

#[test]
fn numbers_and_tags_count_members_that_have_applied_the_write() {
    // The arbiter's progress counts for nothing, and being on disk alone does not either.
    let progress = progress(&[(0, 9, 9), (1, 9, 4), (2, 9, 5), (3, 5, 5), (4, 9, 9)]);
    let table: [(WriteConcern, [bool; 3]); 7] = [
        (concern(1), [true, true, true]),
        (concern(2), [true, true, false]),
        (concern(3), [true, true, false]),
        (concern(4), [true, false, false]),
        (concern("both"), [true, true, false]),
        (concern("spread"), [true, false, false]),
        (concern(doc! { "rack": 2 }), [true, true, false]),
    ];
    for (concern, wanted) in table {
        let got = [4, 5, 6].map(|index| concern.is_satisfied(&config(), &progress, index));
        assert_eq!(got, wanted, "{concern:?}");
    }
}

#[test]
fn a_majority_counts_voters_with_data_that_have_the_write_on_disk() {
    // Four votes, one of them the arbiter's: three data-bearing voters must have it.
    let config = config();
    assert_eq!(config.write_majority_count(), 3);
    let table = [
        (progress(&[(0, 9, 9), (1, 7, 1), (2, 5, 1), (3, 9, 9), (4, 9, 9)]), 5),
        (progress(&[(0, 9, 9), (1, 7, 1), (3, 9, 9), (4, 9, 9)]), 0),
        (progress(&[(0, 9, 0), (1, 9, 0), (2, 9, 0)]), 9),
    ];
    for (progress, newest) in table {
        assert_eq!(majority_index(&config, &progress), newest);
        assert!(concern("majority").is_satisfied(&config, &progress, newest));
        assert!(!concern("majority").is_satisfied(&config, &progress, newest + 1));
    }
}

#[test]
fn a_voter_without_data_does_not_hold_up_a_majority_it_cannot_join() {
    // Primary and arbiter: both must vote, one can have the write.
    let config = parsed(with_members(&[doc! {}, doc! { "arbiterOnly": true }]));
    assert_eq!(majority_index(&config, &progress(&[(0, 6, 6)])), 6);
}

#[test]
fn a_member_that_waits_for_its_vote_counts_for_numbers_and_not_for_the_majority() {
    let config = parsed(with_members(&[doc! {}, doc! { "newlyAdded": true }]));
    let progress = progress(&[(0, 6, 6), (1, 3, 3)]);
    assert_eq!(majority_index(&config, &progress), 6);
    assert!(concern(2).is_satisfied(&config, &progress, 3));
    assert!(!concern(2).is_satisfied(&config, &progress, 4));
}

#[test]
fn the_default_is_met_by_the_commit() {
    for (w, wanted) in [(concern(0), true), (concern(1), true), (concern(2), false)] {
        assert_eq!(w.is_met_by_commit(), wanted);
    }
    assert!(WriteConcern::default().is_met_by_commit());
    assert!(!concern("majority").is_met_by_commit());
}

#[test]
fn a_mode_that_a_new_configuration_lacks_is_never_satisfied() {
    let config = parsed(with_members(&[doc! {}]));
    assert!(!concern("both").is_satisfied(&config, &progress(&[(0, 9, 9)]), 1));
}

#[test]
fn status_shows_the_counts() {
    let wanted = doc! {
        "majorityVoteCount": 3,
        "writeMajorityCount": 3,
        "votingMembersCount": 4,
        "writableVotingMembersCount": 3,
    };
    assert_eq!(count_fields(&config()), wanted);
}
