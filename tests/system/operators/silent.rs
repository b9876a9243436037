//! Members that are not meant to lead, and alone hold what was acknowledged.

use quire_bson::doc;
use quire_tests::{ReplicaSet, members_of};

/// The place of the member that may only vote.
const QUIET: usize = 2;

/// Two that may lead and one more voter, of which only one of the first and the last have the newest
/// entries when the primary dies for good.
fn the_last_to_know_leads_nobody(fields: quire_bson::Document, w: i32) {
    let mut set = ReplicaSet::started_with(3, &["--httpPort", "0"], |config| {
        let mut members = members_of(config);
        members[QUIET].extend(fields);
        config.insert("members", members);
    });
    let primary = set.primary();
    let heir = 1 - primary;
    set.wait_for_state(heir, "SECONDARY");
    set.wait_until("the last one follows", |set| {
        ["SECONDARY", "ARBITER"].contains(&set.state(QUIET).as_str())
    });
    set.insert(primary, 0..10, 2);
    set.wait_for_count(heir, 10);

    // Not paused: its sockets would take what it does not read.
    set.kill(heir);
    set.insert(primary, 10..20, w);
    let acknowledged = set.positions(primary)[1];
    set.kill(primary);
    set.start(heir);
    assert!(set.positions(heir)[0] < acknowledged, "the heir has it already");
    set.wait_until("the heir leads", |set| {
        let quiet = set.hello(QUIET);
        assert_eq!(quiet.get_bool("isWritablePrimary").ok(), Some(false), "{quiet}");
        set.hello(heir).get_bool("isWritablePrimary").unwrap_or(false)
    });
    assert_eq!(set.count_on(heir), 20, "something acknowledged is lost");

    set.insert(heir, 20..21, w);
    set.start(primary);
    set.wait_for_count(primary, 21);
    assert_eq!(set.primary(), heir);
}

#[test]
fn a_voter_without_priority_hands_over_what_it_alone_has() {
    the_last_to_know_leads_nobody(doc! { "priority": 0 }, 2);
}

#[test]
fn an_arbiter_hands_over_what_it_alone_has() {
    the_last_to_know_leads_nobody(doc! { "arbiterOnly": true }, 1);
}
