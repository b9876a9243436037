//! Members that are not like the others.

use quire_bson::{Document, doc};
use quire_tests::{ReplicaSet, members_of};
use std::path::Path;
use std::time::{Duration, Instant};

fn with_member(config: &mut Document, id: i32, fields: Document) {
    let mut members = members_of(config);
    for member in &mut members {
        if member.get_i32("_id").ok() == Some(id) {
            for (name, value) in &fields {
                member.insert(name.clone(), value.clone());
            }
        }
    }
    config.insert("members", members);
}

#[test]
fn the_member_of_the_highest_priority_takes_over() {
    let set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let preferred = set.secondaries()[0];
    let id = i32::try_from(preferred).expect("a small number");
    let reply = set.reconfigure(primary, |config| {
        with_member(config, id, doc! { "priority": 5 });
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
    set.wait_for_state(preferred, "PRIMARY");
    set.insert(preferred, 0..1, 3);
}

#[test]
fn a_hidden_member_has_data_and_is_not_shown() {
    let set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "priority": 0, "hidden": true, "tags": { "use": "backup" } });
    });
    let primary = set.wait_until_whole();
    set.insert(primary, 0..3, 3);
    assert_eq!(set.count_on(2), 3);
    let hello = set.hello(primary);
    assert!(!hello.to_string().contains(&set.host(2)), "{hello}");
    let own = set.hello(2);
    assert_eq!(own.get_bool("hidden").ok(), Some(true), "{own}");
    assert_eq!(own.get_bool("passive").ok(), Some(true), "{own}");
    let tags = own.get_document("tags").expect("tags");
    assert_eq!(tags.get_str("use").ok(), Some("backup"));
}

/// The bytes under a directory.
fn bytes_under(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).expect("a directory");
    entries
        .map(|entry| entry.expect("an entry"))
        .map(|entry| match entry.metadata() {
            Ok(known) if known.is_dir() => bytes_under(&entry.path()),
            // A file that is gone meanwhile takes no room.
            known => known.map_or(0, |known| known.len()),
        })
        .sum()
}

/// What a member has on its disk besides the log.
fn bytes_of_data(set: &ReplicaSet, place: usize) -> u64 {
    let data = set.data(place);
    bytes_under(data) - bytes_under(&data.join("log"))
}

/// Adds a member that is running already, as what `fields` say.
fn add(set: &ReplicaSet, primary: usize, place: usize, id: i32, fields: &Document) {
    let host = set.host(place);
    let reply = set.reconfigure(primary, |config| {
        let mut members = members_of(config);
        let mut member = doc! { "_id": id, "host": &host };
        member.extend(fields.clone());
        members.push(member);
        config.insert("members", members);
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
}

/// Waits until three members vote.
fn wait_for_vote(set: &ReplicaSet, primary: usize) {
    let mark = format!("\"id\":{GET_THEIR_VOTES},");
    set.wait_until("it has its vote", |set| {
        let lines = set.daemon(primary).log().lines();
        lines.iter().any(|line| line.contains(&mark) && line.contains("\"voters\":3"))
    });
}

fn remove(set: &ReplicaSet, primary: usize, place: usize) {
    let host = set.host(place);
    let reply = set.reconfigure(primary, |config| {
        let mut members = members_of(config);
        members.retain(|member| member.get_str("host").ok() != Some(&host));
        config.insert("members", members);
    });
    assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
}

/// Entries that stay, so that whoever is added later is behind the log.
const SHORT_LOG: [&str; 2] = ["--setParameter", "quireLogRetainEntries=5"];

/// What a primary says when members that were added have caught up.
const GET_THEIR_VOTES: i64 = 7_200_042;

const MEGABYTE: u64 = 1 << 20;

/// Two members with some megabytes of data, and one process that is none yet.
fn with_data(words: &[&str]) -> (ReplicaSet, usize, usize) {
    let mut set = ReplicaSet::started_with(2, words, |_| ());
    let primary = set.wait_until_whole();
    set.insert(primary, 0..20, 2);
    let text = "x".repeat(100_000);
    let mut writer = set.connect(primary);
    for id in 0..80 {
        // What does not compress is seen on the disk.
        let text: String = text.chars().enumerate().map(|(n, _)| letter(id, n)).collect();
        writer.ok("test", doc! { "insert": "large", "documents": [{ "_id": id, "text": text }] });
    }
    set.admin(primary, doc! { "fsync": 1 });
    // Without one, no arbiter may be added that changes what writes wait for.
    let concern = doc! { "setDefaultRWConcern": 1, "defaultWriteConcern": { "w": 1 } };
    set.admin(primary, concern);
    let place = set.add_started(words);
    (set, primary, place)
}

/// Some letter, another one for each place.
fn letter(id: i32, place: usize) -> char {
    let mixed =
        (u64::from(id.unsigned_abs()) << 32 | place as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    char::from(b' ' + u8::try_from((mixed >> 40) % 90).unwrap_or(0))
}

#[test]
fn a_new_arbiter_gets_the_position_and_no_data() {
    // Behind a log that is short, and behind one that holds everything.
    for words in [&SHORT_LOG[..], &[]] {
        let (set, primary, place) = with_data(words);
        add(&set, primary, place, 2, &doc! { "arbiterOnly": true, "priority": 0 });
        set.wait_for_state(place, "ARBITER");
        wait_for_vote(&set, primary);
        set.insert(primary, 20..21, 2);
        assert!(bytes_of_data(&set, primary) > 4 * MEGABYTE);
        let bytes = bytes_of_data(&set, place);
        assert!(bytes < MEGABYTE, "an arbiter has {bytes} bytes: {words:?}");
    }
}

#[test]
fn a_former_arbiter_that_gets_data_gets_all_of_it() {
    let (mut set, primary, place) = with_data(&SHORT_LOG);
    add(&set, primary, place, 2, &doc! { "arbiterOnly": true, "priority": 0 });
    set.wait_for_state(place, "ARBITER");
    wait_for_vote(&set, primary);
    set.insert(primary, 20..30, 2);
    remove(&set, primary, place);
    set.wait_until("the arbiter is no member", |set| !set.hello(place).contains_key("hosts"));
    set.insert(primary, 30..32, 2);
    set.kill(place);
    set.start(place);
    add(&set, primary, place, 3, &doc! { "priority": 0 });
    set.wait_for_state(place, "SECONDARY");
    set.insert(primary, 32..33, 3);
    set.wait_for_count(place, 33);
    let hash = |place: usize| {
        let reply = set.connect(place).ok("test", doc! { "dbHash": 1 });
        reply.get_str("md5").expect("a hash").to_owned()
    };
    assert_eq!(hash(place), hash(primary), "what an arbiter has missed is not missing");
}

#[test]
fn an_arbiter_stays_one_over_a_restart_and_remembers_that_it_has_no_data() {
    let (mut set, primary, place) = with_data(&SHORT_LOG);
    add(&set, primary, place, 2, &doc! { "arbiterOnly": true, "priority": 0 });
    set.wait_for_state(place, "ARBITER");
    wait_for_vote(&set, primary);
    set.insert(primary, 20..30, 2);
    set.kill(place);
    set.start(place);
    set.wait_for_state(place, "ARBITER");
    // With the other member gone, its vote is what somebody leads by.
    set.kill(1 - primary);
    set.wait_until("the primary leads by the arbiter's vote", |set| {
        let command = doc! { "insert": "kept", "documents": [{ "_id": 30 }] };
        set.connect(primary).command("test", command).is_ok_and(|reply| reply.contains_key("n"))
    });
    assert_eq!(set.count_on(primary), 31);
    assert!(bytes_of_data(&set, place) < MEGABYTE);
}

#[test]
fn an_arbiter_votes_holds_no_data_and_never_leads() {
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "arbiterOnly": true });
    });
    let primary = set.primary();
    set.wait_for_state(2, "ARBITER");
    let other = 1 - primary;
    set.wait_for_state(other, "SECONDARY");
    set.insert(primary, 0..5, 2);
    assert_eq!(set.count_on(2), -1, "an arbiter answers no reads");
    let hello = set.hello(2);
    assert_eq!(hello.get_bool("arbiterOnly").ok(), Some(true), "{hello}");
    let listed = set.hello(primary);
    assert_eq!(listed.get_array("arbiters").map(|found| found.len()).ok(), Some(1), "{listed}");

    set.kill(primary);
    set.wait_for_state(other, "PRIMARY");
    assert_eq!(set.count_on(other), 5);
    let command = doc! {
        "insert": "kept", "documents": [{ "_id": 5 }],
        "writeConcern": { "w": 2, "wtimeout": 300 },
    };
    let (code, _) = set.connect(other).fails("test", command);
    assert_eq!(code, 64, "an arbiter acknowledges nothing");
}

#[test]
fn a_delayed_member_shows_writes_late() {
    let set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "priority": 0, "hidden": true, "secondaryDelaySecs": 3 });
    });
    let primary = set.wait_until_whole();
    let begun = Instant::now();
    set.insert(primary, 0..1, 2);
    assert!(begun.elapsed() < Duration::from_secs(3), "the delay is nobody else's");
    assert_ne!(set.count_on(2), 1);
    set.wait_for_count(2, 1);
    assert!(begun.elapsed() >= Duration::from_secs(2), "it came after {:?}", begun.elapsed());
}

#[test]
fn a_majority_needs_not_wait_for_what_a_delayed_member_shows() {
    // Long enough for everything here to happen before anything is shown.
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 2, doc! { "priority": 0, "hidden": true, "secondaryDelaySecs": 60 });
    });
    let primary = set.wait_until_whole();
    set.kill(1 - primary);
    for id in 0..3 {
        let concern = doc! { "w": "majority", "wtimeout": 50_000 };
        let document = doc! { "_id": id };
        let command = doc! { "insert": "kept", "documents": [document], "writeConcern": concern };
        set.connect(primary).ok("test", command);
    }
    assert_eq!(set.count_on(2), 0, "the delayed member shows it already");
    // It has it all the same: whoever lost the primary finds it there.
    set.start(1 - primary);
    set.wait_for_state(1 - primary, "SECONDARY");
    set.wait_for_count(1 - primary, 3);
}

#[test]
fn members_without_votes_follow_and_do_not_count() {
    let mut set = ReplicaSet::started_with(3, &[], |config| {
        with_member(config, 1, doc! { "votes": 0, "priority": 0 });
        with_member(config, 2, doc! { "votes": 0, "priority": 0 });
    });
    set.wait_until_whole();
    set.insert(0, 0..4, 3);
    set.kill(1);
    set.kill(2);
    let command = doc! {
        "insert": "kept", "documents": [{ "_id": 5 }], "writeConcern": { "w": "majority" },
    };
    set.connect(0).ok("test", command);
}
