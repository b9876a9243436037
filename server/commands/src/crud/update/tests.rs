use crate::testing::Rig;
use quire_bson::doc;

fn filled() -> Rig {
    let rig = Rig::new();
    let documents: Vec<_> = (0..5).map(|n| doc! {"_id": n, "a": n % 2, "n": 10 * n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

#[test]
fn the_first_match_is_updated() {
    let rig = filled();
    let statement = doc! {"q": {"a": 1}, "u": {"$set": {"x": true}}};
    let reply = rig.ok("db", doc! {"update": "c", "updates": [statement]});
    assert_eq!(reply, doc! {"n": 1, "nModified": 1, "ok": 1.0});
    assert_eq!(rig.stored("db", "c")[1], doc! {"_id": 1, "a": 1, "n": 10, "x": true});
}
