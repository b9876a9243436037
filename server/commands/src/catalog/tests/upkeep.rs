//! Documents expire, and builds that lost their builder come to an end.

use crate::testing::{Rig, block_on};
use quire_bson::{DateTime, Document, doc};
use quire_documents::{Effect, IndexState};
use std::sync::atomic::Ordering;
use std::time::Duration;

fn seconds(rig: &Rig, offset: i64) -> DateTime {
    DateTime::from_millis(rig.server.now_millis() + offset * 1000)
}

/// A daemon moves its tasks between threads.
#[test]
fn passes_can_be_sent_to_another_thread() {
    fn sent<T: Send>(_: T) {}
    let rig = Rig::new();
    sent(rig.server.ttl_pass());
    sent(rig.server.tend_index_builds());
}

fn ids(rig: &Rig) -> Vec<i32> {
    rig.stored("db", "c").iter().map(|doc| doc.get_i32("_id").unwrap()).collect()
}

#[test]
fn documents_go_when_their_time_is_up_and_not_before() {
    for direction in [1, -1] {
        let rig = Rig::new();
        rig.ok(
            "db",
            doc! {"createIndexes": "c", "indexes": [{"key": {"t": direction}, "expireAfterSeconds": 10}]},
        );
        let documents = vec![
            doc! {"_id": 1, "t": seconds(&rig, -11)},
            doc! {"_id": 2, "t": seconds(&rig, -5)},
            doc! {"_id": 3, "t": [seconds(&rig, 100), seconds(&rig, -20)]},
            doc! {"_id": 4, "t": "long ago"},
            doc! {"_id": 5},
            doc! {"_id": 6, "t": 0},
        ];
        rig.ok("db", doc! {"insert": "c", "documents": documents});
        block_on(rig.server.ttl_pass());
        assert_eq!(ids(&rig), [2, 4, 5, 6]);
        rig.host.advance(Duration::from_secs(6));
        block_on(rig.server.ttl_pass());
        assert_eq!(ids(&rig), [4, 5, 6]);
        assert_eq!(rig.server.counters.ttl_passes.load(Ordering::Relaxed), 2);
        assert_eq!(rig.server.counters.ttl_deleted.load(Ordering::Relaxed), 3);
    }
}

#[test]
fn only_members_of_a_partial_index_expire_by_it() {
    let rig = Rig::new();
    rig.ok(
        "db",
        doc! {"createIndexes": "c", "indexes": [{
            "key": {"t": 1}, "expireAfterSeconds": 0, "partialFilterExpression": {"temp": true},
        }]},
    );
    let documents: Vec<Document> =
        (0..500).map(|n| doc! {"_id": n, "t": seconds(&rig, -1), "temp": n % 2 == 0}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    block_on(rig.server.ttl_pass());
    assert_eq!(ids(&rig), (0..500).filter(|n| n % 2 == 1).collect::<Vec<_>>());
}

/// Puts an index into the catalogue that nobody builds, as a restart leaves one behind.
fn begin_build(rig: &Rig, spec: Document) {
    let spec = quire_bson::DocBuf::from(&spec);
    block_on(rig.server.sequencer.change_catalog(|catalog| {
        let collection = catalog.find_by_name("db", "c").unwrap().id;
        let id = catalog.next_ids().index;
        Ok((vec![Effect::CreateIndex { collection, id, spec: spec.clone() }], ()))
    }))
    .unwrap();
}

fn states(rig: &Rig) -> Vec<(String, IndexState)> {
    let catalog = rig.server.documents.catalog();
    let collection = catalog.find_by_name("db", "c").unwrap();
    let indexes = collection.indexes.iter().skip(1);
    indexes.map(|index| (index.spec.name.clone(), index.state)).collect()
}

#[test]
fn a_build_that_a_restart_interrupted_is_finished() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 1}]});
    begin_build(&rig, doc! {"v": 2, "key": {"a": 1}, "name": "a_1"});
    begin_build(&rig, doc! {"v": 2, "key": {"a": 1}, "name": "u", "unique": true});
    assert_eq!(states(&rig).len(), 2);
    block_on(rig.server.tend_index_builds());
    assert_eq!(states(&rig), [("a_1".to_owned(), IndexState::Ready)]);
    let view = rig.server.documents.view();
    let collection = view.catalog().find_by_name("db", "c").unwrap();
    assert!(view.validate(collection, None).unwrap().is_valid());
}

#[test]
fn asking_for_an_index_that_lost_its_builder_finishes_it() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "a": 1}]});
    begin_build(&rig, doc! {"v": 2, "key": {"a": 1}, "name": "a_1"});
    let reply = rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}}]});
    assert_eq!(reply.get_str("note").unwrap(), "all indexes already exist");
    assert_eq!(states(&rig), [("a_1".to_owned(), IndexState::Ready)]);
}

#[test]
fn a_secondary_leaves_upkeep_to_the_primary() {
    let rig = Rig::primary();
    let index = doc! {"key": {"at": 1}, "name": "at", "expireAfterSeconds": 0};
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [index]});
    let past = quire_bson::DateTime::from_millis(0);
    rig.ok("db", doc! {"insert": "c", "documents": [{"at": past}]});
    rig.step_down();
    block_on(rig.server.ttl_pass());
    block_on(rig.server.tend_index_builds());
    assert_eq!(rig.stored("db", "c").len(), 1);
    assert_eq!(rig.server.counters.ttl_passes.load(Ordering::Relaxed), 0);
}
