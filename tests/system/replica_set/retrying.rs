//! Numbered writes that are sent again: no statement is carried out twice, whoever leads by then.

use quire_bson::{Binary, BinarySubtype, Document, doc};
use quire_tests::{Connection, PATIENCE, ReplicaSet, failure, members_of};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a member says when a copy of the state begins to arrive.
const GETTING_A_COPY: i64 = 7_200_010;

/// The command with a number, in a session of its own.
fn numbered(mut command: Document, session: u8, number: i64) -> Document {
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![session; 16] };
    command.insert("lsid", doc! { "id": id });
    command.insert("txnNumber", number);
    command
}

fn majority() -> Document {
    doc! { "w": "majority", "wtimeout": 60_000 }
}

/// One command of every kind, each in its session.
fn commands() -> Vec<Document> {
    let upsert = doc! { "q": { "_id": 50 }, "u": { "$inc": { "n": 1 } }, "upsert": true };
    let increment = |id: i32| doc! { "q": { "_id": id }, "u": { "$inc": { "n": 1 } } };
    let modify = doc! { "$inc": { "n": 1 } };
    let mut all = vec![
        doc! { "insert": "kept", "documents": [{ "_id": 10 }, { "_id": 11 }] },
        doc! { "update": "kept", "updates": [increment(1), upsert, increment(2)] },
        doc! { "delete": "kept", "deletes": [{ "q": { "_id": 3 }, "limit": 1 }] },
        doc! { "findAndModify": "kept", "query": { "_id": 4 }, "update": modify, "new": true },
        doc! { "findAndModify": "kept", "query": { "_id": 5 }, "remove": true },
    ];
    for command in &mut all {
        command.insert("writeConcern", majority());
    }
    (1..).zip(all).map(|(session, command)| numbered(command, session, 1)).collect()
}

/// Writes everything once, and gives the commands with what was told.
fn write(set: &ReplicaSet, primary: usize) -> Vec<(Document, Document)> {
    let documents: Vec<_> = (1..=5).map(|id| doc! { "_id": id, "n": 0 }).collect();
    let insert = doc! { "insert": "kept", "documents": documents, "writeConcern": majority() };
    let mut client = set.connect(primary);
    client.ok("test", insert);
    let told = |command: Document| (command.clone(), own(client.ok("test", command)));
    commands().into_iter().map(told).collect()
}

/// A reply without what belongs to every one.
fn own(mut reply: Document) -> Document {
    for name in ["$clusterTime", "operationTime"] {
        reply.remove(name);
    }
    reply
}

fn contents(set: &ReplicaSet, primary: usize) -> Vec<Document> {
    set.connect(primary).documents("test", doc! { "find": "kept", "sort": { "_id": 1 } })
}

/// Sends every command again, to whoever leads now.
fn assert_remembered(set: &ReplicaSet, primary: usize, told: &[(Document, Document)]) {
    let before = contents(set, primary);
    for (command, first) in told {
        let mut again = own(set.connect(primary).ok("test", command.clone()));
        let retried = again.remove("retriedStmtIds").or_else(|| again.remove("retriedStmtId"));
        assert!(retried.is_some(), "{command} was carried out again: {again}");
        assert_eq!(&again, first, "{command}");
    }
    assert_eq!(contents(set, primary), before);
}

#[test]
fn a_new_primary_knows_what_the_one_before_has_done() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let told = write(&set, primary);
    assert_remembered(&set, primary, &told);
    set.kill(primary);
    let next = set.primary();
    assert_remembered(&set, next, &told);
    let shown = set.connect(next).documents("config", doc! { "find": "transactions" });
    assert_eq!(shown.len(), told.len());
}

#[test]
fn what_was_done_is_known_after_all_members_were_killed() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let told = write(&set, primary);
    for place in 0..3 {
        set.kill(place);
    }
    for place in 0..3 {
        set.start(place);
    }
    let next = set.primary();
    assert_remembered(&set, next, &told);
}

#[test]
fn a_member_that_got_a_copy_knows_what_was_done_before_it_came() {
    let words = ["--setParameter", "quireLogRetainEntries=50"];
    let mut set = ReplicaSet::started_with(1, &words, |_| ());
    let primary = set.primary();
    let told = write(&set, primary);
    // The log no longer begins where the set did.
    for id in 1000..1200 {
        set.insert(primary, id..id + 1, 1);
    }
    set.admin(primary, doc! { "fsync": 1 });
    let new = set.add_started(&words);
    let host = set.host(new);
    let reply = set.reconfigure(primary, |config| {
        let mut members = members_of(config);
        members.push(doc! { "_id": 7, "host": host });
        config.insert("members", members);
    });
    assert_eq!(failure(&reply), None);
    set.wait_for_state(new, "SECONDARY");
    set.daemon(new).logged(GETTING_A_COPY);
    set.wait_until_all_vote();
    // It may not stand before it knows that it votes.
    set.wait_until("it stands for election", |set| {
        let told = set.connect(new).reply("admin", doc! { "replSetStepUp": 1 });
        failure(&told).is_none()
    });
    set.wait_for_state(new, "PRIMARY");
    set.wait_until("it takes writes", |set| set.primary() == new);
    assert_remembered(&set, new, &told);
}

/// Sends a command until it is answered, as a driver does: again after a broken connection and after
/// an error that says that it may be.
fn insist(ports: &[u16], command: &Document) -> Document {
    let patience = Instant::now() + PATIENCE;
    for port in ports.iter().cycle() {
        assert!(Instant::now() < patience, "nobody took {command}");
        let answer = Connection::try_open(*port)
            .and_then(|mut connection| connection.command("test", command.clone()));
        match answer {
            Ok(reply) if failure(&reply).is_none() => return reply,
            Ok(reply) => {
                let labels = reply.get_array("errorLabels").cloned().unwrap_or_default();
                assert!(labels.contains(&"RetryableWriteError".into()), "{command}: {reply}");
            }
            Err(_) => {}
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    unreachable!("the ports go round")
}

#[test]
fn writes_that_are_sent_until_they_are_answered_count_once_while_primaries_die() {
    let mut set = ReplicaSet::started(3);
    let primary = set.wait_until_whole();
    let clients = 4_u8;
    let counters: Vec<_> = (0..clients).map(|n| doc! { "_id": i32::from(n), "n": 0 }).collect();
    let insert = doc! { "insert": "kept", "documents": counters, "writeConcern": majority() };
    set.connect(primary).ok("test", insert);
    let ports: Vec<u16> = (0..3).map(|place| set.daemon(place).port()).collect();
    let stop = AtomicBool::new(false);
    let counted = std::thread::scope(|scope| {
        let count = |n: u8| {
            let mut number = 0_i64;
            while !stop.load(Ordering::Acquire) {
                number += 1;
                let id = i32::from(n);
                let update = doc! { "q": { "_id": id }, "u": { "$inc": { "n": 1 } } };
                let command = doc! { "update": "kept", "updates": [update] };
                let reply = insist(&ports, &numbered(command, n, number));
                assert_eq!(reply.get_i32("nModified").ok(), Some(1), "{reply}");
            }
            number
        };
        let counting: Vec<_> = (0..clients).map(|n| scope.spawn(move || count(n))).collect();
        for _ in 0..3 {
            let primary = set.wait_until_whole();
            std::thread::sleep(Duration::from_millis(300));
            set.kill(primary);
            set.primary();
            set.start(primary);
        }
        set.wait_until_whole();
        stop.store(true, Ordering::Release);
        let ended = counting.into_iter().map(|client| client.join().expect("it counted"));
        ended.collect::<Vec<i64>>()
    });
    let primary = set.primary();
    let found = contents(&set, primary);
    let found: Vec<i64> =
        found.iter().map(|doc| i64::from(doc.get_i32("n").expect("a count"))).collect();
    assert_eq!(found, counted);
}

#[test]
fn a_retry_waits_for_a_write_that_is_committed_and_could_not_be_applied_yet() {
    let words = ["--setParameter", "enableTestCommands=1"];
    // Long enough for a look at a primary that cannot apply, before it hands over to one that can.
    let set = ReplicaSet::started_with(3, &words, |config| {
        config.insert("settings", doc! { "electionTimeoutMillis": 10_000 });
    });
    let primary = set.wait_until_whole();
    set.connect(primary).ok("test", doc! { "insert": "kept", "documents": [{ "_id": 1, "n": 0 }] });
    let update = doc! { "q": { "_id": 1 }, "u": { "$inc": { "n": 1 } } };
    let command = numbered(doc! { "update": "kept", "updates": [update] }, 1, 1);
    let switch = |mode: &str| {
        set.admin(primary, doc! { "configureFailPoint": "quireFailApply", "mode": mode });
    };
    switch("alwaysOn");
    let refused = set.connect(primary).reply("test", command.clone());
    assert_eq!(failure(&refused).map(|(code, _)| code), Some(11602), "{refused}");
    let labels = refused.get_array("errorLabels").expect("labels");
    assert!(labels.contains(&"RetryableWriteError".into()), "{refused}");
    let retried = std::thread::scope(|scope| {
        let retry = scope.spawn(|| set.connect(primary).ok("test", command.clone()));
        std::thread::sleep(Duration::from_millis(300));
        assert!(!retry.is_finished(), "nobody knows yet what became of the first attempt");
        switch("off");
        retry.join().expect("it is answered")
    });
    assert!(retried.contains_key("retriedStmtIds"), "{retried}");
    assert_eq!(contents(&set, primary), [doc! { "_id": 1, "n": 1 }]);
}
