use crate::testing::Rig;
use quire_bson::{Bson, doc};

#[test]
fn values_come_once_in_the_order_they_were_seen() {
    let rig = Rig::new();
    let documents = [
        doc! {"_id": 1, "a": 3, "b": {"c": 1}},
        doc! {"_id": 2, "a": 3.0, "b": [{"c": 2}, {"c": 1}, 5]},
        doc! {"_id": 3, "a": [1, [2], 3], "b": [[{"c": 9}]]},
        doc! {"_id": 4, "a": null, "b": {"c": [7, 1]}},
        doc! {"_id": 5},
    ];
    rig.ok("db", doc! {"insert": "c", "documents": documents.to_vec()});
    let cases: [(_, Vec<Bson>); 5] = [
        (doc! {"distinct": "c", "key": "a"}, {
            vec![3.into(), 1.into(), Bson::Array(vec![2.into()]), Bson::Null]
        }),
        (doc! {"distinct": "c", "key": "b.c"}, vec![1.into(), 2.into(), 7.into()]),
        (doc! {"distinct": "c", "key": "b.0.c"}, vec![2.into(), 9.into()]),
        (doc! {"distinct": "c", "key": "a", "query": {"_id": {"$lt": 3}}}, vec![3.into()]),
        (doc! {"distinct": "d", "key": "a"}, vec![]),
    ];
    for (command, values) in cases {
        assert_eq!(rig.ok("db", command.clone()), doc! {"values": values, "ok": 1.0}, "{command}");
    }
}

#[test]
fn a_key_is_required() {
    let rig = Rig::new();
    assert_eq!(rig.refused("db", doc! {"distinct": "c"}).0, 40414);
    assert_eq!(rig.refused("db", doc! {"distinct": "c", "key": 1}).0, 14);
}
