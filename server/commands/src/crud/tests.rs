//! What all write commands have in common, and what they do to each other.

use crate::operations::Stop;
use crate::testing::Rig;
use quire_bson::{Document, doc};
use std::sync::atomic::Ordering;

/// Runs the same work on several connections at once and gives what each of them answered.
fn at_once<T: Send>(rig: &Rig, threads: usize, work: impl Fn(&Rig, usize) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let work = &work;
        let started: Vec<_> = (0..threads)
            .map(|n| {
                let own = rig.connect();
                scope.spawn(move || work(&own, n))
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn increment(filter: Document) -> Document {
    doc! {"q": filter, "u": {"$inc": {"n": 1}}, "upsert": true}
}

#[test]
fn every_write_to_a_view_is_refused() {
    let rig = Rig::new();
    rig.create("db", "v", doc! {"viewOn": "c", "pipeline": []});
    let expected = (166, "Namespace db.v is a view, not a collection".to_owned());
    for command in [
        doc! {"insert": "v", "documents": [{"a": 1}]},
        doc! {"update": "v", "updates": [{"q": {}, "u": {"$set": {"a": 1}}}]},
        doc! {"update": "v", "updates": [{"q": {}, "u": {"$set": {"a": 1}}, "multi": true}]},
        doc! {"delete": "v", "deletes": [{"q": {}, "limit": 0}]},
        doc! {"findAndModify": "v", "remove": true},
    ] {
        assert_eq!(rig.refused("db", command), expected);
    }
}

#[test]
fn a_validator_refuses_with_details_unless_bypassed() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {"validator": {"n": {"$gt": 0}}});
    let insert = doc! {"insert": "c", "documents": [{"_id": 1, "n": -1}]};
    let reply = rig.run("db", insert.clone());
    let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
    assert_eq!(error.get_i32("code").unwrap(), 121);
    assert_eq!(error.get_str("errmsg").unwrap(), "Document failed validation");
    let info = error.get_document("errInfo").unwrap();
    assert_eq!(info.get_i32("failingDocumentId").unwrap(), 1);
    assert_eq!(info.get_document("details").unwrap().get_str("operatorName").unwrap(), "$gt");
    let mut bypass = insert;
    bypass.insert("bypassDocumentValidation", true);
    rig.ok("db", bypass);
    for (level, code) in [("strict", Some(121)), ("moderate", None)] {
        let rig = Rig::new();
        rig.create("db", "c", doc! {"validator": {"n": {"$gt": 0}}, "validationLevel": level});
        let bypass = doc! {
            "insert": "c",
            "documents": [{"_id": 1, "n": -1}],
            "bypassDocumentValidation": true,
        };
        rig.ok("db", bypass);
        let update =
            doc! {"findAndModify": "c", "query": {"_id": 1}, "update": {"$inc": {"n": -1}}};
        assert_eq!(rig.run("db", update).get_i32("code").ok(), code, "{level}");
    }
}

#[test]
fn a_validator_that_only_warns_or_is_off_lets_everything_in() {
    for options in [
        doc! {"validator": {"n": 1}, "validationAction": "warn"},
        doc! {"validator": {"n": 1}, "validationLevel": "off"},
    ] {
        let rig = Rig::new();
        rig.create("db", "c", options);
        rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "n": 2}]});
    }
}

#[test]
fn a_capped_collection_gives_up_its_oldest_documents_and_refuses_giants() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {"capped": true, "size": 4096, "max": 3});
    for n in 0..5 {
        rig.ok("db", doc! {"insert": "c", "documents": [{"_id": n}]});
    }
    let expected = [doc! {"_id": 2}, doc! {"_id": 3}, doc! {"_id": 4}];
    assert_eq!(rig.stored("db", "c"), expected);
    let giant = doc! {"_id": 9, "x": "x".repeat(5000)};
    assert_eq!(rig.refused("db", doc! {"insert": "c", "documents": [giant]}).0, 2);
}

#[test]
fn an_id_of_a_capped_collection_is_unique() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {"capped": true, "size": 4096});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    assert_eq!(rig.refused("db", doc! {"insert": "c", "documents": [{"_id": 1}]}).0, 11000);
}

#[test]
fn a_statement_sees_what_those_before_it_did() {
    let rig = Rig::new();
    let updates = vec![
        doc! {"q": {"_id": 1}, "u": {"$set": {"a": 5, "n": 0}}, "upsert": true},
        doc! {"q": {"_id": 1}, "u": {"$inc": {"n": 1}}},
        doc! {"q": {"_id": 1}, "u": {"$set": {"a": 5}}},
        doc! {"q": {"a": 5}, "u": {"$inc": {"n": 10}}},
        doc! {"q": {"n": 11}, "u": {"$inc": {"n": 100}}, "multi": true},
        doc! {"q": {"_id": 1, "n": 111}, "u": {"$inc": {"n": 1000}}},
    ];
    let reply = rig.ok("db", doc! {"update": "c", "updates": updates});
    assert_eq!((reply.get_i32("n").unwrap(), reply.get_i32("nModified").unwrap()), (6, 4));
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "a": 5, "n": 1111}]);
    let deletes = vec![doc! {"q": {"_id": 1}, "limit": 1}, doc! {"q": {"_id": 1}, "limit": 1}];
    assert_eq!(rig.ok("db", doc! {"delete": "c", "deletes": deletes}).get_i32("n").unwrap(), 1);
}

#[test]
fn statements_by_id_go_through_the_queue_together() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 0}]});
    let before = rig.server.sequencer.replica().stats();
    let updates: Vec<_> = (0..200).map(|n| increment(doc! {"_id": n % 50})).collect();
    rig.run_with("db", doc! {"update": "c"}, &[("updates", &updates)]);
    let after = rig.server.sequencer.replica().stats();
    assert_eq!(after.committed_entries - before.committed_entries, 200);
    assert!(after.inline_groups - before.inline_groups <= 1, "only the last waits alone");
    assert!(rig.stored("db", "c").iter().all(|doc| doc.get_i32("n").unwrap() == 4));
}

#[test]
fn errors_of_a_large_batch_fit_into_the_reply() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    let documents = vec![doc! {"_id": 1}; 20_000];
    let command = doc! {"insert": "c", "ordered": false};
    let reply = rig.run_with("db", command, &[("documents", &documents)]);
    let errors = reply.get_array("writeErrors").unwrap();
    assert_eq!(errors.len(), 20_000);
    let message = |n: usize| errors[n].as_document().unwrap().get_str("errmsg").unwrap().to_owned();
    assert!(message(0).starts_with("E11000"));
    assert!(message(19_999).is_empty());
}

#[test]
fn no_increment_of_a_hot_document_is_lost() {
    let rig = Rig::new();
    at_once(&rig, 8, |rig, _| {
        for _ in 0..40 {
            let updates = vec![increment(doc! {"_id": 1})];
            rig.ok("db", doc! {"update": "c", "updates": updates});
        }
    });
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "n": 320}]);
}

#[test]
fn no_increment_of_many_documents_at_once_is_lost() {
    let rig = Rig::new();
    let documents: Vec<_> = (0..300).map(|n| doc! {"_id": n, "n": 0}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    at_once(&rig, 4, |rig, _| {
        let statement = doc! {"q": {"n": {"$gte": 0}}, "u": {"$inc": {"n": 1}}, "multi": true};
        let reply = rig.ok("db", doc! {"update": "c", "updates": [statement]});
        assert_eq!(reply.get_i32("nModified").unwrap(), 300);
    });
    assert!(rig.stored("db", "c").iter().all(|doc| doc.get_i32("n").unwrap() == 4));
}

#[test]
fn one_of_many_inserts_of_a_unique_value_wins() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    rig.index("db", "c", doc! {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": true});
    for round in 0..20 {
        let inserted = at_once(&rig, 4, |rig, _| {
            let reply = rig.run("db", doc! {"insert": "c", "documents": [{"u": round}]});
            reply.get_i32("n").unwrap()
        });
        assert_eq!(inserted.iter().sum::<i32>(), 1);
    }
    assert_eq!(rig.stored("db", "c").len(), 20);
}

#[test]
fn upserts_that_race_leave_one_document() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    rig.index("db", "c", doc! {"v": 2, "key": {"k": 1}, "name": "k_1", "unique": true});
    for round in 0..20 {
        at_once(&rig, 4, |rig, _| {
            let updates = vec![increment(doc! {"k": round})];
            rig.ok("db", doc! {"update": "c", "updates": updates});
        });
    }
    let stored = rig.stored("db", "c");
    assert_eq!(stored.len(), 20);
    assert!(stored.iter().all(|doc| doc.get_i32("n").unwrap() == 4));
}

#[test]
fn a_multi_update_visits_no_document_twice_though_its_index_moves() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    rig.index("db", "c", doc! {"v": 2, "key": {"n": 1}, "name": "n_1"});
    let documents: Vec<_> = (0..1000).map(|n| doc! {"_id": n, "n": n}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    let statement = doc! {
        "q": {"n": {"$gte": 0}},
        "u": {"$inc": {"n": 100}},
        "multi": true,
        "hint": "n_1",
    };
    let reply = rig.ok("db", doc! {"update": "c", "updates": [statement]});
    assert_eq!(reply.get_i32("nModified").unwrap(), 1000);
    let moved = rig.stored("db", "c");
    assert!(
        moved.iter().all(|doc| doc["n"].as_i32().unwrap() == doc["_id"].as_i32().unwrap() + 100)
    );
}

#[test]
fn every_job_of_a_queue_is_taken_once() {
    let rig = Rig::new();
    let jobs: Vec<_> = (0..60).map(|n| doc! {"_id": n, "taken": false}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &jobs)]);
    let taken = at_once(&rig, 4, |rig, _| {
        let mut taken = Vec::new();
        loop {
            let command = doc! {
                "findAndModify": "c",
                "query": {"taken": false},
                "sort": {"_id": -1},
                "update": {"$set": {"taken": true}},
            };
            let reply = rig.ok("db", command);
            let Ok(job) = reply.get_document("value") else { return taken };
            taken.push(job.get_i32("_id").unwrap());
        }
    });
    let mut all: Vec<_> = taken.into_iter().flatten().collect();
    all.sort_unstable();
    assert_eq!(all, (0..60).collect::<Vec<_>>());
}

#[test]
fn writes_go_on_while_their_collection_is_changed() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    let inserted = at_once(&rig, 3, |rig, thread| {
        if thread == 0 {
            for n in 0..10 {
                let name = format!("i{n}");
                rig.index(
                    "db",
                    "c",
                    doc! {"v": 2, "key": {name.as_str(): 1}, "name": name.as_str()},
                );
            }
            return 0;
        }
        (0..50)
            .map(|_| rig.ok("db", doc! {"insert": "c", "documents": [{}]}).get_i32("n").unwrap())
            .sum()
    });
    assert_eq!(inserted.iter().sum::<i32>(), 100);
    assert_eq!(rig.stored("db", "c").len(), 100);
}

#[test]
fn a_write_that_is_killed_fails_as_a_whole_and_keeps_what_it_did() {
    let rig = Rig::new();
    let documents: Vec<_> = (0..3000).map(|n| doc! {"_id": n, "n": 0}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    let replies = at_once(&rig, 2, |rig, thread| {
        if thread == 0 {
            let statement = doc! {"q": {}, "u": {"$inc": {"n": 1}}, "multi": true};
            let updates = vec![statement; 200];
            return rig.run("db", doc! {"update": "c", "updates": updates});
        }
        while rig.server.counters.docs_updated.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        rig.server.operations.stop_all(Stop::Killed);
        doc! {}
    });
    assert_eq!(replies[0].get_i32("code").unwrap(), 11601, "{}", replies[0]);
    assert!(replies[0].get("writeErrors").is_none());
    assert!(rig.stored("db", "c").iter().any(|doc| doc.get_i32("n").unwrap() > 0));
}

#[test]
fn a_write_that_takes_too_long_fails_as_a_whole() {
    let rig = Rig::new();
    let documents: Vec<_> = (0..3000).map(|n| doc! {"_id": n, "n": 0}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    let statement = doc! {"q": {"n": -1}, "u": {"$inc": {"n": 1}}, "multi": true};
    let command = doc! {"update": "c", "updates": vec![statement; 100], "maxTimeMS": 5};
    assert_eq!(rig.refused("db", command), (50, "operation exceeded time limit".to_owned()));
}

#[test]
fn a_multi_update_ends_when_its_collection_is_dropped() {
    let rig = Rig::new();
    let documents: Vec<_> = (0..3000).map(|n| doc! {"_id": n, "n": 0}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    let replies = at_once(&rig, 2, |rig, thread| {
        if thread == 0 {
            let statement = doc! {"q": {}, "u": {"$inc": {"n": 1}}, "multi": true};
            return rig.run("db", doc! {"update": "c", "updates": vec![statement; 50]});
        }
        while rig.server.counters.docs_updated.load(Ordering::Relaxed) == 0 {
            std::thread::yield_now();
        }
        rig.drop_collection("db", "c");
        doc! {}
    });
    assert_eq!(replies[0].get_f64("ok").unwrap(), 1.0);
    if let Ok(errors) = replies[0].get_array("writeErrors") {
        assert_eq!(errors[0].as_document().unwrap().get_i32("code").unwrap(), 175);
    }
    assert!(rig.stored("db", "c").is_empty());
}
