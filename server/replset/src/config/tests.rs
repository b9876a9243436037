use super::ReplicaSetConfig;
use crate::host_port::HostPort;
use quire_bson::{DocBuf, Document, doc};

mod initiate;
mod parse;
mod reconfig;
mod validate;

/// A configuration that must be readable.
pub(crate) fn parsed(doc: Document) -> ReplicaSetConfig {
    ReplicaSetConfig::parse(DocBuf::from(&doc).as_raw()).unwrap()
}

/// Version 1 of `rs0`, with the members h0:1, h1:1, … and these settings of theirs.
pub(crate) fn with_members(members: &[Document]) -> Document {
    let members: Vec<Document> = members
        .iter()
        .zip(0..)
        .map(|(settings, id)| {
            let mut member = doc! { "_id": id, "host": format!("h{id}:1") };
            member.extend(settings.clone());
            member
        })
        .collect();
    doc! { "_id": "rs0", "version": 1, "members": members }
}

/// Tells whether a host is the one of this name, whatever its port.
fn named(name: &'static str) -> impl Fn(&HostPort) -> bool {
    move |host| host.host() == name
}
