use crate::testing::Rig;
use quire_bson::doc;

#[test]
fn documents_are_counted_within_their_window() {
    let rig = Rig::new();
    assert_eq!(rig.ok("db", doc! {"count": "c"}), doc! {"n": 0, "ok": 1.0});
    let documents: Vec<_> = (0..10).map(|n| doc! {"_id": n, "a": n % 2}).collect();
    rig.ok("db", doc! {"insert": "c", "documents": documents});
    for (command, n) in [
        (doc! {"count": "c"}, 10),
        (doc! {"count": "c", "query": {}, "skip": 3}, 7),
        (doc! {"count": "c", "limit": -4}, 4),
        (doc! {"count": "c", "query": {"a": 1}}, 5),
        (doc! {"count": "c", "query": {"a": 1}, "skip": 1, "limit": 3}, 3),
        (doc! {"count": "c", "query": {"_id": {"$gte": 8}}, "hint": "_id_"}, 2),
        (doc! {"count": "c", "query": null}, 10),
    ] {
        assert_eq!(rig.ok("db", command.clone()), doc! {"n": n, "ok": 1.0}, "{command}");
    }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    let rig = Rig::new();
    assert_eq!(rig.refused("db", doc! {"count": "c", "skip": -1}).0, 2);
    assert_eq!(rig.refused("db", doc! {"count": "c", "query": 1}).0, 14);
    assert_eq!(rig.refused("db", doc! {"count": "c", "foo": 1}).0, 40415);
}
