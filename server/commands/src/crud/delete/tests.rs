use crate::testing::Rig;
use quire_bson::doc;

fn filled() -> Rig {
    let rig = Rig::new();
    let documents: Vec<_> = (0..5).map(|n| doc! {"_id": n, "a": n % 2, "n": 10 * n}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    rig
}

#[test]
fn a_limit_of_one_deletes_the_first_match() {
    let rig = filled();
    let reply = rig.ok("db", doc! {"delete": "c", "deletes": [{"q": {"a": 1}, "limit": 1}]});
    assert_eq!(reply, doc! {"n": 1, "ok": 1.0});
    assert_eq!(rig.stored("db", "c").len(), 4);
}
