//! Going on without a majority, because an operator says so.

use quire_bson::{Document, doc};
use quire_protocol::Flags;
use quire_tests::{ReplicaSet, failure, members_of};

/// What a member gave up: the positions of its entries, file by file.
fn given_up(set: &ReplicaSet, place: usize) -> Vec<Vec<i64>> {
    let Ok(files) = std::fs::read_dir(set.data(place).join("discarded")) else { return Vec::new() };
    let positions = |path: std::path::PathBuf| {
        let mut bytes = &std::fs::read(path).expect("readable")[..];
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let entry = Document::from_reader(&mut bytes).expect("documents one after the other");
            found.push(entry.get_i64("index").expect("a position"));
        }
        found
    };
    files.flatten().map(|file| positions(file.path())).collect()
}

/// The configuration of a member, with only these places.
fn with_only(set: &ReplicaSet, place: usize, kept: &[usize]) -> Document {
    let mut config = set.config(place);
    let hosts: Vec<String> = kept.iter().map(|place| set.host(*place)).collect();
    let mut members = members_of(&config);
    members.retain(|member| {
        let host = member.get_str("host").expect("a host");
        hosts.iter().any(|kept| kept == host)
    });
    config.insert("members", members);
    config
}

#[test]
fn a_lone_survivor_goes_on_by_force_and_the_others_give_up_what_it_never_had() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 3);
    let survivor = set.secondaries()[0];
    let other = set.secondaries()[1];
    set.kill(survivor);
    set.insert(primary, 10..20, 2);
    set.kill(primary);
    set.kill(other);
    set.start(survivor);
    set.wait_for_state(survivor, "SECONDARY");

    let version = set.config(survivor).get_i32("version").expect("a version");
    let config = with_only(&set, survivor, &[survivor]);
    let id = members_of(&config)[0].get_i32("_id").expect("an id");
    let mut connection = set.connect(survivor);
    let (code, _) = connection.fails("admin", doc! { "replSetReconfig": config.clone() });
    assert_eq!(code, 10107, "only a primary changes it without force");
    connection.ok("admin", doc! { "replSetReconfig": config, "force": true });
    assert_eq!(set.primary(), survivor);
    let forced = set.config(survivor);
    assert!(forced.get_i32("version").expect("a version") > version + 1, "{forced}");
    assert_eq!(members_of(&forced)[0].get_i32("_id").ok(), Some(id));
    assert_eq!(set.count_on(survivor), 10);
    set.insert(survivor, 100..101, 1);

    // The others come back and are taken in again, one after the other.
    for (id, back) in [(20, primary), (21, other)] {
        set.start(back);
        let host = set.host(back);
        let reply = set.reconfigure(survivor, |config| {
            let mut members = members_of(config);
            members.push(doc! { "_id": id, "host": host });
            config.insert("members", members);
        });
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
        set.wait_for_state(back, "SECONDARY");
        set.wait_for_count(back, 11);
        let files = given_up(&set, back);
        assert!(files.iter().any(|entries| !entries.is_empty()), "nothing was kept: {files:?}");
    }
}

#[test]
fn those_who_are_ahead_or_cut_off_follow_a_forced_configuration_that_names_them() {
    let mut set = ReplicaSet::started(5);
    let primary = set.wait_until_whole();
    set.insert(primary, 0..10, 5);
    let others = set.secondaries();
    let [survivor, ahead, lost, gone] = others[..] else { panic!("{others:?}") };
    set.kill(survivor);
    set.insert(primary, 10..20, 4);
    // The primary alone takes one more entry, and is cut off before anybody hears of it.
    for place in [lost, gone, ahead] {
        set.pause(place);
    }
    let mut writer = set.connect(primary);
    let insert = doc! { "insert": "kept", "documents": [{ "_id": 99 }] };
    writer.send("test", insert, Flags::NONE, None).expect("it is sent");
    let reply = writer.receive().expect("an answer");
    assert!(
        failure(&reply.body().to_document()).is_some(),
        "nobody else was there to acknowledge it"
    );
    set.pause(primary);
    for place in [lost, gone] {
        set.resume(place);
        set.kill(place);
    }
    set.resume(ahead);
    set.start(survivor);
    set.wait_for_state(survivor, "SECONDARY");
    assert_eq!(set.count_on(ahead), 20);

    let config = with_only(&set, survivor, &[survivor, ahead, primary]);
    set.admin(survivor, doc! { "replSetReconfig": config, "force": true });
    assert_eq!(set.primary(), survivor);
    assert_eq!(set.count_on(survivor), 10);
    set.wait_for_state(ahead, "SECONDARY");
    set.wait_for_count(ahead, 10);
    // The two of them are a majority without the one that is still cut off.
    set.insert(survivor, 100..105, 2);
    set.resume(primary);
    set.wait_for_count(primary, 15);
    set.wait_for_state(primary, "SECONDARY");
    set.insert(survivor, 105..106, 3);
    set.wait_until_all_vote();
    set.wait_until_equal();
    for place in [ahead, primary] {
        let files = given_up(&set, place);
        let [entries] = &files[..] else { panic!("{}: {files:?}", set.host(place)) };
        assert!(entries.is_sorted_by(|one, next| one + 1 == *next), "{entries:?}");
        assert!(!entries.is_empty());
    }
    assert_eq!(given_up(&set, survivor), Vec::<Vec<i64>>::new());

    // They are one set again: any of them may lead.
    set.kill(survivor);
    let next = set.primary();
    assert_eq!(set.count_on(next), 16);
    set.insert(next, 200..201, 2);
}
