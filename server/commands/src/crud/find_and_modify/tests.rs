use crate::testing::Rig;
use quire_bson::{Bson, doc};

fn filled() -> Rig {
    let rig = Rig::new();
    let documents: Vec<_> = (0..5).map(|n| doc! {"_id": n, "a": n % 2, "n": 10 * n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

#[test]
fn the_document_before_is_shown() {
    let rig = filled();
    let command = doc! {"findAndModify": "c", "query": {"_id": 1}, "update": {"$inc": {"n": 1}}};
    let expected = doc! {
        "lastErrorObject": {"n": 1, "updatedExisting": true},
        "value": {"_id": 1, "a": 1, "n": 10},
        "ok": 1.0,
    };
    assert_eq!(rig.ok("db", command), expected);
    assert_eq!(rig.stored("db", "c")[1], doc! {"_id": 1, "a": 1, "n": 11});
}

#[test]
fn the_document_after_is_shown_when_asked() {
    let rig = filled();
    let command = doc! {
        "findandmodify": "c",
        "query": {"a": 0},
        "sort": {"n": -1},
        "update": {"$set": {"n": 1}},
        "fields": {"n": 1, "_id": 0},
        "new": true,
    };
    assert_eq!(rig.ok("db", command).get_document("value").unwrap(), &doc! {"n": 1});
    assert_eq!(rig.stored("db", "c")[4], doc! {"_id": 4, "a": 0, "n": 1});
}

#[test]
fn the_deleted_document_is_shown() {
    let rig = filled();
    let command =
        doc! {"findAndModify": "c", "query": {"a": 1}, "sort": {"_id": -1}, "remove": true};
    let expected = doc! {
        "lastErrorObject": {"n": 1},
        "value": {"_id": 3, "a": 1, "n": 30},
        "ok": 1.0,
    };
    assert_eq!(rig.ok("db", command), expected);
    assert_eq!(rig.stored("db", "c").len(), 4);
}

#[test]
fn nothing_found_is_shown_as_null() {
    for rig in [Rig::new(), filled()] {
        let query = doc! {"_id": 77};
        let command =
            doc! {"findAndModify": "c", "query": query.clone(), "update": {"$set": {"a": 1}}};
        let expected = doc! {
            "lastErrorObject": {"n": 0, "updatedExisting": false},
            "value": Bson::Null,
            "ok": 1.0,
        };
        assert_eq!(rig.ok("db", command), expected);
        let command = doc! {"findAndModify": "c", "query": query, "remove": true};
        let expected = doc! {"lastErrorObject": {"n": 0}, "value": Bson::Null, "ok": 1.0};
        assert_eq!(rig.ok("db", command), expected);
    }
}

#[test]
fn an_upsert_shows_the_new_document_only_when_asked() {
    for (new, value) in [(false, Bson::Null), (true, Bson::from(doc! {"_id": 7, "n": 1}))] {
        let rig = filled();
        let command = doc! {
            "findAndModify": "c",
            "query": {"_id": 7},
            "update": {"$inc": {"n": 1}},
            "upsert": true,
            "new": new,
        };
        let expected = doc! {
            "lastErrorObject": {"n": 1, "updatedExisting": false, "upserted": 7},
            "value": value,
            "ok": 1.0,
        };
        assert_eq!(rig.ok("db", command), expected);
    }
}

#[test]
fn the_matched_element_can_be_shown() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "v": [1, 5, 9]}]});
    let command = doc! {
        "findAndModify": "c",
        "query": {"v": 5},
        "update": {"$set": {"v.$": 6}},
        "fields": {"v.$": 1},
    };
    let value = rig.ok("db", command).get_document("value").unwrap().clone();
    assert_eq!(value, doc! {"_id": 1, "v": [5]});
    assert_eq!(rig.stored("db", "c"), [doc! {"_id": 1, "v": [1, 6, 9]}]);
}

#[test]
fn array_filters_and_pipelines_are_known() {
    let rig = Rig::new();
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "v": [1, 5]}]});
    let command = doc! {
        "findAndModify": "c",
        "query": {"_id": 1},
        "update": {"$set": {"v.$[x]": 0}},
        "arrayFilters": [{"x": {"$gt": 3}}],
        "new": true,
    };
    let value = rig.ok("db", command).get_document("value").unwrap().clone();
    assert_eq!(value, doc! {"_id": 1, "v": [1, 0]});
    let command = doc! {
        "findAndModify": "c",
        "query": {"_id": 1},
        "update": [{"$set": {"n": {"$size": "$v"}}}],
        "new": true,
    };
    let value = rig.ok("db", command).get_document("value").unwrap().clone();
    assert_eq!(value, doc! {"_id": 1, "v": [1, 0], "n": 2});
}

#[test]
fn what_contradicts_itself_is_refused() {
    let rig = filled();
    for (arguments, code) in [
        (doc! {}, 9),
        (doc! {"update": {"$set": {"a": 1}}, "remove": true}, 9),
        (doc! {"remove": true, "upsert": true}, 9),
        (doc! {"remove": true, "new": true}, 9),
        (doc! {"remove": true, "arrayFilters": []}, 9),
        (doc! {"remove": true, "foo": 1}, 40415),
        (doc! {"remove": true, "query": 3}, 14),
        (doc! {"update": {"$foo": 1}}, 9),
        (doc! {"update": {"$set": {"_id": 9}}, "query": {"_id": 1}}, 66),
    ] {
        let mut command = doc! {"findAndModify": "c"};
        command.extend(arguments.clone());
        let reply = rig.run("db", command);
        assert_eq!(reply.get_i32("code").ok(), Some(code), "{arguments} gave {reply}");
    }
    assert_eq!(rig.stored("db", "c").len(), 5);
}

#[test]
fn a_duplicate_fails_the_command() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {});
    rig.index("db", "c", doc! {"v": 2, "key": {"u": 1}, "name": "u_1", "unique": true});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1, "u": 1}, {"_id": 2, "u": 2}]});
    let command = doc! {"findAndModify": "c", "query": {"_id": 2}, "update": {"$set": {"u": 1}}};
    let reply = rig.run("db", command);
    assert_eq!(reply.get_i32("code").unwrap(), 11000);
    assert_eq!(reply.get_document("keyValue").unwrap(), &doc! {"u": 1});
}
