//! Fail points whose faults strike below the commands, on real processes.

use crate::Fresh;
use quire_bson::{Bson, Document, doc};
use quire_protocol::Flags;
use quire_tests::{Connection, Launch, ReplicaSet, failure};
use std::time::{Duration, Instant};

const WORDS: [&str; 4] = ["--httpPort", "0", "--setParameter", "enableTestCommands=1"];

/// Three members with test commands, of which the first result leads.
fn started() -> (ReplicaSet, usize) {
    let set = ReplicaSet::started_with(3, &WORDS, |_| ());
    let primary = set.wait_until_whole();
    set.insert(primary, 0..1, 3);
    (set, primary)
}

/// Switches a point on one member.
fn switch(set: &ReplicaSet, place: usize, name: &str, data: Document) {
    let command = doc! { "configureFailPoint": name, "mode": "alwaysOn", "data": data };
    set.admin(place, command);
}

fn switch_off(set: &ReplicaSet, place: usize, name: &str) {
    set.admin(place, doc! { "configureFailPoint": name, "mode": "off" });
}

/// The two members that do not lead.
fn others(set: &ReplicaSet, primary: usize) -> [usize; 2] {
    let others: Vec<usize> = (0..set.count()).filter(|place| *place != primary).collect();
    others.try_into().expect("three members")
}

/// Switches a point of a standalone.
fn strike(connection: &mut Connection, name: &str, mode: impl Into<Bson>, data: Document) {
    connection.ok("admin", doc! { "configureFailPoint": name, "mode": mode.into(), "data": data });
}

fn insert(id: i32) -> Document {
    doc! { "insert": "kept", "documents": [{ "_id": id }] }
}

#[test]
fn a_hanging_step_down_leaves_clients_connected_to_a_secondary_until_it_ends() {
    const POINT: &str = "stepdownHangBeforePerformingPostMemberStateUpdateActions";
    let (set, old) = started();
    let mut client = set.connect(old);
    client.ok("test", insert(1));
    switch(&set, old, POINT, doc! {});
    let mut ordering = set.connect(old);
    let order = doc! { "replSetStepDown": 60, "force": true };
    ordering.send("admin", order, Flags::NONE, None).expect("sent");
    set.admin(old, doc! { "waitForFailPoint": POINT, "timesEntered": 1, "maxTimeMS": 30_000 });
    let refused = client.reply("test", insert(2));
    assert_eq!(failure(&refused).map(|(code, _)| code), Some(10107), "{refused}");
    let new = set.primary();
    assert_ne!(new, old);
    set.connect(new).ok("test", insert(2));
    client.ok("admin", doc! { "ping": 1 });

    switch_off(&set, old, POINT);
    assert!(ordering.receive().is_none(), "the order's own connection ends too");
    assert!(client.receive().is_none(), "nobody asked, and the connection ends");
    set.wait_for_count(old, 3);
    set.admin(old, doc! { "ping": 1 });
}

#[test]
fn a_primary_that_is_cut_off_resigns_and_follows_who_led_meanwhile() {
    const POINT: &str = "quirePeerTraffic";
    let (set, old) = started();
    switch(&set, old, POINT, doc! { "action": "cut" });
    let new = set.wait_for("another primary", |set| {
        let leads =
            |place: &usize| set.hello(*place).get_bool("isWritablePrimary").unwrap_or(false);
        others(set, old).into_iter().find(leads)
    });
    set.wait_for_state(old, "SECONDARY");
    set.insert(new, 1..2, 2);
    assert_eq!(set.count_on(old), 1, "it heard of nothing");
    switch_off(&set, old, POINT);
    set.wait_for_count(old, 2);
    set.insert(set.primary(), 2..3, 3);
}

#[test]
fn messages_one_way_to_one_member_are_lost_and_sent_again() {
    const POINT: &str = "quirePeerTraffic";
    let (set, primary) = started();
    let [deaf, other] = others(&set, primary);
    let lost = doc! {
        "action": "drop", "direction": "out", "peers": [set.host(deaf)], "kinds": ["entries"],
    };
    switch(&set, primary, POINT, lost);
    set.insert(primary, 1..2, 2);
    set.wait_for_count(other, 2);
    assert_eq!(set.count_on(deaf), 1);
    switch_off(&set, primary, POINT);
    set.wait_for_count(deaf, 2);

    let delay = Duration::from_millis(150);
    let late = doc! { "action": "delay", "delayMS": 150, "kinds": ["entries"] };
    switch(&set, primary, POINT, late);
    let begun = Instant::now();
    set.insert(primary, 2..3, 2);
    assert!(begun.elapsed() >= delay, "{:?}", begun.elapsed());
    switch_off(&set, primary, POINT);
    set.insert(set.primary(), 3..4, 3);
}

#[test]
fn a_member_that_takes_no_entries_holds_up_who_waits_for_it_and_nobody_else() {
    const POINT: &str = "stopReplProducer";
    let (set, primary) = started();
    let [stopped, _] = others(&set, primary);
    let term = set.figure(primary, "quire_replica_set_term");
    switch(&set, stopped, POINT, doc! {});
    let mut waiting = insert(1);
    waiting.insert("writeConcern", doc! { "w": 3, "wtimeout": 2_500 });
    let (code, message) = set.connect(primary).fails("test", waiting);
    assert_eq!(code, 64, "{message}");
    assert_eq!(set.count_on(stopped), 1);
    // It has heard of the primary all the while.
    assert_eq!(set.state(stopped), "SECONDARY");
    assert_eq!(set.figure(primary, "quire_replica_set_term"), term);
    switch_off(&set, stopped, POINT);
    set.wait_for_count(stopped, 2);
}

#[test]
fn writes_that_no_member_takes_are_answered_in_time_and_come_through_later() {
    const POINT: &str = "stopReplProducer";
    let (set, primary) = started();
    let stopped = others(&set, primary);
    set.insert(primary, 1..4, 3);
    stopped.iter().for_each(|place| switch(&set, *place, POINT, doc! {}));
    let update = |id: i32| doc! { "q": { "_id": id }, "u": { "$inc": { "n": 1 } } };
    let modify = doc! { "$inc": { "n": 1 } };
    let commands = [
        (insert(4), doc! { "n": 1 }),
        (doc! { "update": "kept", "updates": [update(1)] }, doc! { "n": 1, "nModified": 1 }),
        (
            doc! { "delete": "kept", "deletes": [{ "q": { "_id": 2 }, "limit": 1 }] },
            doc! { "n": 1 },
        ),
        (
            doc! { "findAndModify": "kept", "query": { "_id": 3 }, "update": modify },
            doc! { "value": { "_id": 3 } },
        ),
    ];
    let mut client = set.connect(primary);
    let lsid = client.ok("admin", doc! { "startSession": 1 }).get_document("id").cloned();
    let lsid = lsid.expect("a session");
    let concerns = [Bson::Int32(1), Bson::from("majority"), Bson::Int32(2), Bson::Int32(3)];
    let mut last = Document::new();
    for (number, ((mut command, told), w)) in (1_i64..).zip(commands.into_iter().zip(concerns)) {
        command.extend(doc! { "lsid": lsid.clone(), "txnNumber": number });
        command.insert("writeConcern", doc! { "w": w, "wtimeout": 200 });
        let reply = client.reply("test", command.clone());
        assert_eq!(reply.get_f64("ok").ok(), Some(1.0), "{reply}");
        assert_eq!(failure(&reply).map(|(code, _)| code), Some(64), "{reply}");
        for (name, value) in &told {
            assert_eq!(reply.get(name), Some(value), "{reply}");
        }
        last = command;
    }
    assert_eq!(set.count_on(primary), 4, "nobody sees what is not committed");
    stopped.iter().for_each(|place| switch_off(&set, *place, POINT));
    last.insert("writeConcern", doc! { "w": 3, "wtimeout": 60_000 });
    let retried = client.ok("test", last);
    assert_eq!(retried.get_i32("retriedStmtId").ok(), Some(0), "{retried}");
    let all = doc! { "find": "kept", "sort": { "_id": 1 } };
    let changed = |id: i32| doc! { "_id": id, "n": 1 };
    let kept = [doc! { "_id": 0 }, changed(1), changed(3), doc! { "_id": 4 }];
    assert_eq!(client.documents("test", all), kept);
}

#[test]
fn a_write_that_waits_while_its_primary_steps_down_is_not_told_that_its_time_is_over() {
    const POINT: &str = "stopReplProducer";
    let (set, primary) = started();
    let stopped = others(&set, primary);
    stopped.iter().for_each(|place| switch(&set, *place, POINT, doc! {}));
    let mut client = set.connect(primary);
    let mut waiting = insert(1);
    waiting.insert("writeConcern", doc! { "w": "majority", "wtimeout": 100_000 });
    client.send("test", waiting, Flags::NONE, None).expect("sent");
    std::thread::sleep(Duration::from_millis(300));
    let mut ordering = set.connect(primary);
    let order = doc! { "replSetStepDown": 60, "force": true };
    ordering.send("admin", order, Flags::NONE, None).expect("sent");
    let reply = client.receive().expect("an answer").body().to_document();
    let (code, message) = failure(&reply).expect("an error");
    assert!([189, 10107, 11602].contains(&code), "{code}: {message}");
    stopped.iter().for_each(|place| switch_off(&set, *place, POINT));
    set.primary();
}

#[test]
fn a_member_that_applies_nothing_has_it_on_disk_and_shows_what_was_before() {
    const POINT: &str = "rsSyncApplyStop";
    let (set, primary) = started();
    let [stopped, _] = others(&set, primary);
    let before = set.settled();
    switch(&set, stopped, POINT, doc! {});
    set.insert(primary, 1..2, 2);
    set.wait_until("the entry is there and committed", |set| {
        let [last, committed, applied] = set.positions(stopped);
        last > before && committed > before && applied == before
    });
    assert_eq!((set.count_on(stopped), set.state(stopped).as_str()), (1, "SECONDARY"));
    switch_off(&set, stopped, POINT);
    set.wait_for_count(stopped, 2);
}

#[test]
fn a_member_stands_for_election_when_it_is_forced_to_and_never_when_it_is_forbidden() {
    const POINT: &str = "quireElection";
    let (set, primary) = started();
    let [one, other] = others(&set, primary);
    for place in [one, other] {
        switch(&set, place, POINT, doc! { "action": "forbid" });
    }
    let (code, message) = set.connect(one).fails("admin", doc! { "replSetStepUp": 1 });
    assert_eq!(code, 125, "{message}");
    switch(&set, other, POINT, doc! { "action": "force" });
    set.wait_for_state(other, "PRIMARY");
    switch_off(&set, other, POINT);
    assert_eq!(set.state(one), "SECONDARY");
    set.insert(set.primary(), 1..2, 3);
}

#[test]
fn a_disk_is_slow_or_full_for_as_long_as_a_test_wants() {
    const POINT: &str = "quireDisk";
    let fresh = Fresh::with(&WORDS);
    let mut connection = fresh.daemon.connect();
    connection.ok("test", insert(1));
    let slow = doc! { "target": "log", "action": "delay", "delayMS": 200 };
    strike(&mut connection, POINT, doc! { "times": 1 }, slow);
    let begun = Instant::now();
    connection.ok("test", insert(2));
    assert!(begun.elapsed() >= Duration::from_millis(200), "{:?}", begun.elapsed());

    let full = doc! { "target": "log", "action": "full" };
    strike(&mut connection, POINT, doc! { "times": 1 }, full.clone());
    assert_eq!(connection.fails("test", insert(3)).0, 14031);

    // While the log cannot even be cut back nobody knows what is in it, and nobody is answered.
    strike(&mut connection, POINT, "alwaysOn", full);
    let mut waiting = fresh.daemon.connect();
    waiting.send("test", insert(3), Flags::NONE, None).expect("taken");
    connection.ok("admin", doc! { "waitForFailPoint": POINT, "timesEntered": 4 });
    assert_eq!(connection.documents("test", doc! { "find": "kept" }).len(), 2);
    strike(&mut connection, POINT, "off", doc! {});
    let answer = waiting.receive().expect("an answer").body().to_document();
    assert_eq!(failure(&answer).map(|(code, _)| code), Some(14031), "{answer}");
    let since = Instant::now();
    while let Some((code, message)) = failure(&connection.reply("test", insert(3))) {
        assert!(code == 14031 && since.elapsed() < quire_tests::PATIENCE, "{code} {message}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(connection.documents("test", doc! { "find": "kept" }).len(), 3);
    assert_eq!(fresh.daemon.stop(), Some(0));
}

/// Ids of all documents.
fn kept(connection: &mut Connection) -> Vec<i32> {
    let found = connection.documents("test", doc! { "find": "kept", "sort": { "_id": 1 } });
    found.iter().map(|document| document.get_i32("_id").expect("a number")).collect()
}

#[test]
fn a_log_that_failed_takes_nothing_more_until_the_node_starts_again() {
    const POINT: &str = "quireDisk";
    let Fresh { daemon, directory } = Fresh::with(&WORDS);
    let mut connection = daemon.connect();
    connection.ok("test", insert(1));
    strike(&mut connection, POINT, doc! { "times": 1 }, doc! { "target": "log", "action": "fail" });
    for id in [2, 3] {
        let (code, message) = connection.fails("test", insert(id));
        assert!(code == 1 && message.contains("the log failed"), "{code} {message}");
    }
    assert_eq!(kept(&mut connection), [1], "what was answered can be read");
    assert_eq!(daemon.stop(), Some(0));
    let daemon = Launch::on(directory.path()).start();
    let mut connection = daemon.connect();
    connection.ok("test", insert(4));
    let kept = kept(&mut connection);
    assert!(kept.starts_with(&[1]) && kept.ends_with(&[4]), "{kept:?}");
}

#[test]
fn what_cannot_be_applied_is_in_the_log_and_there_when_the_disk_is_well_again() {
    const POINT: &str = "quireDisk";
    let fresh = Fresh::with(&WORDS);
    let mut connection = fresh.daemon.connect();
    connection.ok("test", insert(0));
    let mut wanted = vec![0];
    for action in ["fail", "full"] {
        strike(&mut connection, POINT, "alwaysOn", doc! { "target": "data", "action": action });
        let (first, second) = (wanted.len(), wanted.len() + 1);
        for id in [first, second] {
            let refused = connection.reply("test", insert(i32::try_from(id).expect("a few")));
            let code = failure(&refused).map(|(code, _)| code);
            assert_eq!(code, Some(11602), "the outcome is not known: {refused}");
            assert!(refused.contains_key("topologyVersion"), "{refused}");
        }
        assert_eq!(kept(&mut connection), wanted, "nothing is read that is not applied");
        strike(&mut connection, POINT, "off", doc! {});
        wanted.extend([first, second].map(|id| i32::try_from(id).expect("a few")));
        let since = Instant::now();
        while kept(&mut connection) != wanted {
            assert!(since.elapsed() < quire_tests::PATIENCE);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    assert_eq!(fresh.daemon.stop(), Some(0));
}

#[test]
fn a_primary_whose_log_failed_makes_place_for_another() {
    const POINT: &str = "quireDisk";
    let (mut set, old) = started();
    switch(&set, old, POINT, doc! { "target": "log", "action": "fail" });
    let refused = set.connect(old).reply("test", insert(1));
    assert!(failure(&refused).is_some(), "{refused}");
    let new = set.wait_for("another primary", |set| {
        let leads =
            |place: &usize| set.hello(*place).get_bool("isWritablePrimary").unwrap_or(false);
        others(set, old).into_iter().find(leads)
    });
    set.insert(new, 2..3, 2);
    set.stop(old);
    set.start(old);
    set.wait_for_count(old, set.count_on(new));
}

#[test]
fn a_message_breaks_off_on_its_way_and_only_a_request_is_not_run_then() {
    const POINT: &str = "quireClientBytes";
    let fresh = Fresh::with(&WORDS);
    let mut ordering = fresh.daemon.connect();
    for (direction, passed, id) in [("out", 20, 1), ("in", 0, 2)] {
        let data = doc! { "direction": direction, "dropAfterBytes": 20 };
        let mut client = fresh.daemon.connect();
        client.ok("admin", doc! { "ping": 1 });
        strike(&mut ordering, POINT, doc! { "times": 1 }, data);
        client.send("test", insert(id), Flags::NONE, None).expect("taken");
        assert_eq!(client.read_to_end().len(), passed, "{direction}");
        let found = ordering.documents("test", doc! { "find": "kept" });
        assert_eq!(found.len(), 1, "{direction}");
    }

    // Of one application only, and never the command that ends it.
    let os = doc! { "type": "Linux" };
    let driver = doc! { "name": "d", "version": "1" };
    let client = doc! { "application": { "name": "app" }, "driver": driver, "os": os };
    let mut of_app = fresh.daemon.connect();
    of_app.ok("admin", doc! { "hello": 1, "client": client });
    strike(&mut ordering, POINT, "alwaysOn", doc! { "delayMS": 150, "appName": "app" });
    let begun = Instant::now();
    of_app.ok("admin", doc! { "ping": 1 });
    assert!(begun.elapsed() >= Duration::from_millis(300), "both ways: {:?}", begun.elapsed());
    strike(&mut ordering, POINT, "alwaysOn", doc! { "dropAfterBytes": 0 });
    strike(&mut ordering, POINT, "off", doc! {});
    ordering.ok("admin", doc! { "ping": 1 });
}
