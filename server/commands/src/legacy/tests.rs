use crate::testing::Rig;
use quire_bson::{Bson, Document, doc};

fn last(rig: &Rig) -> Document {
    let mut reply = rig.ok("db", doc! {"getlasterror": 1});
    assert_eq!(reply.remove("connectionId"), Some(Bson::Int32(1)));
    for unremarkable in ["ok", "syncMillis", "writtenTo", "$clusterTime", "operationTime"] {
        assert!(reply.remove(unremarkable).is_some(), "{unremarkable}");
    }
    reply
}

#[test]
fn the_last_error_is_that_of_the_last_command_until_it_is_reset() {
    let rig = Rig::primary_as("4.4");
    assert_eq!(last(&rig), doc! {"n": 0, "err": null});
    rig.ok("db", doc! {"insert": "c", "documents": [{"_id": 1}, {"_id": 2}]});
    assert_eq!(last(&rig), doc! {"n": 2, "err": null});
    // Asking changes nothing, and neither does a monitor.
    rig.ok("db", doc! {"isMaster": 1});
    assert_eq!(last(&rig), doc! {"n": 2, "err": null});
    let update = |id: i32| {
        let one = doc! {"q": {"_id": id}, "u": {"$set": {"a": 1}}, "upsert": true};
        doc! {"update": "c", "updates": [one]}
    };
    rig.ok("db", update(1));
    assert_eq!(last(&rig), doc! {"updatedExisting": true, "n": 1, "err": null});
    rig.ok("db", update(3));
    assert_eq!(last(&rig), doc! {"updatedExisting": false, "upserted": 3, "n": 1, "err": null});
    rig.run("db", doc! {"insert": "c", "documents": [{"_id": 1}]});
    let failed = last(&rig);
    assert_eq!(failed.get_i32("code").unwrap(), 11000);
    assert!(failed.get_str("err").unwrap().contains("E11000"), "{failed}");
    assert_eq!(failed.get_str("codeName").unwrap(), "DuplicateKey");
    // It is the connection's own.
    let other = rig.connect().ok("db", doc! {"getLastError": 1});
    assert_eq!(other.get("err"), Some(&Bson::Null));
    rig.ok("db", doc! {"resetError": 1});
    assert_eq!(last(&rig), doc! {"n": 0, "err": null});
    rig.run("db", doc! {"find": "c", "filter": {"$nonesuch": 1}});
    assert_eq!(last(&rig).get_i32("code").unwrap(), 2);
}

#[test]
fn what_was_written_has_been_waited_for_already_up_to_a_majority() {
    let rig = Rig::primary_as("4.4");
    let ask = |w: Bson| rig.run("db", doc! {"getLastError": 1, "w": w, "j": true, "wtimeout": 5});
    for met in [Bson::Int32(1), Bson::from("majority"), Bson::Null] {
        assert_eq!(ask(met).get_f64("ok").unwrap(), 1.0);
    }
    for beyond in [Bson::Int32(3), Bson::from("tags")] {
        assert_eq!(ask(beyond).get_i32("code").unwrap(), 115);
    }
}
