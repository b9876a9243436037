//! `$out` and `$merge` through the whole command.

use crate::testing::{Rig, block_on, first_batch};
use quire_bson::{Bson, DocBuf, Document, bson, doc};
use quire_documents::Namespace;
use quire_errors::Result;
use quire_execution::writes::Writer;
use quire_execution::{Patience, Replacement, Watch};
use quire_query::Constants;
use std::sync::{Arc, LazyLock};

fn aggregate(on: &str, stages: &[Document]) -> Document {
    doc! {"aggregate": on, "pipeline": stages.to_vec(), "cursor": {}}
}

fn insert(rig: &Rig, into: &str, documents: impl IntoIterator<Item = Document>) {
    let documents: Vec<Document> = documents.into_iter().collect();
    rig.ok("db", doc! {"insert": into, "documents": documents});
}

/// A collection `c` of three.
fn rig() -> Rig {
    let rig = Rig::new();
    insert(&rig, "c", (1..=3).map(|n| doc! {"_id": n, "a": n * 10}));
    rig
}

fn names(rig: &Rig) -> Vec<String> {
    let listed = first_batch(&rig.ok("db", doc! {"listCollections": 1}));
    listed.iter().map(|found| found.get_str("name").unwrap().to_owned()).collect()
}

#[test]
fn out_makes_a_collection_of_what_comes_out_and_answers_with_nothing() {
    let rig = rig();
    let above = doc! {"$match": {"a": {"$gt": 10}}};
    let reply = rig.ok("db", aggregate("c", &[above, doc! {"$out": "o"}]));
    let cursor = reply.get_document("cursor").unwrap();
    assert_eq!(cursor, &doc! {"firstBatch": [], "id": 0_i64, "ns": "db.c"});
    assert_eq!(rig.stored("db", "o"), [doc! {"_id": 2, "a": 20}, doc! {"_id": 3, "a": 30}]);
    assert_eq!(names(&rig), ["c", "o"]);
    let listed = first_batch(&rig.ok("db", doc! {"listCollections": 1, "filter": {"name": "o"}}));
    assert_eq!(listed[0].get_document("options").unwrap(), &doc! {});
}

#[test]
fn out_replaces_all_documents_and_keeps_options_and_indexes() {
    let rig = rig();
    let validator = doc! {"a": {"$lt": 100}};
    rig.ok("db", doc! {"create": "o", "validator": validator.clone()});
    let index = doc! {"key": {"a": 1}, "name": "by_a", "unique": true};
    rig.ok("db", doc! {"createIndexes": "o", "indexes": [index]});
    insert(&rig, "o", [doc! {"_id": 9, "a": 9}]);
    rig.ok("db", aggregate("c", &[doc! {"$out": {"db": "db", "coll": "o"}}]));
    assert_eq!(rig.stored("db", "o").len(), 3);
    let indexes = first_batch(&rig.ok("db", doc! {"listIndexes": "o"}));
    let of: Vec<_> = indexes.iter().map(|index| index.get_str("name").unwrap()).collect();
    assert_eq!(of, ["_id_", "by_a"]);
    let listed = first_batch(&rig.ok("db", doc! {"listCollections": 1, "filter": {"name": "o"}}));
    assert_eq!(listed[0].get_document("options").unwrap(), &doc! {"validator": validator});
    let found = rig.ok("db", doc! {"find": "o", "filter": {"a": 20}, "hint": "by_a"});
    assert_eq!(first_batch(&found), [doc! {"_id": 2, "a": 20}]);
    assert_eq!(rig.refused("db", doc! {"insert": "o", "documents": [{"a": 20}]}).0, 11000);
}

#[test]
fn an_out_that_fails_leaves_everything_as_it_was() {
    let rig = rig();
    rig.ok("db", doc! {"create": "o", "validator": {"a": {"$lt": 25}}});
    let index = doc! {"key": {"b": 1}, "name": "by_b", "unique": true};
    rig.ok("db", doc! {"createIndexes": "o", "indexes": [index]});
    insert(&rig, "o", [doc! {"_id": 9, "a": 9}]);
    let whole = aggregate("c", &[doc! {"$set": {"b": "$_id"}}, doc! {"$out": "o"}]);
    let (code, message) = rig.refused("db", whole.clone());
    assert_eq!(code, 121);
    assert!(message.starts_with("PlanExecutor error during aggregation :: caused by :: "));
    let same = aggregate("c", &[doc! {"$set": {"a": 1, "b": 1}}, doc! {"$out": "o"}]);
    let refused = rig.run("db", same);
    assert_eq!(refused.get_i32("code").unwrap(), 11000);
    assert_eq!(refused.get_document("keyPattern").unwrap(), &doc! {"b": 1});
    assert_eq!(rig.stored("db", "o"), [doc! {"_id": 9, "a": 9}]);
    assert_eq!(names(&rig), ["c", "o"]);
    let mut unchecked = whole;
    unchecked.insert("bypassDocumentValidation", true);
    rig.ok("db", unchecked);
    assert_eq!(rig.stored("db", "o").len(), 3);
}

#[test]
fn an_out_of_nothing_makes_an_empty_collection() {
    let rig = Rig::new();
    rig.ok("db", aggregate("nothing", &[doc! {"$out": "o"}]));
    assert_eq!(names(&rig), ["o"]);
}

#[test]
fn an_out_may_replace_the_collection_that_it_reads() {
    let rig = rig();
    rig.ok("db", aggregate("c", &[doc! {"$match": {"_id": 2}}, doc! {"$out": "c"}]));
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 2, "a": 20}]);
    insert(&rig, "many", (0..2_500).map(|n| doc! {"_id": n}));
    rig.ok("other", doc! {"create": "x"});
    rig.ok("db", aggregate("many", &[doc! {"$out": {"db": "other", "coll": "o"}}]));
    assert_eq!(rig.stored("other", "o").len(), 2_500);
}

#[test]
fn documents_from_a_database_or_a_view_are_written_too() {
    let rig = rig();
    let given = doc! {"$documents": [{"_id": 7}]};
    let mut command = aggregate("c", &[given, doc! {"$out": "o"}]);
    command.insert("aggregate", 1);
    rig.ok("db", command);
    assert_eq!(rig.stored("db", "o"), [doc! {"_id": 7}]);
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": [{"$match": {"_id": 1}}]});
    rig.ok("db", aggregate("v", &[doc! {"$merge": "m"}]));
    assert_eq!(rig.stored("db", "m"), [doc! {"_id": 1, "a": 10}]);
}

#[test]
fn what_cannot_be_replaced_is_refused() {
    let rig = rig();
    rig.ok("db", doc! {"create": "capped", "capped": true, "size": 4096});
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": []});
    let series = bson!({"db": "db", "coll": "t", "timeseries": {"timeField": "t"}});
    let table: Vec<(Bson, i32)> = vec![
        (bson!("capped"), 17152),
        (bson!("v"), 166),
        (bson!("system.users"), 17385),
        (bson!({"db": "admin", "coll": "o"}), 31321),
        (bson!({"db": "config", "coll": "o"}), 31321),
        (bson!(1), 16990),
        (bson!({"db": "db"}), 40414),
        (bson!({"db": "db", "coll": "o", "x": 1}), 40415),
        (bson!({"db": "a b", "coll": "o"}), 73),
        (bson!("$x"), 73),
        (series, 115),
    ];
    for (options, code) in table {
        let refused = rig.refused("db", aggregate("c", &[doc! {"$out": options.clone()}]));
        assert_eq!(refused.0, code, "{options}: {}", refused.1);
    }
    assert!(!names(&rig).iter().any(|name| name.starts_with("tmp")));
}

#[test]
fn merge_does_with_a_counterpart_as_it_is_told() {
    let there = || [doc! {"_id": 1, "b": 1}, doc! {"_id": 9, "b": 9}];
    let kept = doc! {"_id": 9, "b": 9};
    let (two, three) = (doc! {"_id": 2, "a": 20}, doc! {"_id": 3, "a": 30});
    let stages = bson!([{"$set": {"sum": {"$add": ["$b", "$$new.a"]}}}]);
    let table = [
        (bson!("replace"), doc! {"_id": 1, "a": 10}),
        (bson!("merge"), doc! {"_id": 1, "b": 1, "a": 10}),
        (bson!("keepExisting"), doc! {"_id": 1, "b": 1}),
        (stages, doc! {"_id": 1, "b": 1, "sum": 11}),
    ];
    for (when_matched, first) in table {
        let rig = rig();
        insert(&rig, "m", there());
        let merge = doc! {"$merge": {"into": "m", "whenMatched": when_matched.clone()}};
        let reply = rig.ok("db", aggregate("c", &[merge]));
        assert!(first_batch(&reply).is_empty());
        let stored = rig.stored("db", "m");
        assert_eq!(stored, [first, two.clone(), three.clone(), kept.clone()], "{when_matched}");
    }
}

#[test]
fn merge_does_without_a_counterpart_as_it_is_told() {
    for when_matched in [bson!("replace"), bson!("merge"), bson!([{"$set": {"x": 1}}])] {
        let rig = rig();
        insert(&rig, "m", [doc! {"_id": 1}]);
        let merge = |then: &str| {
            let (into, matched) = ("m", when_matched.clone());
            doc! {"$merge": {"into": into, "whenMatched": matched, "whenNotMatched": then}}
        };
        rig.ok("db", aggregate("c", &[merge("discard")]));
        assert_eq!(rig.stored("db", "m").len(), 1);
        assert_eq!(rig.refused("db", aggregate("c", &[merge("fail")])).0, 13113);
        assert_eq!(rig.stored("db", "m").len(), 1);
        rig.ok("db", aggregate("c", &[merge("insert")]));
        assert_eq!(rig.stored("db", "m").len(), 3);
    }
}

#[test]
fn a_merge_that_must_not_find_anything_tells_what_it_found() {
    let rig = rig();
    insert(&rig, "m", [doc! {"_id": 2}]);
    let merge = doc! {"$merge": {"into": "m", "whenMatched": "fail"}};
    let refused = rig.run("db", aggregate("c", &[merge]));
    assert_eq!(refused.get_i32("code").unwrap(), 11000);
    assert_eq!(refused.get_document("keyPattern").unwrap(), &doc! {"_id": 1});
    assert_eq!(refused.get_document("keyValue").unwrap(), &doc! {"_id": 2});
    assert_eq!(rig.stored("db", "m").len(), 3, "the others are in");
}

#[test]
fn merge_finds_counterparts_by_unique_fields() {
    let rig = rig();
    let merge = |on: Bson| {
        let into = doc! {"db": "db", "coll": "m"};
        doc! {"$merge": {"into": into, "on": on, "whenMatched": "merge"}}
    };
    let stages = |on| [doc! {"$project": {"_id": 0, "k": {"x": "$a"}, "n": "$_id"}}, merge(on)];
    insert(&rig, "m", [doc! {"_id": "old", "k": {"x": 20}}]);
    let by_k = || aggregate("c", &stages(bson!("k.x")));
    assert_eq!(rig.refused("db", by_k()).0, 51183);
    let partial = doc! {"key": {"k.x": 1}, "name": "p", "unique": true,
    "partialFilterExpression": {"n": {"$gt": 0}}};
    rig.ok("db", doc! {"createIndexes": "m", "indexes": [partial]});
    assert_eq!(rig.refused("db", by_k()).0, 51183, "not every document is in it");
    rig.ok("db", doc! {"dropIndexes": "m", "index": "p"});
    let unique = doc! {"key": {"k.x": 1}, "name": "k", "unique": true};
    rig.ok("db", doc! {"createIndexes": "m", "indexes": [unique]});
    rig.ok("db", by_k());
    rig.ok("db", by_k());
    let found = rig.ok("db", doc! {"find": "m", "sort": {"n": 1}, "projection": {"_id": 0}});
    let expected = (1..=3).map(|n| doc! {"k": {"x": n * 10}, "n": n});
    assert_eq!(first_batch(&found), expected.collect::<Vec<_>>());
    assert!(rig.stored("db", "m").iter().any(|doc| doc.get_str("_id").ok() == Some("old")));
    assert_eq!(rig.refused("db", aggregate("c", &stages(bson!(["_id", "k.x"])))).0, 51183);
}

#[test]
fn a_document_without_the_fields_cannot_be_merged() {
    let rig = Rig::new();
    let unique = doc! {"key": {"k": 1}, "name": "k", "unique": true};
    rig.ok("db", doc! {"createIndexes": "m", "indexes": [unique]});
    let merge = doc! {"$merge": {"into": "m", "on": "k"}};
    for (document, code) in [
        (doc! {"_id": 1}, 51132),
        (doc! {"_id": 1, "k": null}, 51132),
        (doc! {"_id": 1, "k": [1]}, 51185),
    ] {
        rig.ok("db", doc! {"delete": "s", "deletes": [{"q": {}, "limit": 0}]});
        insert(&rig, "s", [document.clone()]);
        let refused = rig.refused("db", aggregate("s", std::slice::from_ref(&merge)));
        assert_eq!(refused.0, code, "{document}: {}", refused.1);
    }
    insert(&rig, "m", [doc! {"_id": 5, "k": 1}]);
    rig.ok("db", doc! {"delete": "s", "deletes": [{"q": {}, "limit": 0}]});
    insert(&rig, "s", [doc! {"_id": 6, "k": 1}]);
    let (code, message) = rig.refused("db", aggregate("s", &[merge]));
    assert_eq!(code, 66);
    assert!(message.contains("$merge failed to update the matching document"), "{message}");
}

#[test]
fn the_stages_of_a_merge_see_its_variables_and_the_command_s() {
    let rig = rig();
    insert(&rig, "m", [doc! {"_id": 1, "b": 1}]);
    let stages = bson!([{"$replaceWith": {"_id": "$_id", "t": ["$$x", "$$y", "$$new.a", "$b"]}}]);
    let merge = doc! {"into": "m", "let": {"x": {"$add": ["$a", 1]}}, "whenMatched": stages,
    "whenNotMatched": "discard"};
    let mut command = aggregate("c", &[doc! {"$merge": merge}]);
    command.insert("let", doc! {"y": "fixed"});
    rig.ok("db", command);
    assert_eq!(rig.stored("db", "m"), [doc! {"_id": 1, "t": [11, "fixed", 10, 1]}]);
}

#[test]
fn the_stages_of_a_merge_may_do_what_null_would_not_bear() {
    let rig = rig();
    rig.ok("db", doc! {"insert": "s", "documents": [{"_id": 1, "items": [1, 2]}]});
    insert(&rig, "m", [doc! {"_id": 1}]);
    let merge = doc! {"into": "m", "whenMatched": [{"$set": {"n": {"$size": "$$new.items"}}}]};
    rig.ok("db", aggregate("s", &[doc! {"$merge": merge}]));
    assert_eq!(rig.stored("db", "m"), [doc! {"_id": 1, "n": 2}]);
}

#[test]
fn a_merge_that_makes_no_sense_is_refused() {
    let rig = rig();
    rig.ok("db", doc! {"create": "v", "viewOn": "c", "pipeline": []});
    let table: Vec<(Bson, i32)> = vec![
        (bson!(1), 51182),
        (bson!({}), 40414),
        (bson!({"into": 1}), 51178),
        (bson!({"into": {"db": "db"}}), 40414),
        (bson!({"into": "m", "x": 1}), 40415),
        (bson!("v"), 166),
        (bson!("system.users"), 31319),
        (bson!({"into": {"db": "local", "coll": "m"}}), 31320),
        (bson!({"into": "m", "on": 1}), 51186),
        (bson!({"into": "m", "on": []}), 51187),
        (bson!({"into": "m", "on": [1]}), 51134),
        (bson!({"into": "m", "on": ["a", "a"]}), 31465),
        (bson!({"into": "m", "on": "a"}), 51183),
        (bson!({"into": "m", "whenMatched": "x"}), 2),
        (bson!({"into": "m", "whenMatched": 1}), 51191),
        (bson!({"into": "m", "whenNotMatched": "x"}), 2),
        (bson!({"into": "m", "whenMatched": "fail", "whenNotMatched": "discard"}), 51181),
        (bson!({"into": "m", "whenMatched": "keepExisting", "whenNotMatched": "fail"}), 51181),
        (bson!({"into": "m", "let": {"x": 1}}), 51199),
        (bson!({"into": "m", "let": {"new": 1}, "whenMatched": []}), 51273),
        (bson!({"into": "m", "let": {"X": 1}, "whenMatched": []}), 9),
        (bson!({"into": "m", "whenMatched": [{"$match": {}}]}), 72),
    ];
    for (options, code) in table {
        let refused = rig.refused("db", aggregate("c", &[doc! {"$merge": options.clone()}]));
        assert_eq!(refused.0, code, "{options}: {}", refused.1);
    }
}

#[test]
fn a_field_that_looks_like_an_operator_is_none() {
    let rig = rig();
    let unique = doc! {"key": {"k": 1}, "name": "k", "unique": true};
    rig.ok("db", doc! {"createIndexes": "m", "indexes": [unique]});
    let evil =
        bson!({"$setField": {"field": {"$literal": "$unset"}, "input": {}, "value": {"k": 1}}});
    let made = doc! {"$replaceWith": {"$mergeObjects": [evil, {"k": "$_id"}]}};
    let merge = doc! {"$merge": {"into": "m", "on": "k", "whenMatched": "replace"}};
    assert_eq!(rig.refused("db", aggregate("c", &[made, merge])).0, 52);
}

#[test]
fn a_pipeline_that_writes_stands_last_and_outside_of_views() {
    let rig = rig();
    for stage in [doc! {"$out": "o"}, doc! {"$merge": "o"}] {
        let refused = rig.refused("db", aggregate("c", &[stage.clone(), doc! {"$limit": 1}]));
        assert_eq!(refused.0, 40601);
        let view = doc! {"create": "w", "viewOn": "c", "pipeline": [stage.clone()]};
        assert_eq!(rig.refused("db", view).0, 167);
        let update = doc! {"update": "c", "updates": [{"q": {}, "u": [stage]}]};
        assert_eq!(rig.refused("db", update).0, 72);
    }
    let mut over_database = aggregate("c", &[doc! {"$out": "o"}]);
    over_database.insert("aggregate", 1);
    assert_eq!(rig.refused("db", over_database).0, 73);
}

#[test]
fn an_explanation_writes_nothing() {
    let rig = rig();
    let mut by_option = aggregate("c", &[doc! {"$match": {"a": 10}}, doc! {"$out": "o"}]);
    by_option.insert("explain", true);
    let reply = rig.ok("db", by_option);
    let stages = reply.get_array("stages").unwrap();
    assert_eq!(stages.last().unwrap().as_document().unwrap(), &doc! {"$out": "o"});
    let explain = |verbosity: &str| {
        let explained = aggregate("c", &[doc! {"$merge": "o"}]);
        doc! {"explain": explained, "verbosity": verbosity}
    };
    rig.ok("db", explain("queryPlanner"));
    assert_eq!(rig.refused("db", explain("executionStats")).0, 51029);
    assert_eq!(names(&rig), ["c"]);
}

#[test]
fn a_write_waits_for_what_its_concern_asks_for() {
    let rig = Rig::primary();
    insert(&rig, "c", [doc! {"_id": 1}]);
    for stage in [doc! {"$out": "o"}, doc! {"$merge": "m"}] {
        let mut command = aggregate("c", &[stage]);
        command.insert("writeConcern", doc! {"w": 2});
        let reply = rig.ok("db", command.clone());
        assert_eq!(reply.get_document("writeConcernError").unwrap().get_i32("code").unwrap(), 100);
        command.insert("explain", true);
        command.remove("cursor");
        assert!(!rig.ok("db", command.clone()).contains_key("writeConcernError"));
        command.remove("explain");
        command.remove("writeConcern");
        command.insert("cursor", doc! {});
        command.insert("readConcern", doc! {"level": "linearizable"});
        assert_eq!(rig.refused("db", command.clone()).0, 72);
        command.insert("readConcern", doc! {"level": "majority"});
        rig.ok("db", command);
    }
}

#[test]
fn a_secondary_without_a_primary_writes_nothing() {
    let rig = Rig::secondary();
    let mut command = aggregate("c", &[doc! {"$out": "o"}]);
    assert_eq!(rig.refused("db", command.clone()).0, 13435);
    command.insert("$readPreference", doc! {"mode": "secondary"});
    assert_eq!(rig.refused("db", command).0, 10107);
}

#[test]
fn a_number_in_a_session_is_not_for_pipelines_that_write() {
    let rig = Rig::primary();
    let mut command = aggregate("c", &[doc! {"$out": "o"}]);
    let id = Bson::Binary(quire_bson::Binary {
        subtype: quire_bson::BinarySubtype::Uuid,
        bytes: vec![7; 16],
    });
    command.insert("lsid", doc! {"id": id});
    command.insert("txnNumber", 1_i64);
    assert_eq!(rig.refused("db", command).0, 50768);
}

/// Begins to replace a collection, as `$out` does.
fn begin<'a>(rig: &'a Rig, target: &str) -> Replacement<'a> {
    let server = rig.server.as_ref();
    let target = Namespace::new("db", target).unwrap();
    let begun =
        Replacement::begin(&server.sequencer, server, &server.temporaries, &target, |_| Ok(()));
    block_on(begun).unwrap()
}

/// How a command writes; the replacement knows where to.
fn writer(rig: &Rig) -> Writer<'_> {
    static NOWHERE: LazyLock<Namespace> =
        LazyLock::new(|| Namespace::new("db", "nowhere").unwrap());
    static CONSTANTS: LazyLock<Arc<Constants>> = LazyLock::new(Arc::default);
    static ENDLESS: Patience = Patience::endless();
    Writer {
        sequencer: &rig.server.sequencer,
        watch: &Unwatched,
        identities: rig.server.as_ref(),
        namespace: &NOWHERE,
        only: None,
        constants: &CONSTANTS,
        bypass_validation: false,
        patience: &ENDLESS,
        backlog: None,
        more_follows: false,
        numbering: None,
    }
}

/// Nobody stops it.
struct Unwatched;

impl Watch for Unwatched {
    fn check(&self) -> Result<()> {
        Ok(())
    }

    fn examined(&self, _: u64, _: u64) {}
}

#[test]
fn a_collection_that_nobody_fills_any_more_is_dropped() {
    let rig = rig();
    rig.ok("db", doc! {"create": "tmp.agg_out.mine"});
    let filled = begin(&rig, "c");
    let orphan = begin(&rig, "o").namespace().collection().to_owned();
    assert!(block_on(rig.server.drop_orphans()));
    let left = names(&rig);
    assert!(left.iter().any(|name| name == filled.namespace().collection()), "{left:?}");
    assert!(left.iter().any(|name| name == "tmp.agg_out.mine"), "a client made it: {left:?}");
    assert!(!left.contains(&orphan), "{left:?}");
    drop(filled);
    assert!(block_on(rig.server.drop_orphans()));
    assert_eq!(names(&rig), ["c", "tmp.agg_out.mine"]);
}

#[test]
fn what_an_out_fills_stays_dropped_when_somebody_drops_it() {
    type Dropping = fn(&Rig, &str);
    let table: [Dropping; 2] = [
        |rig, _| _ = rig.ok("db", doc! {"dropDatabase": 1}),
        |rig, temporary| rig.drop_collection("db", temporary),
    ];
    for dropping in table {
        let rig = rig();
        let replacement = begin(&rig, "o");
        let more = DocBuf::from(&doc! {"_id": 1});
        let fill = || block_on(replacement.insert(writer(&rig), &[more.as_raw()]));
        fill().unwrap();
        dropping(&rig, replacement.namespace().collection());
        assert_eq!(fill().unwrap_err().code().number(), 26);
        let refused = block_on(replacement.complete(&rig.server.sequencer)).unwrap_err();
        assert_eq!(refused.code().number(), 26, "{refused}");
        block_on(replacement.abandon(&rig.server.sequencer)).unwrap();
        assert!(names(&rig).iter().all(|name| name == "c"), "{:?}", names(&rig));
    }
}

#[test]
fn a_target_that_was_changed_meanwhile_is_not_replaced() {
    type Change = fn(&Rig);
    let table: [(&str, Change); 4] = [
        ("c", |rig| _ = rig.ok("db", doc! {"collMod": "c", "validator": {"a": 1}})),
        ("c", |rig| rig.index("db", "c", doc! {"key": {"a": 1}, "name": "a", "v": 2})),
        ("c", |rig| rig.drop_collection("db", "c")),
        ("o", |rig| rig.create("db", "o", doc! {})),
    ];
    for (target, change) in table {
        let rig = rig();
        let replacement = begin(&rig, target);
        change(&rig);
        let refused = block_on(replacement.complete(&rig.server.sequencer)).unwrap_err();
        assert_eq!(refused.code().number(), 125, "{refused}");
        block_on(replacement.abandon(&rig.server.sequencer)).unwrap();
        assert!(!names(&rig).iter().any(|name| name.starts_with("tmp")));
    }
}
