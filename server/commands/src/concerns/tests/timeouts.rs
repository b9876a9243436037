//! Writes whose commit does not come within their `wtimeout`.

use crate::testing::{Rig, block_on, first_batch};
use quire_bson::{Binary, BinarySubtype, Bson, DocBuf, Document, doc};
use quire_execution::{Change, Sequenced};
use std::sync::Arc;
use std::time::Duration;

/// A primary with three documents in `db.c` and the collection `db.e`.
fn primary() -> Rig {
    let rig = Rig::primary();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}, {"_id": 3}]});
    rig.ok("db", doc! {"create": "e"});
    rig.index("db", "e", doc! {"v": 2, "key": {"a": 1}, "name": "a"});
    rig
}

/// Lets nothing be committed until the result is dropped: it has the turn to commit.
fn stall(rig: &Rig) -> Sequenced {
    let sequencer = &rig.server.sequencer;
    let collection = rig.server.documents.catalog().find_by_name("db", "c").unwrap().clone();
    for n in 0..100 {
        let doc = Arc::new(DocBuf::from(&doc! {"_id": format!("stalled {n}"), "stalled": true}));
        let change = Change::Insert { doc, partial: Vec::new() };
        let stalled = sequencer.sequence(&collection, vec![change], true).expect("a place");
        // The member may have had the turn for something of its own; then it has gone through.
        let horizon = sequencer.horizon();
        std::thread::sleep(Duration::from_millis(10));
        if !sequencer.has_passed(horizon) {
            return stalled;
        }
    }
    panic!("the turn was never free");
}

/// The command, and what it waits for.
fn with(mut command: Document, w: impl Into<Bson>) -> Document {
    command.insert("writeConcern", doc! {"w": w, "wtimeout": 20});
    command
}

fn numbered(mut command: Document, number: i64) -> Document {
    command
        .insert("lsid", doc! {"id": Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] }});
    command.insert("txnNumber", number);
    command
}

fn increment(filter: Document) -> Document {
    doc! {"q": filter, "u": {"$inc": {"n": 1}}}
}

/// What the reply itself says, and what stands in `errInfo` beside it.
#[track_caller]
fn split(mut reply: Document) -> (Document, Document) {
    let Some(Bson::Document(mut error)) = reply.remove("writeConcernError") else {
        panic!("no writeConcernError: {reply}");
    };
    assert_eq!(error.get_i32("code").unwrap(), 64, "{error}");
    assert_eq!(error.get_str("codeName").unwrap(), "WriteConcernFailed");
    assert_eq!(error.get_str("errmsg").unwrap(), "waiting for replication timed out");
    for name in ["$clusterTime", "operationTime"] {
        reply.remove(name);
    }
    let Some(Bson::Document(info)) = error.remove("errInfo") else { panic!("{error}") };
    (reply, info)
}

fn settle(rig: &Rig, stalled: Sequenced) {
    drop(stalled);
    block_on(rig.server.sequencer.caught_up());
}

#[test]
fn a_write_that_is_not_committed_in_time_tells_what_it_did_and_that_nobody_vouches_for_it() {
    let last = doc! {"n": 1, "updatedExisting": true};
    let upsert = doc! {"q": {"_id": 9}, "u": {"$set": {"n": 1}}, "upsert": true};
    let all = doc! {"stalled": {"$exists": false}};
    let many = doc! {"q": all.clone(), "u": {"$inc": {"n": 1}}, "multi": true};
    let table = [
        (doc! {"insert": "c", "documents": [{"_id": 7}, {"_id": 8}]}, doc! {"n": 2}),
        (doc! {"update": "c", "updates": [many.clone()]}, doc! {"n": 3, "nModified": 3}),
        (
            doc! {"update": "c", "updates": [many, increment(doc! {"_id": 1})]},
            doc! {"n": 4, "nModified": 4},
        ),
        (
            doc! {"update": "c", "updates": [increment(doc! {"_id": 1}), upsert]},
            doc! {"n": 2, "upserted": [{"index": 1, "_id": 9}], "nModified": 1},
        ),
        (doc! {"delete": "c", "deletes": [{"q": {"_id": 1}, "limit": 1}]}, doc! {"n": 1}),
        (doc! {"delete": "c", "deletes": [{"q": all, "limit": 0}]}, doc! {"n": 3}),
        (
            doc! {"findAndModify": "c", "query": {"_id": 1}, "update": {"$set": {"n": 1}}},
            doc! {"lastErrorObject": last, "value": {"_id": 1}},
        ),
    ];
    for (command, told) in table {
        for w in [Bson::Int32(1), Bson::from("majority")] {
            let rig = primary();
            let stalled = stall(&rig);
            let before = rig.stored("db", "c");
            let time = |reply: &Document| reply.get_timestamp("operationTime").unwrap();
            let earlier = time(&rig.ok("db", doc! {"ping": 1}));
            let reply = rig.ok("db", with(command.clone(), w.clone()));
            assert_eq!(time(&reply), earlier, "that time has not come");
            let (mut reply, info) = split(reply);
            assert_eq!(reply.remove("ok"), Some(Bson::Double(1.0)));
            assert_eq!(reply, told, "{command}");
            let concern = doc! {"w": w, "wtimeout": 20, "provenance": "clientSupplied"};
            assert_eq!(info, doc! {"wtimeout": true, "writeConcern": concern});
            assert_eq!(rig.stored("db", "c"), before, "nobody sees it yet");
            settle(&rig, stalled);
            assert_ne!(rig.stored("db", "c"), before, "{command}");
        }
    }
}

#[test]
fn a_write_of_more_entries_than_are_waited_for_at_once_is_in_the_queue_with_all_of_them() {
    let rig = primary();
    let stalled = stall(&rig);
    let documents: Vec<Document> = (0..70_000).map(|id| doc! {"_id": id, "many": 1}).collect();
    let insert = with(doc! {"insert": "c", "ordered": false}, 1);
    let reply = rig.run_with("db", insert, &[("documents", &documents)]);
    let (reply, _) = split(reply);
    assert_eq!(reply.get_i32("n").unwrap(), 70_000 - 3, "three of the ids are taken");
    settle(&rig, stalled);
    let many = rig.stored("db", "c").into_iter().filter(|doc| doc.contains_key("many"));
    assert_eq!(many.count(), 70_000 - 3);
}

#[test]
fn a_bulk_write_is_answered_in_time_too() {
    let rig = primary();
    let stalled = stall(&rig);
    let ops = vec![
        doc! {"insert": 0, "document": {"_id": 7}},
        doc! {"update": 0, "filter": {"_id": 7}, "updateMods": {"$set": {"n": 1}}},
        doc! {"delete": 0, "filter": {"_id": 1}},
    ];
    let command = doc! {"bulkWrite": 1, "ops": ops, "nsInfo": [{"ns": "db.c"}]};
    let (reply, _) = split(rig.ok("admin", with(command, "majority")));
    for name in ["nInserted", "nModified", "nDeleted"] {
        assert_eq!(reply.get_i32(name).unwrap(), 1, "{name} in {reply}");
    }
    let results = first_batch(&reply);
    assert!(results.iter().all(|result| result.get_f64("ok").unwrap() == 1.0), "{reply}");
    settle(&rig, stalled);
    assert!(rig.stored("db", "c").contains(&doc! {"_id": 7, "n": 1}));
}

#[test]
fn a_change_of_the_catalogue_is_answered_before_it_is_there() {
    let table = [
        ("db", doc! {"create": "d"}, doc! {}),
        ("db", doc! {"drop": "e"}, doc! {"nIndexesWas": 2, "ns": "db.e"}),
        ("db", doc! {"dropIndexes": "e", "index": "a"}, doc! {"nIndexesWas": 2}),
        ("db", doc! {"collMod": "e", "validationLevel": "off"}, doc! {}),
        ("admin", doc! {"renameCollection": "db.e", "to": "db.f"}, doc! {}),
        ("db", doc! {"dropDatabase": 1}, doc! {"dropped": "db"}),
    ];
    for (database, command, told) in table {
        let rig = primary();
        let stalled = stall(&rig);
        let shown = || first_batch(&rig.ok("db", doc! {"listCollections": 1}));
        let indexes = || rig.run("db", doc! {"listIndexes": "e"}).get("cursor").cloned();
        let before = (shown(), indexes());
        let (mut reply, _) = split(rig.ok(database, with(command.clone(), 1)));
        reply.remove("ok");
        assert_eq!(reply, told, "{command}");
        assert_eq!((shown(), indexes()), before, "nobody sees it yet: {command}");
        settle(&rig, stalled);
        assert_ne!((shown(), indexes()), before, "{command}");
    }
}

#[test]
fn what_cannot_be_planned_before_an_earlier_change_is_there_says_that_nothing_was_done() {
    let rig = primary();
    let stalled = stall(&rig);
    rig.run("db", with(doc! {"create": "first"}, "majority"));
    let reply = rig.run("db", with(doc! {"create": "second"}, "majority"));
    assert_eq!(reply.get_i32("code").unwrap(), 64, "{reply}");
    assert_eq!(reply.get_document("writeConcernError").unwrap().get_i32("code").unwrap(), 64);
    for name in ["c", "third"] {
        let insert = doc! {"insert": name, "documents": [{"_id": 9}]};
        let reply = rig.run("db", with(insert, "majority"));
        assert_eq!(reply.get_i32("n").unwrap(), 0, "{reply}");
        let errors = reply.get_array("writeErrors").unwrap();
        assert_eq!(errors[0].as_document().unwrap().get_i32("code").unwrap(), 64, "{reply}");
        assert_eq!(reply.get_document("writeConcernError").unwrap().get_i32("code").unwrap(), 64);
    }
    settle(&rig, stalled);
    let found = rig.ok("db", doc! {"listCollections": 1, "nameOnly": true});
    let there = |name: &str| {
        let mut all = first_batch(&found).into_iter();
        all.any(|one| one.get_str("name").is_ok_and(|found| found == name))
    };
    assert!(there("first") && !there("second"), "{found}");
    let counted = rig.ok("db", doc! {"count": "c", "query": {"_id": 9}});
    assert_eq!(counted.get_i32("n").unwrap(), 0);
}

#[test]
fn the_default_of_the_set_gives_a_time_too() {
    let rig = primary();
    let concern = doc! {"w": "majority", "wtimeout": 20};
    rig.ok("admin", doc! {"setDefaultRWConcern": 1, "defaultWriteConcern": concern});
    let stalled = stall(&rig);
    let (reply, info) = split(rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 7}]}));
    assert_eq!(reply.get_i32("n").unwrap(), 1);
    let provenance = info.get_document("writeConcern").unwrap().get_str("provenance").unwrap();
    assert_eq!(provenance, "customDefault");
    settle(&rig, stalled);
}

#[test]
fn a_statement_that_failed_is_told_beside_it() {
    let rig = primary();
    let stalled = stall(&rig);
    let command = doc! {"insert": "c", "documents": [{"_id": 7}, {"_id": 1}]};
    let (reply, _) = split(rig.run("db", with(command, 1)));
    assert_eq!(reply.get_i32("n").unwrap(), 1);
    let errors = reply.get_array("writeErrors").unwrap();
    let code = errors[0].as_document().unwrap().get_i32("code").unwrap();
    assert_eq!((errors.len(), code), (1, 11000));
    settle(&rig, stalled);
}

#[test]
fn without_a_time_a_write_waits_for_its_commit() {
    let rig = primary();
    let stalled = stall(&rig);
    std::thread::scope(|scope| {
        let insert = doc! {"insert": "c", "documents": [{"_id": 7}], "writeConcern": {"w": 1}};
        let connection = rig.connect();
        let waiting = scope.spawn(move || connection.ok("db", insert));
        std::thread::sleep(Duration::from_millis(60));
        assert!(!waiting.is_finished());
        drop(stalled);
        let reply = waiting.join().unwrap();
        assert!(!reply.contains_key("writeConcernError"), "{reply}");
    });
}

#[test]
fn a_statement_sees_what_the_one_before_it_wrote_however_long_that_takes() {
    let rig = primary();
    let stalled = stall(&rig);
    std::thread::scope(|scope| {
        let both = [increment(doc! {"_id": 1}), increment(doc! {"n": 1})];
        let update = with(doc! {"update": "c", "updates": both.to_vec()}, 1);
        let connection = rig.connect();
        let waiting = scope.spawn(move || connection.ok("db", update));
        std::thread::sleep(Duration::from_millis(60));
        assert!(!waiting.is_finished());
        drop(stalled);
        let (reply, _) = split(waiting.join().unwrap());
        assert_eq!(reply.get_i32("nModified").unwrap(), 2);
    });
    block_on(rig.server.sequencer.caught_up());
    assert!(rig.stored("db", "c").contains(&doc! {"_id": 1, "n": 2}));
}

#[test]
fn a_retry_of_what_is_not_committed_runs_nothing_and_a_new_number_need_not_wait() {
    let rig = primary();
    let stalled = stall(&rig);
    let update = |id: i32| with(doc! {"update": "c", "updates": [increment(doc! {"_id": id})]}, 1);
    let (first, second) = (numbered(update(1), 1), numbered(update(2), 2));
    for command in [&first, &second] {
        let (reply, _) = split(rig.ok("db", command.clone()));
        assert_eq!(reply.get_i32("nModified").unwrap(), 1);
    }
    // What the second one did is not known yet, so its retry cannot be answered.
    let (refused, _) = split(rig.run("db", second.clone()));
    assert_eq!(refused.get_i32("code").unwrap(), 64, "{refused}");
    assert_eq!(rig.refused("db", first).0, 225);
    settle(&rig, stalled);
    let retried = rig.ok("db", second);
    assert_eq!(retried.get_array("retriedStmtIds").unwrap(), &[Bson::Int32(0)]);
    assert!(!retried.contains_key("writeConcernError"), "{retried}");
    for id in [1, 2] {
        assert!(rig.stored("db", "c").contains(&doc! {"_id": id, "n": 1}));
    }
}
