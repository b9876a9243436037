use crate::testing::Rig;
use quire_bson::{Document, doc};
use std::future::Future;

fn rig() -> Rig {
    let rig = Rig::new();
    let documents: Vec<Document> =
        (1..=6).map(|n| doc! {"_id": n, "k": n % 2, "v": n * 10}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

fn aggregated(rig: &Rig, pipeline: Vec<Document>) -> Vec<Document> {
    let reply = rig.ok("db", doc! {"aggregate": "c", "pipeline": pipeline, "cursor": {}});
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_i64("id").unwrap(), 0);
    let batch = cursor.get_array("firstBatch").unwrap();
    batch.iter().map(|doc| doc.as_document().unwrap().clone()).collect()
}

#[test]
fn documents_go_through_the_stages() {
    let rig = rig();
    let totals = aggregated(
        &rig,
        vec![
            doc! {"$match": {"_id": {"$gt": 1}}},
            doc! {"$group": {"_id": "$k", "sum": {"$sum": "$v"}}},
            doc! {"$sort": {"_id": 1}},
        ],
    );
    assert_eq!(totals, [doc! {"_id": 0, "sum": 120}, doc! {"_id": 1, "sum": 80}]);
    let window = vec![
        doc! {"$sort": {"v": -1}},
        doc! {"$skip": 1},
        doc! {"$limit": 2},
        doc! {"$project": {"v": 1}},
    ];
    assert_eq!(aggregated(&rig, window), [doc! {"_id": 5, "v": 50}, doc! {"_id": 4, "v": 40}]);
}

#[test]
fn a_pipeline_is_read_in_batches() {
    let rig = rig();
    let command = doc! {"aggregate": "c", "pipeline": [], "cursor": {"batchSize": 0}};
    let reply = rig.ok("db", command);
    let cursor = reply.get_document("cursor").unwrap();
    assert!(cursor.get_array("firstBatch").unwrap().is_empty());
    let id = cursor.get_i64("id").unwrap();
    let reply = rig.ok("db", doc! {"getMore": id, "collection": "c"});
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_array("nextBatch").unwrap().len(), 6);
    assert_eq!(cursor.get_i64("id").unwrap(), 0);
}

#[test]
fn variables_of_the_command_reach_the_stages() {
    let reply = rig().ok(
        "db",
        doc! {
            "aggregate": "c", "cursor": {}, "let": {"least": 50},
            "pipeline": [{"$match": {"$expr": {"$gte": ["$v", "$$least"]}}}, {"$count": "n"}],
        },
    );
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_array("firstBatch").unwrap(), &vec![doc! {"n": 2}.into()]);
}

#[test]
fn a_database_has_sources_of_its_own() {
    let rig = rig();
    let reply =
        rig.ok("db", doc! {"aggregate": 1, "pipeline": [{"$documents": [{"a": 1}]}], "cursor": {}});
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor.get_str("ns").unwrap(), "db.$cmd.aggregate");
    assert_eq!(cursor.get_array("firstBatch").unwrap(), &vec![doc! {"a": 1}.into()]);
    let refused =
        rig.refused("db", doc! {"aggregate": 1, "pipeline": [{"$match": {}}], "cursor": {}});
    assert_eq!(
        refused,
        (73, "{aggregate: 1} is not valid for '$match'; a collection is required.".to_owned())
    );
}

#[test]
fn what_cannot_run_is_refused() {
    let rig = rig();
    for (command, code, part) in [
        (doc! {"aggregate": "c", "pipeline": []}, 9, "The 'cursor' option is required"),
        (
            doc! {"aggregate": "c", "pipeline": {}, "cursor": {}},
            14,
            "must be specified as an array",
        ),
        (doc! {"aggregate": "c", "cursor": {}}, 40414, "'aggregate.pipeline' is missing"),
        (doc! {"aggregate": "c", "pipeline": [], "cursor": 1}, 14, "cursor field must be missing"),
        (doc! {"aggregate": "c", "pipeline": [{"$x": 1}], "cursor": {}}, 40324, "Unrecognized"),
        (
            doc! {"aggregate": "c", "pipeline": [{"$changeStream": {}}], "cursor": {}},
            40573,
            "only supported on replica sets",
        ),
        (
            doc! {"aggregate": 1, "pipeline": [{"$changeStream": {}}], "cursor": {}},
            40573,
            "only supported on replica sets",
        ),
        (
            doc! {"aggregate": "c", "pipeline": [], "cursor": {"batchSize": -1}},
            2,
            "value must be >= 0",
        ),
    ] {
        let (refused, message) = rig.refused("db", command.clone());
        assert_eq!(refused, code, "{command}: {message}");
        assert!(message.contains(part), "{command}: {message}");
    }
}

#[test]
fn a_long_query_takes_turns_and_loses_nothing() {
    const COUNT: i32 = 5_000;
    let rig = Rig::new();
    let documents: Vec<Document> = (0..COUNT).map(|n| doc! {"_id": n, "k": n % 7}).collect();
    for part in documents.chunks(1_000) {
        rig.ok("db", doc! {"insert": "c", "documents": part.to_vec()});
    }
    let total = aggregated(&rig, vec![doc! {"$group": {"_id": null, "sum": {"$sum": "$_id"}}}]);
    assert_eq!(total, [doc! {"_id": null, "sum": COUNT * (COUNT - 1) / 2}]);
    let sorted = aggregated(
        &rig,
        vec![doc! {"$sort": {"k": -1, "_id": 1}}, doc! {"$project": {"k": 0}}, doc! {"$limit": 3}],
    );
    assert_eq!(sorted, [doc! {"_id": 6}, doc! {"_id": 13}, doc! {"_id": 20}]);

    // Enough work for every document that no machine does it all in one turn.
    let slow = doc! {"$expr": {"$gte": [{"$sum": {"$range": ["$k", 200]}}, 0]}};
    let body = doc! {"count": "c", "query": slow};
    let request = crate::testing::request("db", body, &[]);
    let mut counting = std::pin::pin!(crate::run(&rig.server, &rig.client, &request));
    let mut turns = 0;
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let response = loop {
        turns += 1;
        if let std::task::Poll::Ready(response) = counting.as_mut().poll(&mut context) {
            break response;
        }
    };
    assert_eq!(response.answer().body.as_raw().to_document(), doc! {"n": COUNT, "ok": 1.0});
    assert!(turns > 1, "the thread was held all the time");
}
