use crate::testing::Rig;
use quire_bson::{Binary, BinarySubtype, Document, doc};

fn numbered_insert() -> Document {
    let id = Binary { subtype: BinarySubtype::Uuid, bytes: vec![1; 16] };
    doc! {"insert": "c", "documents": [{}], "lsid": {"id": id}, "txnNumber": 1_i64}
}

#[test]
fn a_reply_of_a_set_ends_with_its_time() {
    let rig = Rig::primary();
    let wrote = rig.ok("db", doc! {"insert": "c", "documents": [{}]});
    let keys: Vec<&String> = wrote.keys().collect();
    assert_eq!(keys, ["n", "ok", "$clusterTime", "operationTime"]);
    let cluster_time = wrote.get_document("$clusterTime").unwrap();
    let signature = cluster_time.get_document("signature").unwrap();
    assert_eq!(signature.get_binary_generic("hash").unwrap(), &vec![0; 20]);
    assert_eq!(signature.get_i64("keyId").unwrap(), 0);
    let operation_time = wrote.get_timestamp("operationTime").unwrap();
    assert!(cluster_time.get_timestamp("clusterTime").unwrap() >= operation_time);
    let again = rig.ok("db", doc! {"insert": "c", "documents": [{}]});
    assert!(again.get_timestamp("operationTime").unwrap() > operation_time);
    assert!(rig.run("db", doc! {"nonesuch": 1}).contains_key("operationTime"));
}

#[test]
fn neither_a_standalone_nor_a_member_without_a_configuration_has_a_time() {
    for rig in [Rig::new(), Rig::without_configuration()] {
        assert_eq!(rig.ok("db", doc! {"ping": 1}), doc! {"ok": 1.0});
    }
}

#[test]
fn who_is_not_primary_says_since_when() {
    let rig = Rig::secondary();
    let version = rig.ok("db", doc! {"hello": 1}).get_document("topologyVersion").unwrap().clone();
    let refused = rig.run("db", doc! {"insert": "c", "documents": [{}]});
    assert_eq!(refused.get_document("topologyVersion").unwrap(), &version);
    let refused = rig.run("db", doc! {"find": "c"});
    assert_eq!(refused.get_document("topologyVersion").unwrap(), &version);
    let other = rig.run("db", doc! {"ping": 1, "maxTimeMS": -1});
    assert!(!other.contains_key("topologyVersion"), "{other}");
}

#[test]
fn only_a_numbered_write_is_said_to_be_retryable() {
    let rig = Rig::secondary();
    let labels = |command| rig.run("db", command).get_array("errorLabels").cloned().ok();
    assert_eq!(labels(numbered_insert()), Some(vec!["RetryableWriteError".into()]));
    assert_eq!(labels(doc! {"insert": "c", "documents": [{}]}), None);
    let primary = Rig::primary();
    let mut duplicate = numbered_insert();
    duplicate.insert("documents", vec![doc! {"_id": 1}, doc! {"_id": 1}]);
    let reply = primary.run("db", duplicate);
    assert!(reply.contains_key("writeErrors") && !reply.contains_key("errorLabels"), "{reply}");
}
