use super::ReplicaSetConfig;
use quire_bson::{DocBuf, Document};

/// A configuration that must be readable.
pub(crate) fn parsed(doc: Document) -> ReplicaSetConfig {
    ReplicaSetConfig::parse(DocBuf::from(&doc).as_raw()).unwrap()
}
