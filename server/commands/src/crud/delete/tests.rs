use crate::testing::Rig;
use quire_bson::{Document, doc};

fn filled() -> Rig {
    let rig = Rig::new();
    let documents: Vec<_> = (0..5).map(|n| doc! {"_id": n, "a": n % 2}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

fn delete(rig: &Rig, statement: Document) -> Document {
    rig.run("db", doc! {"delete": "c", "deletes": [statement]})
}

fn ids(rig: &Rig) -> Vec<i32> {
    rig.stored("db", "c").iter().map(|doc| doc.get_i32("_id").unwrap()).collect()
}

#[test]
fn a_limit_of_one_deletes_the_first_match() {
    let rig = filled();
    assert_eq!(delete(&rig, doc! {"q": {"a": 1}, "limit": 1}), doc! {"n": 1, "ok": 1.0});
    assert_eq!(ids(&rig), [0, 2, 3, 4]);
}

#[test]
fn a_limit_of_zero_deletes_every_match() {
    let rig = filled();
    assert_eq!(delete(&rig, doc! {"q": {"a": 0}, "limit": 0}), doc! {"n": 3, "ok": 1.0});
    assert_eq!(ids(&rig), [1, 3]);
    assert_eq!(delete(&rig, doc! {"q": {}, "limit": 0}), doc! {"n": 2, "ok": 1.0});
    assert!(ids(&rig).is_empty());
}

#[test]
fn a_document_is_deleted_by_its_id() {
    for limit in [0, 1] {
        let rig = filled();
        assert_eq!(delete(&rig, doc! {"q": {"_id": 3}, "limit": limit}), doc! {"n": 1, "ok": 1.0});
        assert_eq!(delete(&rig, doc! {"q": {"_id": 3}, "limit": limit}), doc! {"n": 0, "ok": 1.0});
        assert_eq!(ids(&rig), [0, 1, 2, 4]);
    }
}

#[test]
fn more_rows_than_one_entry_holds_are_deleted() {
    let rig = Rig::new();
    let documents: Vec<_> = (0..700).map(|n| doc! {"_id": n}).collect();
    rig.run_with("db", doc! {"insert": "c"}, &[("documents", &documents)]);
    assert_eq!(delete(&rig, doc! {"q": {}, "limit": 0}), doc! {"n": 700, "ok": 1.0});
    assert!(ids(&rig).is_empty());
}

#[test]
fn deleting_from_nothing_deletes_nothing() {
    assert_eq!(delete(&Rig::new(), doc! {"q": {}, "limit": 0}), doc! {"n": 0, "ok": 1.0});
}

#[test]
fn statements_are_counted_together_and_may_come_in_a_sequence() {
    let rig = filled();
    let statements = [doc! {"q": {"_id": 0}, "limit": 1}, doc! {"q": {"a": 1}, "limit": 0}];
    let reply = rig.run_with("db", doc! {"delete": "c"}, &[("deletes", &statements)]);
    assert_eq!(reply, doc! {"n": 3, "ok": 1.0});
    assert_eq!(rig.server.counters.delete.load(std::sync::atomic::Ordering::Relaxed), 2);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let rig = filled();
    for (statement, code) in [
        (doc! {"q": {}, "limit": 2}, 9),
        (doc! {"q": {}}, 40414),
        (doc! {"limit": 0}, 40414),
        (doc! {"q": {}, "limit": 0, "multi": true}, 40415),
        (doc! {"q": {"a": {"$foo": 1}}, "limit": 0}, 2),
        (doc! {"q": {}, "limit": 0, "hint": {"x": 1}}, 2),
        (doc! {"q": {}, "limit": 0, "collation": {"locale": "xx"}}, 2),
    ] {
        let refused = rig.refused("db", doc! {"delete": "c", "deletes": [statement.clone()]});
        assert_eq!(refused.0, code, "{statement} gave {}", refused.1);
    }
    assert_eq!(ids(&rig).len(), 5);
}

#[test]
fn documents_of_a_capped_collection_can_be_deleted() {
    let rig = Rig::new();
    rig.create("db", "c", doc! {"capped": true, "size": 4096});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]});
    assert_eq!(delete(&rig, doc! {"q": {"_id": 1}, "limit": 1}), doc! {"n": 1, "ok": 1.0});
    assert_eq!(ids(&rig), [2]);
}
