//! Sizes are true, and damage is found.

use crate::testing::Rig;
use quire_bson::{Bson, Document, doc};

fn rig() -> Rig {
    let rig = Rig::new();
    let documents: Vec<Document> = (0..10).map(|n| doc! {"_id": n, "a": n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"a": 1}}]});
    rig.ok("db", doc! {"create": "v", "viewOn": "c"});
    rig
}

/// `{_id: int32, a: int32}`.
const DOCUMENT_BYTES: i32 = 4 + 9 + 7 + 1;

#[test]
fn a_collections_size_is_counted_exactly() {
    let rig = rig();
    let stats = rig.ok("db", doc! {"collStats": "c"});
    assert_eq!(stats.get_str("ns").unwrap(), "db.c");
    assert_eq!(stats.get_i32("count").unwrap(), 10);
    assert_eq!(stats.get_i32("size").unwrap(), 10 * DOCUMENT_BYTES);
    assert_eq!(stats.get_i32("avgObjSize").unwrap(), DOCUMENT_BYTES);
    assert_eq!(stats.get_i32("nindexes").unwrap(), 2);
    assert!(!stats.get_bool("capped").unwrap());
    let names: Vec<&String> = stats.get_document("indexSizes").unwrap().keys().collect();
    assert_eq!(names, ["_id_", "a_1"]);
    let scaled = rig.ok("db", doc! {"collStats": "c", "scale": 100});
    assert_eq!(scaled.get_i32("size").unwrap(), 10 * DOCUMENT_BYTES / 100);
    let missing = rig.ok("db", doc! {"collStats": "none"});
    assert_eq!(missing.get_i32("count").unwrap(), 0);
    assert!(missing.get("avgObjSize").is_none());
    assert_eq!(rig.refused("db", doc! {"collStats": "v"}).0, 166);
    assert_eq!(rig.refused("db", doc! {"collStats": "c", "scale": 0}).0, 2);
}

#[test]
fn a_databases_size_sums_its_collections() {
    let rig = rig();
    let stats = rig.ok("db", doc! {"dbStats": 1});
    assert_eq!(stats.get("collections"), Some(&Bson::Int64(1)));
    assert_eq!(stats.get("views"), Some(&Bson::Int64(1)));
    assert_eq!(stats.get("objects"), Some(&Bson::Int64(10)));
    assert_eq!(stats.get("indexes"), Some(&Bson::Int64(2)));
    assert_eq!(stats.get_f64("avgObjSize").unwrap(), f64::from(DOCUMENT_BYTES));
    assert_eq!(stats.get_f64("dataSize").unwrap(), f64::from(10 * DOCUMENT_BYTES));
    assert_eq!(rig.ok("none", doc! {"dbstats": 1}).get("objects"), Some(&Bson::Int64(0)));
}

#[test]
fn data_size_counts_the_documents() {
    let rig = rig();
    let size = rig.ok("db", doc! {"dataSize": "db.c"});
    assert_eq!(size.get_i64("size").unwrap(), i64::from(10 * DOCUMENT_BYTES));
    assert_eq!(size.get_i64("numObjects").unwrap(), 10);
    assert_eq!(rig.refused("db", doc! {"dataSize": "db.c", "min": {}}).0, 115);
    assert_eq!(rig.refused("db", doc! {"dataSize": "nodot"}).0, 73);
}

#[test]
fn the_stage_shows_what_it_is_asked_for() {
    let rig = rig();
    let aggregate = |collection: &str, options: Document| {
        doc! {"aggregate": collection, "pipeline": [{"$collStats": options}], "cursor": {}}
    };
    let reply = rig.ok("db", aggregate("c", doc! {"storageStats": {}, "count": {}}));
    let batch = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let stats = batch[0].as_document().unwrap();
    assert_eq!(stats.get_str("ns").unwrap(), "db.c");
    assert_eq!(stats.get_i32("count").unwrap(), 10);
    assert_eq!(stats.get_document("storageStats").unwrap().get_i32("count").unwrap(), 10);
    assert_eq!(rig.refused("db", aggregate("none", doc! {"count": {}})).0, 26);
    assert_eq!(rig.refused("db", aggregate("c", doc! {"latencyStats": {}})).0, 115);
    assert_eq!(rig.refused("db", aggregate("c", doc! {"nonesuch": {}})).0, 40415);
}

#[test]
fn a_sound_collection_is_valid() {
    let rig = rig();
    let report = rig.ok("db", doc! {"validate": "c", "full": true});
    assert!(report.get_bool("valid").unwrap());
    assert_eq!(report.get_i64("nrecords").unwrap(), 10);
    assert_eq!(report.get_document("keysPerIndex").unwrap(), &doc! {"_id_": 10i64, "a_1": 10i64});
    assert_eq!(
        report.get_document("indexDetails").unwrap(),
        &doc! {"_id_": {"valid": true}, "a_1": {"valid": true}}
    );
    assert!(report.get_array("errors").unwrap().is_empty());
    for (command, code) in [
        (doc! {"validate": "none"}, 26),
        (doc! {"validate": "v"}, 166),
        (doc! {"validate": "c", "repair": true}, 115),
        (doc! {"validate": "c", "full": true, "background": true}, 72),
    ] {
        assert_eq!(rig.refused("db", command.clone()).0, code, "{command}");
    }
}
