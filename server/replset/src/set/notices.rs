//! What members tell each other of their clients, beside the log.
//!
//! Owns these messages. Each may get lost and none is needed for anything to be right; they spare
//! clients an error, or a wait.

use super::ReplicaSet;
use crate::RaftId;
use quire_bson::{DocBuf, Limits, RawValue, doc};
use std::time::{Duration, Instant};

/// Others are told so often of what goes on.
const REPEAT_EVERY: Duration = Duration::from_secs(1);

/// A message to other members' servers.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A client reads the state of one moment here, and may do so elsewhere next.
    ReadsOfMoments,
}

const READS_OF_MOMENTS: &str = "readsOfMoments";

impl Notice {
    fn encode(&self, set_name: &str) -> Vec<u8> {
        let body = match self {
            Notice::ReadsOfMoments => doc! { "set": set_name, "notice": READS_OF_MOMENTS },
        };
        DocBuf::from(&body).into_bytes()
    }

    /// A notice of a member of this set.
    pub(super) fn decode(bytes: &[u8], set_name: &str) -> Option<Notice> {
        let doc = quire_bson::validate(bytes, Limits::default()).ok()?;
        if doc.get("set").and_then(RawValue::as_str) != Some(set_name) {
            return None;
        }
        match doc.get("notice").and_then(RawValue::as_str)? {
            READS_OF_MOMENTS => Some(Notice::ReadsOfMoments),
            _ => None,
        }
    }
}

impl ReplicaSet {
    /// A client reads the state of one moment: others begin to keep theirs.
    pub fn tell_of_reads_of_moments(&self) {
        let nodes = {
            let mut inner = self.inner.lock();
            if inner.told_of_reads.is_some_and(|at| at.elapsed() < REPEAT_EVERY) {
                return;
            }
            inner.told_of_reads = Some(Instant::now());
            inner.other_nodes(self.founding.node)
        };
        let bytes = Notice::ReadsOfMoments.encode(&self.founding.name);
        for node in nodes {
            self.outside.tell(node, bytes.clone());
        }
    }
}

impl super::Inner {
    /// The nodes of all members but this.
    pub(super) fn other_nodes(&self, own: RaftId) -> Vec<RaftId> {
        let Some(detail) = &self.detail else { return Vec::new() };
        detail.nodes.values().copied().filter(|node| *node != own).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Notice;

    #[test]
    fn a_notice_comes_back_as_it_was_told_to_members_of_the_same_set() {
        let bytes = Notice::ReadsOfMoments.encode("rs");
        assert_eq!(Notice::decode(&bytes, "rs"), Some(Notice::ReadsOfMoments));
        assert_eq!(Notice::decode(&bytes, "other"), None);
        assert_eq!(Notice::decode(b"nothing", "rs"), None);
    }
}
