//! Pipelines that write: sent to a secondary, and cut off in the middle of a `$out`.

use quire_bson::{Document, doc};
use quire_tests::{PATIENCE, ReplicaSet, failure};
use std::thread::JoinHandle;
use std::time::Instant;

const WORDS: [&str; 2] = ["--setParameter", "enableTestCommands=1"];

fn fill(set: &ReplicaSet, primary: usize) {
    let documents: Vec<_> = (1..=5).map(|id| doc! { "_id": id }).collect();
    let count = i32::try_from(set.count()).expect("a few");
    let concern = doc! { "w": count, "wtimeout": 60_000 };
    let insert = doc! { "insert": "source", "documents": documents, "writeConcern": concern };
    set.connect(primary).ok("test", insert);
}

fn aggregate(stages: &[Document]) -> Document {
    doc! { "aggregate": "source", "pipeline": stages.to_vec(), "cursor": {} }
}

/// The names of the collections as a member knows them.
fn names(set: &ReplicaSet, place: usize) -> Vec<String> {
    let list = doc! {
        "listCollections": 1, "nameOnly": true,
        "$readPreference": { "mode": "secondaryPreferred" },
    };
    let listed = set.connect(place).documents("test", list);
    listed.iter().map(|found| found.get_str("name").expect("a name").to_owned()).collect()
}

fn has_temporary(set: &ReplicaSet, place: usize) -> bool {
    names(set, place).iter().any(|name| name.starts_with("tmp.agg_out."))
}

#[test]
fn a_secondary_hands_a_pipeline_that_writes_on_and_has_read_what_it_wrote() {
    let set = ReplicaSet::started_with(3, &WORDS, |_| ());
    let primary = set.wait_until_whole();
    fill(&set, primary);
    let secondary = (0..3).find(|place| *place != primary).expect("a secondary");
    let mut client = set.connect(secondary);
    let read = doc! { "mode": "secondary" };
    let sent = |stages: &[Document]| {
        let mut command = aggregate(stages);
        command.insert("$readPreference", read.clone());
        command
    };
    for round in 0..10 {
        let target = format!("target{round}");
        let reply = client.ok("test", sent(&[doc! { "$out": &target }]));
        let nothing = doc! { "firstBatch": [], "id": 0_i64, "ns": "test.source" };
        assert_eq!(reply.get_document("cursor").expect("a cursor"), &nothing);
        let find = doc! { "find": &target, "$readPreference": read.clone() };
        assert_eq!(client.documents("test", find).len(), 5);
    }
    let failing = doc! { "$merge": { "into": "target0", "whenMatched": "fail" } };
    let refused = client.reply("test", sent(&[failing]));
    assert_eq!(refused.get_i32("code").expect("a code"), 11000, "{refused}");
    assert_eq!(refused.get_document("keyValue").expect("what is there"), &doc! { "_id": 1 });
    assert!(!refused.contains_key("writeConcernError"), "{refused}");
    let mut unmet = sent(&[doc! { "$merge": "merged" }]);
    unmet.insert("writeConcern", doc! { "w": 4 });
    let reply = client.reply("test", unmet);
    let error = reply.get_document("writeConcernError").expect("a write concern error");
    assert_eq!(error.get_i32("code").expect("a code"), 100, "{reply}");
    let mut unasked = sent(&[doc! { "$out": "never" }]);
    unasked.remove("$readPreference");
    assert_eq!(client.fails("test", unasked).0, 13435);
}

/// A stage that takes as long as its server lives.
fn endless() -> Document {
    let script = doc! { "body": "function() { sleep(1000000); }", "args": [], "lang": "js" };
    doc! { "$set": { "never": { "$function": script } } }
}

/// Sends an endless pipeline to a secondary, and waits until the primary is filling what it makes.
fn begin_elsewhere(set: &ReplicaSet, primary: usize) -> JoinHandle<Document> {
    let places = 0..set.count();
    let secondary = places.clone().find(|place| *place != primary).expect("a secondary");
    let mut client = set.connect(secondary);
    let mut command = aggregate(&[endless(), doc! { "$out": "target" }]);
    command.insert("$readPreference", doc! { "mode": "secondary" });
    let waiting = std::thread::spawn(move || client.reply("test", command));
    let begun = Instant::now();
    while !places.clone().all(|place| has_temporary(set, place)) {
        assert!(begun.elapsed() < PATIENCE, "the temporary collection does not come");
    }
    waiting
}

fn assert_deposed(waiting: JoinHandle<Document>) {
    let told = waiting.join().expect("a reply");
    assert_eq!(told.get_i32("code").expect("a code"), 11602, "{told}");
    let message = told.get_str("errmsg").expect("a message");
    assert!(message.ends_with("is primary no more"), "{message}");
}

#[test]
fn a_client_of_a_secondary_does_not_wait_for_ever_where_no_majority_is_left() {
    let mut set = ReplicaSet::started_with(2, &WORDS, |_| ());
    let primary = set.wait_until_whole();
    fill(&set, primary);
    let waiting = begin_elsewhere(&set, primary);
    set.pause(primary);
    assert_deposed(waiting);
    set.resume(primary);
    set.wait_until("somebody drops it", |set| (0..2).all(|place| !has_temporary(set, place)));
}

#[test]
fn a_client_of_a_secondary_hears_that_the_primary_which_wrote_for_it_is_none_any_more() {
    let mut set = ReplicaSet::started_with(3, &WORDS, |_| ());
    let primary = set.wait_until_whole();
    fill(&set, primary);
    // That something else of the set changes is nothing to it.
    let waiting = begin_elsewhere(&set, primary);
    let answer = set.reconfigure(primary, |config| {
        config.get_document_mut("settings").expect("settings").insert("heartbeatTimeoutSecs", 11);
    });
    assert_eq!(failure(&answer), None);
    let version = set.config(primary).get_i32("version").expect("a version");
    set.wait_until("all know it", |set| {
        (0..3).all(|place| set.hello(place).get_i32("setVersion").ok() == Some(version))
    });
    assert!(!waiting.is_finished(), "{:?}", waiting.join());
    // It keeps its connections, and answers nothing.
    set.pause(primary);
    let next = set.primary();
    assert_deposed(waiting);
    set.resume(primary);
    // Until it hears of the next, it takes itself for primary.
    set.wait_for_state(primary, "SECONDARY");
    set.wait_until_whole();
    set.wait_until("it is gone everywhere", |set| (0..3).all(|place| !has_temporary(set, place)));
    // A process that is gone is known at once.
    let waiting = begin_elsewhere(&set, next);
    set.kill(next);
    let told = waiting.join().expect("a reply");
    assert_eq!(told.get_i32("code").expect("a code"), 6, "{told}");
    let after = set.primary();
    set.wait_until("it is dropped", |set| !has_temporary(set, after));
    assert_eq!(names(&set, after), ["source"]);
}

#[test]
fn what_a_killed_primary_was_filling_is_dropped_by_the_next() {
    let mut set = ReplicaSet::started_with(3, &WORDS, |_| ());
    let primary = set.wait_until_whole();
    fill(&set, primary);
    let mut client = set.connect(primary);
    let waiting = std::thread::spawn(move || {
        let _ = client.command("test", aggregate(&[endless(), doc! { "$out": "source" }]));
    });
    let begun = Instant::now();
    while !(0..3).all(|place| has_temporary(&set, place)) {
        assert!(begun.elapsed() < PATIENCE, "the temporary collection does not come");
    }
    set.kill(primary);
    waiting.join().expect("the client hears of the end");
    let next = set.primary();
    set.wait_until("it is dropped", |set| !has_temporary(set, next));
    set.start(primary);
    set.wait_until_whole();
    set.wait_until("it is gone everywhere", |set| (0..3).all(|place| !has_temporary(set, place)));
    assert_eq!(names(&set, next), ["source"]);
    let left = set.connect(next).documents("test", doc! { "find": "source" });
    assert_eq!(left.len(), 5, "the target is what it was");
}
