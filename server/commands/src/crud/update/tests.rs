use crate::testing::Rig;
use quire_bson::{Bson, Document, doc};

fn filled() -> Rig {
    let rig = Rig::new();
    let documents: Vec<_> = (0..5).map(|n| doc! {"_id": n, "a": n % 2, "n": 10 * n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

fn update(rig: &Rig, statement: Document) -> Document {
    rig.run("db", doc! {"update": "c", "updates": [statement]})
}

/// The `n` of every stored document.
fn numbers(rig: &Rig) -> Vec<i32> {
    rig.stored("db", "c").iter().map(|doc| doc.get_i32("n").unwrap()).collect()
}

#[test]
fn the_first_match_is_updated() {
    let rig = filled();
    let reply = update(&rig, doc! {"q": {"a": 1}, "u": {"$set": {"n": 1}}});
    assert_eq!(reply, doc! {"n": 1, "nModified": 1, "ok": 1.0});
    assert_eq!(numbers(&rig), [0, 1, 20, 30, 40]);
}

#[test]
fn every_match_is_updated_when_asked() {
    let rig = filled();
    let reply = update(&rig, doc! {"q": {"a": 0}, "u": {"$inc": {"n": 1}}, "multi": true});
    assert_eq!(reply, doc! {"n": 3, "nModified": 3, "ok": 1.0});
    assert_eq!(numbers(&rig), [1, 10, 21, 30, 41]);
}

#[test]
fn a_document_that_stays_what_it_is_counts_as_matched_only() {
    let rig = filled();
    let statement = doc! {"q": {"a": 0}, "u": {"$max": {"n": 20}}, "multi": true};
    assert_eq!(update(&rig, statement), doc! {"n": 3, "nModified": 1, "ok": 1.0});
    let statement = doc! {"q": {"_id": 1}, "u": {"$set": {"n": 10}}};
    assert_eq!(update(&rig, statement), doc! {"n": 1, "nModified": 0, "ok": 1.0});
}

#[test]
fn an_id_is_not_enough_when_the_filter_says_more() {
    let rig = filled();
    let reply = update(&rig, doc! {"q": {"_id": 1, "a": 0}, "u": {"$set": {"n": 1}}});
    assert_eq!(reply, doc! {"n": 0, "nModified": 0, "ok": 1.0});
}

#[test]
fn a_replacement_keeps_the_id() {
    let rig = filled();
    update(&rig, doc! {"q": {"_id": 1}, "u": {"n": 7}});
    assert_eq!(rig.stored("db", "c")[1], doc! {"_id": 1, "n": 7});
}

#[test]
fn a_pipeline_computes_with_the_document_and_its_constants() {
    let rig = filled();
    let pipeline = [doc! {"$set": {"n": {"$add": ["$n", "$$by"]}}}];
    let statement = doc! {"q": {"_id": 1}, "u": pipeline.to_vec(), "c": {"by": 5}};
    assert_eq!(update(&rig, statement), doc! {"n": 1, "nModified": 1, "ok": 1.0});
    assert_eq!(numbers(&rig), [0, 15, 20, 30, 40]);
}

#[test]
fn variables_of_the_command_reach_filter_and_update() {
    let rig = filled();
    let statement = doc! {
        "q": {"$expr": {"$eq": ["$n", "$$wanted"]}},
        "u": [{"$set": {"n": "$$put"}}],
    };
    let command = doc! {"update": "c", "updates": [statement], "let": {"wanted": 20, "put": 2}};
    rig.ok("db", command);
    assert_eq!(numbers(&rig), [0, 10, 2, 30, 40]);
}

#[test]
fn the_matched_element_and_filtered_elements_are_updated() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "v": [1, 5, 9]}]});
    update(&rig, doc! {"q": {"v": 5}, "u": {"$set": {"v.$": 50}}});
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "v": [1, 50, 9]}]);
    let statement = doc! {
        "q": {"_id": 1},
        "u": {"$inc": {"v.$[big]": 1}},
        "arrayFilters": [{"big": {"$gt": 5}}],
    };
    update(&rig, statement);
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "v": [1, 51, 10]}]);
}

#[test]
fn the_first_in_the_order_of_the_sort_is_updated() {
    let rig = filled();
    update(&rig, doc! {"q": {"a": 0}, "u": {"$set": {"n": 1}}, "sort": {"n": -1}});
    assert_eq!(numbers(&rig), [0, 10, 20, 30, 1]);
}

#[test]
fn an_upsert_inserts_what_filter_and_update_say() {
    let rig = filled();
    let statement = doc! {"q": {"_id": 9, "b": "x"}, "u": {"$inc": {"n": 3}}, "upsert": true};
    let upserted = doc! {"index": 0, "_id": 9};
    let expected = doc! {"n": 1, "upserted": [upserted], "nModified": 0, "ok": 1.0};
    assert_eq!(update(&rig, statement), expected);
    assert_eq!(rig.stored("db", "c")[5], doc! {"_id": 9, "b": "x", "n": 3});
}

#[test]
fn an_upsert_makes_the_collection_and_an_id() {
    let rig = Rig::new();
    let reply = update(&rig, doc! {"q": {"a": 1}, "u": {"$set": {"b": 2}}, "upsert": true});
    let id = reply.get_array("upserted").unwrap()[0].as_document().unwrap()["_id"].clone();
    assert!(matches!(id, Bson::ObjectId(_)));
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": id, "a": 1, "b": 2}]);
}

#[test]
fn an_upsert_that_finds_something_inserts_nothing() {
    let rig = filled();
    let statement = doc! {"q": {"a": 1}, "u": {"$inc": {"n": 1}}, "upsert": true, "multi": true};
    assert_eq!(update(&rig, statement), doc! {"n": 2, "nModified": 2, "ok": 1.0});
    assert_eq!(numbers(&rig), [0, 11, 20, 31, 40]);
}

#[test]
fn an_update_without_upsert_makes_no_collection() {
    let rig = Rig::new();
    let reply = update(&rig, doc! {"q": {}, "u": {"$set": {"a": 1}}});
    assert_eq!(reply, doc! {"n": 0, "nModified": 0, "ok": 1.0});
    assert!(!rig.server.documents.catalog().has_database("db"));
}

#[test]
fn an_ordered_update_stops_at_the_first_error_and_an_unordered_one_goes_on() {
    for (ordered, n, expected) in [(true, 1, [1, 10]), (false, 2, [1, 11])] {
        let rig = filled();
        let updates = vec![
            doc! {"q": {"_id": 0}, "u": {"$inc": {"n": 1}}},
            doc! {"q": {"_id": 0}, "u": {"$inc": {"n": "x"}}},
            doc! {"q": {"_id": 1}, "u": {"$inc": {"n": 1}}},
        ];
        let reply = rig.run("db", doc! {"update": "c", "updates": updates, "ordered": ordered});
        assert_eq!(reply.get_i32("n").unwrap(), n, "{reply}");
        let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
        assert_eq!((error.get_i32("index").unwrap(), error.get_i32("code").unwrap()), (1, 14));
        assert_eq!(numbers(&rig)[..2], expected);
    }
}

#[test]
fn rows_before_a_failing_row_of_a_multi_update_are_written() {
    let rig = Rig::new();
    let documents = [doc! {"_id": 1, "n": 1}, doc! {"_id": 2, "n": "x"}, doc! {"_id": 3, "n": 3}];
    rig.ok("db", doc! {"insert": "c", "documents": documents.to_vec()});
    let reply = update(&rig, doc! {"q": {}, "u": {"$inc": {"n": 1}}, "multi": true});
    let error = reply.get_array("writeErrors").unwrap()[0].as_document().unwrap();
    assert_eq!(error.get_i32("code").unwrap(), 14);
    let stored = rig.stored("db", "c");
    assert_eq!(stored[0], doc! {"_id": 1, "n": 2});
    assert_eq!(stored[2], doc! {"_id": 3, "n": 3});
}

#[test]
fn what_contradicts_itself_is_refused() {
    let rig = filled();
    for (statement, code) in [
        (doc! {"q": {}, "u": {"a": 1}, "multi": true}, 9),
        (doc! {"q": {}, "u": {"$set": {"a": 1}}, "multi": true, "sort": {"a": 1}}, 9),
        (doc! {"q": {}, "u": {"$set": {"a": 1}}, "c": {"x": 1}}, 51198),
        (doc! {"q": {}, "u": 3}, 9),
        (doc! {"q": {}}, 40414),
        (doc! {"u": {}}, 40414),
        (doc! {"q": {}, "u": {}, "foo": 1}, 40415),
        (doc! {"q": {"$foo": 1}, "u": {}}, 2),
        (doc! {"q": {}, "u": {"$foo": {"a": 1}}}, 9),
        (doc! {"q": {}, "u": {"$set": {"a": 1}}, "hint": "nonesuch"}, 2),
        (doc! {"q": {}, "u": {"$set": {"a": 1}}, "collation": {"locale": "xx"}}, 2),
        (doc! {"q": {"_id": 1}, "u": {"$set": {"_id": 2}}}, 66),
    ] {
        let refused = rig.refused("db", doc! {"update": "c", "updates": [statement.clone()]});
        assert_eq!(refused.0, code, "{statement} gave {}", refused.1);
    }
    assert_eq!(numbers(&rig), [0, 10, 20, 30, 40]);
}

#[test]
fn a_unique_value_that_is_taken_is_a_write_error() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    rig.index("db", "c", doc! {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": true});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "u": 1}, {"_id": 2, "u": 2}]});
    let (code, message) = rig.refused(
        "db",
        doc! {"update": "c", "updates": [{"q": {"_id": 2}, "u": {"$set": {"u": 1}}}]},
    );
    assert_eq!(code, 11000);
    assert_eq!(message, "E11000 duplicate key error collection: db.c index: u_1 dup key: { u: 1 }");
    // A row may keep the value that is its own.
    update(&rig, doc! {"q": {"_id": 2}, "u": {"$set": {"u": 2, "x": 1}}});
    assert_eq!(rig.stored("db", "c")[1], doc! {"_id": 2, "u": 2, "x": 1});
}

#[test]
fn an_upsert_in_the_way_of_another_document_is_a_duplicate() {
    let rig = filled();
    let statement = doc! {"q": {"_id": 1, "n": 99}, "u": {"$set": {"b": 1}}, "upsert": true};
    assert_eq!(rig.refused("db", doc! {"update": "c", "updates": [statement]}).0, 11000);
}

#[test]
fn a_unique_partial_index_holds_only_its_own() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    let spec = doc! {
        "v": 2,
        "key": {"u": 1},
        "name": "u_1",
        "unique": true,
        "partialFilterExpression": {"active": true},
    };
    rig.index("db", "c", spec);
    let documents = vec![
        doc! {"_id": 1, "u": 1, "active": true},
        doc! {"_id": 2, "u": 1, "active": false},
        doc! {"_id": 3, "u": 1},
    ];
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    let activate = doc! {"q": {"_id": 2}, "u": {"$set": {"active": true}}};
    let refused = rig.refused("db", doc! {"update": "c", "updates": [activate.clone()]});
    assert_eq!(refused.0, 11000);
    update(&rig, doc! {"q": {"_id": 1}, "u": {"$set": {"active": false}}});
    assert_eq!(update(&rig, activate), doc! {"n": 1, "nModified": 1, "ok": 1.0});
}

#[test]
fn a_capped_collection_lets_no_document_grow() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {"capped": true, "size": 4096});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "n": 1}]});
    update(&rig, doc! {"q": {"_id": 1}, "u": {"$set": {"n": 2}}});
    assert_eq!(numbers(&rig), [2]);
    let grow = doc! {"q": {"_id": 1}, "u": {"$set": {"x": 2}}};
    assert_eq!(rig.refused("db", doc! {"update": "c", "updates": [grow]}).0, 10003);
}

#[test]
fn an_unknown_stage_fails_the_whole_command_before_anything_is_done() {
    let rig = filled();
    let before = rig.stored("db", "c");
    let good = doc! { "q": {}, "u": { "$set": { "b": 1 } } };
    let bad = doc! { "q": {}, "u": [{ "$invalidOperator": true }] };
    let reply = rig.run("db", doc! { "update": "c", "updates": [good, bad] });
    assert_eq!(reply.get_i32("code").ok(), Some(40324), "{reply}");
    assert!(!reply.contains_key("writeErrors"), "{reply}");
    assert_eq!(rig.stored("db", "c"), before);
}
