//! What members tell each other of their clients, beside the log.
//!
//! Owns these messages. Each may get lost and none is needed for anything to be right; they spare
//! clients an error, or a wait.

use super::ReplicaSet;
use crate::RaftId;
use quire_bson::{Binary, BinarySubtype, DocBuf, Limits, RawDoc, RawValue, doc};
use quire_documents::SessionKey;
use std::time::{Duration, Instant};

/// Others are told so often of what goes on.
const REPEAT_EVERY: Duration = Duration::from_secs(1);

/// A message to other members' servers.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A client reads the state of one moment here, and may do so elsewhere next.
    ReadsOfMoments,
    /// For the primary, which stores what all members know.
    Sessions(SessionUses),
}

/// Sessions that clients used or ended since the last time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SessionUses {
    pub used: Vec<SessionUse>,
    pub ended: Vec<SessionKey>,
}

/// When a session was used last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionUse {
    pub session: SessionKey,
    pub at_millis: i64,
}

/// Sessions that one message tells of.
const SESSIONS_MAX: usize = 1000;

const READS_OF_MOMENTS: &str = "readsOfMoments";
const SESSIONS: &str = "sessions";

/// A session is its id and its user's digest, one that was used has a time behind.
const ID_BYTES: usize = 16;
const KEY_BYTES: usize = ID_BYTES + 32;
const USE_BYTES: usize = KEY_BYTES + 8;

impl SessionUses {
    fn encode(&self, set_name: &str) -> quire_bson::Document {
        let mut used = Vec::with_capacity(self.used.len().saturating_mul(USE_BYTES));
        for SessionUse { session, at_millis } in &self.used {
            append_key(&mut used, session);
            used.extend_from_slice(&at_millis.to_le_bytes());
        }
        let mut ended = Vec::with_capacity(self.ended.len().saturating_mul(KEY_BYTES));
        for session in &self.ended {
            append_key(&mut ended, session);
        }
        let binary = |bytes| Binary { subtype: BinarySubtype::Generic, bytes };
        doc! {
            "set": set_name, "notice": SESSIONS, "used": binary(used), "ended": binary(ended),
        }
    }

    fn decode(doc: RawDoc<'_>) -> Option<SessionUses> {
        let bytes = |name: &str| match doc.get(name) {
            Some(RawValue::Binary { bytes, .. }) => Some(bytes),
            _ => None,
        };
        let used = bytes("used")?.chunks(USE_BYTES).map(|bytes| {
            let (session, at) = bytes.split_at_checked(KEY_BYTES)?;
            let at_millis = i64::from_le_bytes(at.try_into().ok()?);
            Some(SessionUse { session: key_of(session)?, at_millis })
        });
        let ended = bytes("ended")?.chunks(KEY_BYTES).map(key_of);
        Some(SessionUses {
            used: used.collect::<Option<_>>()?,
            ended: ended.collect::<Option<_>>()?,
        })
    }
}

fn append_key(bytes: &mut Vec<u8>, session: &SessionKey) {
    bytes.extend_from_slice(&session.id);
    bytes.extend_from_slice(&session.user);
}

fn key_of(bytes: &[u8]) -> Option<SessionKey> {
    let (id, user) = bytes.split_at_checked(ID_BYTES)?;
    Some(SessionKey { id: id.try_into().ok()?, user: user.try_into().ok()? })
}

impl Notice {
    fn encode(&self, set_name: &str) -> Vec<u8> {
        let body = match self {
            Notice::ReadsOfMoments => doc! { "set": set_name, "notice": READS_OF_MOMENTS },
            Notice::Sessions(uses) => uses.encode(set_name),
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
            SESSIONS => SessionUses::decode(doc).map(Notice::Sessions),
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

    /// Tells the primary of sessions that clients use here. False when there is none to tell.
    pub fn tell_of_sessions(&self, uses: &SessionUses) -> bool {
        let standing = self.standing();
        let member = standing.primary.and_then(|position| {
            let detail = standing.detail.as_ref()?;
            detail.node_of(detail.config.members.get(position)?.id)
        });
        let Some(node) = member.filter(|node| *node != self.founding.node) else { return false };
        let used = uses.used.chunks(SESSIONS_MAX);
        let used = used.map(|used| SessionUses { used: used.to_vec(), ended: Vec::new() });
        let ended = uses.ended.chunks(SESSIONS_MAX);
        let ended = ended.map(|ended| SessionUses { used: Vec::new(), ended: ended.to_vec() });
        for part in used.chain(ended) {
            self.outside.tell(node, Notice::Sessions(part).encode(&self.founding.name));
        }
        true
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
    use super::{Notice, SessionUse, SessionUses};
    use quire_documents::SessionKey;

    #[test]
    fn a_notice_comes_back_as_it_was_told_to_members_of_the_same_set() {
        let key = |n: u8| SessionKey { id: [n; 16], user: [n + 1; 32] };
        let uses = SessionUses {
            used: vec![
                SessionUse { session: key(1), at_millis: 7 },
                SessionUse { session: key(2), at_millis: -7 },
            ],
            ended: vec![key(3)],
        };
        for notice in [Notice::ReadsOfMoments, Notice::Sessions(uses)] {
            let bytes = notice.encode("rs");
            assert_eq!(Notice::decode(&bytes, "rs"), Some(notice));
            assert_eq!(Notice::decode(&bytes, "other"), None);
        }
        assert_eq!(Notice::decode(b"nothing", "rs"), None);
    }
}
