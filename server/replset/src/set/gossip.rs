//! What members tell each other beside the log.
//!
//! Owns the message by which every member knows the others' states, for status and for deciding who
//! is fit to take over. Nothing that safety needs is in it, and it may be lost. A member whose state
//! is still on its way learns the configuration from it too, to have something to show.

use super::{Heard, Notice, ReplicaSet};
use crate::{Detail, MemberId, MemberState, OpTime, RaftId};
use quire_bson::{Binary, BinarySubtype, DocBuf, Limits, RawValue, Timestamp, doc};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A member of itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Gossip {
    pub(super) set_name: String,
    pub(super) state: MemberState,
    pub(super) term: i64,
    pub(super) config_version: i64,
    pub(super) config_term: i64,
    pub(super) applied: OpTime,
    pub(super) applied_index: i64,
    pub(super) frozen: bool,
    pub(super) elected_millis: i64,
    /// The sender wants to hear how the receiver is.
    pub(super) asks: bool,
    /// The configuration, for a receiver that has none; empty for others.
    pub(super) detail: Vec<u8>,
}

impl Gossip {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut told = doc! {
            "set": &self.set_name,
            "state": self.state.number(),
            "term": self.term,
            "v": self.config_version,
            "ct": self.config_term,
            "ts": self.applied.ts,
            "t": self.applied.t,
            "i": self.applied_index,
            "frozen": self.frozen,
            "elected": self.elected_millis,
            "asks": self.asks,
        };
        if !self.detail.is_empty() {
            let bytes = self.detail.clone();
            told.insert("detail", Binary { subtype: BinarySubtype::Generic, bytes });
        }
        DocBuf::from(&told).into_bytes()
    }

    fn decode(bytes: &[u8]) -> Option<Gossip> {
        let doc = quire_bson::validate(bytes, Limits::default()).ok()?;
        let long = |name: &str| match doc.get(name) {
            Some(RawValue::Int64(n)) => Some(n),
            Some(RawValue::Int32(n)) => Some(i64::from(n)),
            _ => None,
        };
        let flag = |name: &str| doc.get(name).and_then(RawValue::as_bool);
        let Some(RawValue::Timestamp { time, increment }) = doc.get("ts") else { return None };
        let ts = Timestamp { time, increment };
        Some(Gossip {
            set_name: doc.get("set")?.as_str()?.to_owned(),
            state: MemberState::from_number(i32::try_from(long("state")?).ok()?)?,
            term: long("term")?,
            config_version: long("v")?,
            config_term: long("ct")?,
            applied: OpTime { ts, t: long("t")? },
            applied_index: long("i")?,
            frozen: flag("frozen")?,
            elected_millis: long("elected")?,
            asks: flag("asks")?,
            detail: match doc.get("detail") {
                Some(RawValue::Binary { bytes, .. }) => bytes.to_vec(),
                _ => Vec::new(),
            },
        })
    }
}

impl super::Inner {
    /// Whether a member has been heard of lately.
    pub(super) fn is_up(&self, member: MemberId) -> bool {
        let Some(detail) = &self.detail else { return false };
        let silence = detail.config.settings.heartbeat_interval_millis.max(1) * 5 / 2;
        let silence = Duration::from_millis(u64::try_from(silence).unwrap_or(5_000));
        let node = detail.node_of(member);
        node.and_then(|node| self.heard.get(&node))
            .is_some_and(|heard| heard.at.elapsed() < silence)
    }
}

impl ReplicaSet {
    /// Whether this member would not take over if it were asked to.
    fn keeps_out(&self, inner: &super::Inner) -> bool {
        self.is_kept_from_standing(inner) || inner.maintenance > 0
    }

    /// What this member says of itself.
    fn gossip_of(&self, asks: bool) -> Option<Gossip> {
        let parts = self.parts.get()?;
        let applied = parts.replica.applied();
        let inner = self.inner.lock();
        let standing = inner.standing(self.founding.node);
        let config = standing.detail.as_ref().map(|detail| &detail.config);
        Some(Gossip {
            set_name: self.founding.name.clone(),
            state: standing.state,
            term: standing.term,
            config_version: config.map_or(-1, |config| config.version),
            config_term: config.map_or(-1, |config| config.term),
            applied: super::time::op_time(applied),
            applied_index: i64::try_from(applied.index.0).unwrap_or(i64::MAX),
            frozen: self.keeps_out(&inner),
            elected_millis: inner.elected.map_or(0, |elected| elected.at_millis),
            asks,
            detail: Vec::new(),
        })
    }

    /// Tells everybody how this member is, when it is time or something changed.
    pub(super) fn spread_gossip(&self) {
        let (nodes, was_regular) = {
            let mut inner = self.inner.lock();
            let Some(detail) = inner.detail.clone() else { return };
            let interval = detail.config.settings.heartbeat_interval_millis.max(1);
            let interval = Duration::from_millis(u64::try_from(interval).unwrap_or(2_000));
            let regular = inner.last_gossip.is_none_or(|at| at.elapsed() >= interval);
            // A primary that steps down hands over to nobody whom it believes to keep out.
            let keeps_out = self.keeps_out(&inner);
            inner.gossip_is_due |= keeps_out != inner.told_to_keep_out;
            inner.told_to_keep_out = keeps_out;
            if !regular && !std::mem::take(&mut inner.gossip_is_due) {
                return;
            }
            inner.gossip_is_due = false;
            inner.last_gossip = Some(Instant::now());
            (inner.other_nodes(self.founding.node), regular)
        };
        let Some(gossip) = self.gossip_of(was_regular) else { return };
        let bytes = gossip.encode();
        for node in nodes {
            self.outside.tell(node, bytes.clone());
        }
    }

    pub(super) fn hear(&self, from: RaftId, bytes: &[u8]) {
        if let Some(notice) = Notice::decode(bytes, &self.founding.name) {
            if let Some(listener) = self.listener.get() {
                listener.told(notice);
            }
            return;
        }
        let Some(gossip) = Gossip::decode(bytes) else { return };
        if gossip.set_name != self.founding.name {
            return;
        }
        let asks = gossip.asks;
        let lacks_configuration = gossip.config_version < 0;
        self.note_hearsay(&gossip.detail);
        {
            let mut inner = self.inner.lock();
            let known = inner.detail.as_ref().is_none_or(|detail| detail.member_of(from).is_some());
            if !known {
                return;
            }
            let now = Instant::now();
            let since = inner
                .heard
                .get(&from)
                .filter(|heard| heard.at.elapsed() < Duration::from_secs(10))
                .map_or(now, |heard| heard.since);
            let at_millis = self.outside.now_millis();
            inner.heard.insert(from, Heard { gossip, at: now, at_millis, since });
        }
        if asks && let Some(answer) = self.gossip_of(false) {
            self.outside.tell(from, answer.encode());
        }
        if lacks_configuration {
            self.tell_configuration(from);
        }
        self.progressed.notify();
    }

    /// Shows a leader that its configuration is not known here.
    pub(super) fn ask_for_configuration(&self, leader: RaftId) {
        if let Some(gossip) = self.gossip_of(false) {
            self.outside.tell(leader, gossip.encode());
        }
    }

    /// Tells a member of the configuration that it waits for.
    fn tell_configuration(&self, to: RaftId) {
        let detail = self.inner.lock().known_detail().map(|detail| detail.encode());
        if let (Some(detail), Some(gossip)) = (detail, self.gossip_of(false)) {
            self.outside.tell(to, Gossip { detail, ..gossip }.encode());
        }
    }

    /// Shows what others say the configuration is, until the log says it.
    fn note_hearsay(&self, detail: &[u8]) {
        if detail.is_empty() {
            return;
        }
        let Ok(detail) = Detail::decode(detail) else { return };
        let node = self.founding.node;
        let (before, now) = {
            let mut inner = self.inner.lock();
            let is_about_us = detail.member_of(node).is_some();
            if inner.known_detail().is_some() || !is_about_us {
                return;
            }
            let before = inner.standing(node);
            inner.detail = Some(Arc::new(detail));
            (before, inner.standing(node))
        };
        self.tell_addresses(&now);
        self.announce(&before, &now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gossip_comes_back_as_it_was_told() {
        let gossip = Gossip {
            set_name: "rs".to_owned(),
            state: MemberState::Secondary,
            term: 3,
            config_version: 4,
            config_term: 5,
            applied: OpTime::new(6, 7, 8),
            applied_index: 9,
            frozen: true,
            elected_millis: 10,
            asks: false,
            detail: vec![1, 2],
        };
        assert_eq!(Gossip::decode(&gossip.encode()), Some(gossip));
        assert_eq!(Gossip::decode(b"nothing"), None);
    }
}
