use crate::testing::Rig;
use quire_bson::{Bson, Document, ObjectId, RawValue, Timestamp, doc};

/// The codes of `writeErrors` with their positions.
fn errors(reply: &Document) -> Vec<(i32, i32)> {
    let Ok(list) = reply.get_array("writeErrors") else { return Vec::new() };
    let error = |error: &Bson| {
        let error = error.as_document().unwrap();
        (error.get_i32("index").unwrap(), error.get_i32("code").unwrap())
    };
    list.iter().map(error).collect()
}

#[test]
fn documents_are_stored_and_counted() {
    let rig = Rig::new();
    let reply = rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "a": 2}, {"_id": 2}]});
    assert_eq!(reply, doc! {"n": 2, "ok": 1.0});
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "a": 2}, doc! {"_id": 2}]);
}

#[test]
fn documents_may_come_in_a_sequence() {
    let rig = Rig::new();
    let documents = [doc! {"_id": 1}, doc! {"_id": 2}];
    let reply = rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    assert_eq!(reply, doc! {"n": 2, "ok": 1.0});
}

#[test]
fn a_sequence_that_is_not_known_is_refused() {
    let rig = Rig::new();
    let command = doc! {"insert": "c", "documents": [{"_id": 1}]};
    let reply = rig.run_with("db", command, &[("others", &[doc! {"_id": 2}])]);
    assert_eq!(reply.get_i32("code").unwrap(), 40415);
}

#[test]
fn an_id_is_made_when_there_is_none_and_moved_to_the_front() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"a": 1}, {"a": 2, "_id": 1, "b": 3}]});
    let stored = rig.stored("db", "c");
    assert_eq!(stored[0], doc! {"_id": 1, "a": 2, "b": 3});
    assert!(stored[1].get_object_id("_id").is_ok_and(|id| id != ObjectId::from_bytes([0; 12])));
    assert_eq!(stored[1].keys().collect::<Vec<_>>(), ["_id", "a"]);
}

#[test]
fn an_id_that_cannot_identify_is_a_write_error() {
    let rig = Rig::new();
    let pattern = RawValue::Regex { pattern: "a", options: "" }.to_bson();
    for (id, code, message) in [
        (Bson::Array(vec![]), 2, "can't use an array for _id"),
        (pattern, 2, "can't use a regex for _id"),
        (Bson::Undefined, 2, "can't use a undefined for _id"),
        (
            Bson::from(doc! {"$a": 1}),
            52,
            "_id fields may not contain '$'-prefixed fields: $a is not valid for storage.",
        ),
    ] {
        let refused = rig.refused("db", doc! {"insert": "c", "documents": [{"_id": id}]});
        assert_eq!(refused, (code, message.to_owned()));
    }
}

#[test]
fn names_with_a_dollar_are_stored_at_the_top() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "$a": 1, "b.c": {"$d": 2}}]});
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "$a": 1, "b.c": {"$d": 2}}]);
}

#[test]
fn an_ordered_insert_stops_at_the_first_error() {
    let rig = Rig::new();
    let documents = [doc! {"_id": 1}, doc! {"_id": 1}, doc! {"_id": 2}];
    let reply = rig.run("db", doc! {"insert": "c", "documents": documents.to_vec()});
    assert_eq!((reply.get_i32("n").unwrap(), errors(&reply)), (1, vec![(1, 11000)]));
    assert_eq!(rig.stored("db", "c").len(), 1);
}

#[test]
fn an_unordered_insert_tries_every_document() {
    let rig = Rig::new();
    let documents =
        vec![doc! {"_id": 1}, doc! {"_id": 1}, doc! {"_id": []}, doc! {"_id": 2}, doc! {"_id": 2}];
    let command = doc! {"insert": "c", "documents": documents, "ordered": false};
    let reply = rig.run("db", command);
    let expected = vec![(1, 11000), (2, 2), (4, 11000)];
    assert_eq!((reply.get_i32("n").unwrap(), errors(&reply)), (2, expected));
}

#[test]
fn a_bad_document_does_not_stop_those_before_it() {
    let rig = Rig::new();
    let documents = vec![doc! {"_id": 1}, doc! {"_id": []}, doc! {"_id": 2}];
    let reply = rig.run("db", doc! {"insert": "c", "documents": documents});
    assert_eq!((reply.get_i32("n").unwrap(), errors(&reply)), (1, vec![(1, 2)]));
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1}]);
}

#[test]
fn a_duplicate_names_index_pattern_and_value() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": "x"}]});
    let reply = rig.run("db", doc! {"insert": "c", "documents": [{"_id": "x"}]});
    let expected = doc! {
        "index": 0,
        "code": 11000,
        "keyPattern": {"_id": 1},
        "keyValue": {"_id": "x"},
        "errmsg": "E11000 duplicate key error collection: db.c index: _id_ dup key: { _id: \"x\" }",
    };
    assert_eq!(reply, doc! {"n": 0, "writeErrors": [expected], "ok": 1.0});
}

#[test]
fn batches_larger_than_one_entry_are_stored_whole() {
    let rig = Rig::new();
    let documents: Vec<_> = (0..2_500).map(|n| doc! {"_id": n}).collect();
    let reply = rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    assert_eq!(reply.get_i32("n").unwrap(), 2_500);
    assert_eq!(rig.stored("db", "c"), documents);
}

#[test]
fn the_number_of_documents_is_bounded() {
    let rig = Rig::new();
    let refused = rig.refused("db", doc! {"insert": "c", "documents": []});
    let message = "Write batch sizes must be between 1 and 100000. Got 0 operations.";
    assert_eq!(refused, (16, message.to_owned()));
    let many = vec![doc! {"a": 1}; 100_001];
    let reply = rig.run_with("db", doc! {"insert": "c"}, &[("documents", &many)]);
    assert_eq!(reply.get_i32("code").unwrap(), 16);
}

#[test]
fn a_document_too_large_or_too_deep_is_a_write_error() {
    let rig = Rig::new();
    let large = doc! {"_id": 1, "a": "x".repeat(16 * 1024 * 1024)};
    let reply = rig.run_with("db", doc! {"insert": "c"}, &[("documents", &[large])]);
    assert_eq!(errors(&reply), [(0, 2)]);
    let deep = (0..190).fold(doc! {"a": 1}, |inner, _| doc! {"a": inner});
    let reply = rig.run_with("db", doc! {"insert": "c"}, &[("documents", &[deep])]);
    assert_eq!(errors(&reply), [(0, 15)]);
}

#[test]
fn empty_timestamps_are_filled_unless_told_otherwise() {
    let rig = Rig::new();
    let empty = Bson::Timestamp(Timestamp { time: 0, increment: 0 });
    rig.host.advance(std::time::Duration::from_secs(5));
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "t": empty.clone()}]});
    let keep = doc! {
        "insert": "c",
        "documents": [{"_id": 2, "t": empty.clone()}],
        "bypassEmptyTsReplacement": true,
    };
    rig.ok("db", keep);
    let stored = rig.stored("db", "c");
    assert_eq!(stored[0].get_timestamp("t").unwrap().time, 1_767_225_605);
    assert_eq!(stored[1].get("t"), Some(&empty));
}

#[test]
fn collections_of_the_system_cannot_be_written() {
    let rig = Rig::new();
    for (collection, message) in [
        ("system.profile", "cannot write to db.system.profile"),
        ("system.views", "cannot write to db.system.views"),
        ("system.foo", "Invalid system namespace: db.system.foo"),
    ] {
        let refused = rig.refused("db", doc! {"insert": collection, "documents": [{"a": 1}]});
        assert_eq!(refused, (73, message.to_owned()));
    }
}

#[test]
fn a_database_may_not_differ_from_another_in_case_only() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"a": 1}]});
    assert_eq!(rig.refused("DB", doc! {"insert": "c", "documents": [{"a": 1}]}).0, 13297);
}

#[test]
fn inserts_are_counted_by_the_document() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"a": 1}, {"a": 2}]});
    assert_eq!(rig.server.counters.insert.load(std::sync::atomic::Ordering::Relaxed), 2);
}
