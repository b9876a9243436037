//! The first configuration of a set.

use super::{named, with_members};
use crate::config::initiate::{Initiate, default_document};
use crate::host_port::HostPort;
use quire_bson::{DocBuf, Document, ObjectId, doc};

fn initiate<'a>(is_self: &'a (dyn Fn(&HostPort) -> bool + Sync)) -> Initiate<'a> {
    Initiate {
        set_name: "rs0",
        is_self,
        replica_set_id: ObjectId::from_bytes([9; 12]),
        allow_multiple_arbiters: false,
    }
}

fn refusal(doc: &Document, own: &'static str) -> String {
    let is_self = named(own);
    let error = initiate(&is_self).check(DocBuf::from(doc).as_raw()).unwrap_err();
    assert_eq!(error.code().number(), 93);
    error.message().to_owned()
}

#[test]
fn the_default_is_the_node_itself_and_then_its_seeds() {
    let host = |name: &str| HostPort::parse(name).unwrap();
    let is_self = |seed: &HostPort| seed.host() == "alias";
    let seeds = [host("b:2"), host("a:1"), host("alias:1"), host("c:3")];
    let doc = default_document("rs0", &host("a:1"), &seeds, &is_self);
    let config = super::parsed(doc.clone());
    let members: Vec<(i32, String)> =
        config.members.iter().map(|m| (m.id, m.host.to_string())).collect();
    assert_eq!(members, [(0, "a:1".into()), (1, "b:2".into()), (2, "c:3".into())]);
    let is_self = named("a");
    let (checked, own) = initiate(&is_self).check(DocBuf::from(&doc).as_raw()).unwrap();
    assert_eq!((checked.members, own), (config.members, 0));
}

#[test]
fn a_seed_named_twice_is_refused() {
    let host = |name: &str| HostPort::parse(name).unwrap();
    let doc = default_document("rs0", &host("a:1"), &[host("b:2"), host("b:2")], &|_| false);
    assert!(refusal(&doc, "a").contains("same host field"));
}

#[test]
fn a_good_configuration_gets_its_id_and_finds_the_node() {
    let is_self = named("h1");
    let doc = with_members(&[doc! {}, doc! {}, doc! { "arbiterOnly": true }]);
    let (config, own) = initiate(&is_self).check(DocBuf::from(&doc).as_raw()).unwrap();
    assert_eq!(own, 1);
    assert_eq!((config.version, config.term), (1, 0));
    assert_eq!(config.settings.replica_set_id, Some(ObjectId::from_bytes([9; 12])));
}

#[test]
fn what_a_set_cannot_begin_with_is_refused() {
    let with = |name: &str, value: quire_bson::Bson| {
        let mut doc = with_members(&[doc! {}, doc! {}]);
        doc.insert(name, value);
        doc
    };
    let table = [
        (
            with("_id", "other".into()),
            "h0",
            "Attempting to initiate a replica set with name other, but command line reports rs0; \
             rejecting",
        ),
        (
            with("version", 2.into()),
            "h0",
            "Configuration used to initiate a replica set must have version 1, but found 2",
        ),
        (
            with("settings", doc! { "replicaSetId": ObjectId::from_bytes([1; 12]) }.into()),
            "h0",
            "replica set configuration cannot contain 'replicaSetId' field when called from \
             replSetInitiate",
        ),
        (with("foo", 1.into()), "h0", "BSON field 'ReplSetConfig.foo' is an unknown field."),
        (
            with_members(&[doc! {}]),
            "elsewhere",
            "No host described in new configuration with {version: 1, term: 0} for replica set rs0 \
             maps to this node",
        ),
        (
            with_members(&[doc! {}, doc! { "host": "h0:2" }]),
            "h0",
            "The hosts h0:1 and h0:2 all map to this node in new configuration",
        ),
        (
            with_members(&[doc! { "priority": 0 }, doc! {}]),
            "h0",
            "This node, h0:1, with _id 0 is not electable under the new configuration with \
             {version: 1, term: 0} for replica set rs0",
        ),
        (with_members(&[doc! { "newlyAdded": true }]), "h0", "Cannot provide newlyAdded field"),
        (with_members(&[]), "h0", "Replica set configuration contains 0 members"),
    ];
    for (doc, own, message) in table {
        let text = refusal(&doc, own);
        assert!(text.starts_with(message), "{text}");
    }
}
