use crate::testing::Rig;
use quire_bson::{Document, doc};

fn rig() -> Rig {
    let rig = Rig::new();
    let documents: Vec<Document> = (1..=6).map(|n| doc! {"_id": n, "k": n % 2}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

fn winner(rig: &Rig, command: Document) -> Document {
    let reply = rig.ok("db", doc! {"explain": command, "verbosity": "queryPlanner"});
    assert!(reply.get("executionStats").is_none());
    let planner = reply.get_document("queryPlanner").unwrap();
    assert_eq!(planner.get_str("namespace").unwrap(), "db.c");
    planner.get_document("winningPlan").unwrap().clone()
}

/// The names of the stages, from the top.
fn stages(plan: &Document) -> Vec<String> {
    let mut names = vec![plan.get_str("stage").unwrap().to_owned()];
    if let Ok(input) = plan.get_document("inputStage") {
        names.extend(stages(input));
    }
    names
}

#[test]
fn the_stages_tell_how_documents_are_found() {
    let rig = rig();
    let cases: [(Document, &[&str]); 8] = [
        (doc! {"find": "c", "filter": {"_id": 1}}, &["EXPRESS_IXSCAN"]),
        (doc! {"find": "c", "filter": {"k": 1}}, &["COLLSCAN"]),
        (doc! {"find": "c", "filter": {"_id": {"$gt": 1}}}, &["FETCH", "IXSCAN"]),
        (doc! {"find": "c", "sort": {"k": 1}, "skip": 1}, &["SKIP", "SORT", "COLLSCAN"]),
        (doc! {"find": "c", "limit": 1, "projection": {"k": 1}}, {
            &["PROJECTION_SIMPLE", "LIMIT", "COLLSCAN"]
        }),
        (doc! {"count": "c", "query": {"k": 1}}, &["COUNT", "COLLSCAN"]),
        (doc! {"distinct": "c", "key": "k"}, &["COLLSCAN"]),
        (doc! {"delete": "c", "deletes": [{"q": {"k": 1}, "limit": 0}]}, &["DELETE", "COLLSCAN"]),
    ];
    for (command, expected) in cases {
        assert_eq!(stages(&winner(&rig, command.clone())), expected, "{command}");
    }
}

#[test]
fn an_index_is_named_with_its_bounds() {
    let rig = rig();
    rig.ok("db", doc! {"createIndexes": "c", "indexes": [{"key": {"k": 1}, "name": "k_1"}]});
    let plan = winner(&rig, doc! {"find": "c", "filter": {"k": 1}});
    assert_eq!(stages(&plan), ["FETCH", "IXSCAN"]);
    let scan = plan.get_document("inputStage").unwrap();
    assert_eq!(scan.get_str("indexName").unwrap(), "k_1");
    assert_eq!(scan.get_document("keyPattern").unwrap(), &doc! {"k": 1});
    assert_eq!(scan.get_document("indexBounds").unwrap(), &doc! {"k": ["[1, 1]"]});
    assert_eq!(scan.get_str("direction").unwrap(), "forward");
    let pipeline = [doc! {"$match": {"k": 1}}, doc! {"$sort": {"k": -1}}];
    let command = doc! {"aggregate": "c", "pipeline": pipeline.to_vec(), "cursor": {}};
    assert_eq!(stages(&winner(&rig, command)), ["FETCH", "IXSCAN"]);
    let sorted = winner(&rig, doc! {"find": "c", "sort": {"k": -1}, "limit": 1});
    assert_eq!(stages(&sorted), ["LIMIT", "FETCH", "IXSCAN"]);
    let either = doc! {"find": "c", "filter": {"$or": [{"k": 1}, {"_id": 2}]}};
    let plan = winner(&rig, either);
    assert_eq!(plan.get_str("stage").unwrap(), "OR");
    assert_eq!(plan.get_array("inputStages").unwrap().len(), 2);
}

#[test]
fn a_query_that_ran_tells_what_it_examined() {
    let rig = rig();
    let command = doc! {"find": "c", "filter": {"k": 1}};
    let reply = rig.ok("db", doc! {"explain": command, "verbosity": "executionStats"});
    let stats = reply.get_document("executionStats").unwrap();
    assert_eq!(stats.get_i32("nReturned").unwrap(), 3);
    assert_eq!(stats.get_i32("totalDocsExamined").unwrap(), 6);
    assert_eq!(stats.get_i32("totalKeysExamined").unwrap(), 0);
    let stage = stats.get_document("executionStages").unwrap();
    assert_eq!(stage.get_str("stage").unwrap(), "COLLSCAN");
    assert_eq!(stage.get_i32("docsExamined").unwrap(), 6);
}

#[test]
fn a_pipeline_shows_what_runs_over_the_documents() {
    let rig = rig();
    let pipeline = [doc! {"$match": {"k": 1}}, doc! {"$group": {"_id": "$k"}}];
    let command =
        doc! {"aggregate": "c", "pipeline": pipeline.to_vec(), "cursor": {}, "explain": true};
    let reply = rig.ok("db", command);
    let stages = reply.get_array("stages").unwrap();
    assert_eq!(stages.len(), 2);
    let cursor = stages[0].as_document().unwrap().get_document("$cursor").unwrap();
    assert!(cursor.get_document("queryPlanner").is_ok());
    assert!(stages[1].as_document().unwrap().get("$group").is_some());
}

#[test]
fn what_cannot_be_explained_is_refused() {
    let rig = rig();
    assert_eq!(rig.refused("db", doc! {"explain": {"nonesuch": 1}}).0, 59);
    assert_eq!(rig.refused("db", doc! {"explain": {"ping": 1}}).0, 115);
    assert_eq!(rig.refused("db", doc! {"explain": 1}).0, 14);
    let verbosity = doc! {"explain": {"find": "c"}, "verbosity": "all"};
    assert_eq!(rig.refused("db", verbosity).0, 2);
}
