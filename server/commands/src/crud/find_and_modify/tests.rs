use crate::testing::Rig;
use quire_bson::doc;

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
}
