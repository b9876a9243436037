//! How members of a configuration are bound to nodes, and which nodes vote below.
//!
//! A member is an entry of the configuration; a node is a data directory, known by a random number
//! drawn when it was made (its raft id). The log below counts nodes. Owns the binding between both,
//! its bytes inside each Configuration entry, and the steps from one set of voting nodes to the next.
//!
//! A vote in the configuration and a vote below are two things: a node votes below only once it has
//! caught up, however long its member has been promised a vote. So a set can be initiated with three
//! voters while the data lies on one.

use crate::config::{MemberConfig, MemberId, NewlyAdded, ReplicaSetConfig};
use quire_bson::{Bson, DocBuf, Document, Limits, RawDoc, RawValue, doc};
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// The number of a data directory.
pub type RaftId = u64;

/// A configuration with the nodes that its members are bound to.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    pub config: ReplicaSetConfig,
    /// A member nobody has reached yet has no node.
    pub nodes: BTreeMap<MemberId, RaftId>,
}

/// The nodes that vote below and those that only receive.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RaftSets {
    pub voters: BTreeSet<RaftId>,
    pub learners: BTreeSet<RaftId>,
}

/// Bytes that are not those of a [`Detail`].
#[derive(Debug, Error)]
#[error("the membership's detail cannot be read: {0}")]
pub struct BadDetail(String);

/// Why a member cannot be bound to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BindError {
    #[error("there is no member with _id {0}")]
    NoSuchMember(MemberId),
    #[error("the node is bound to the member with _id {0} already")]
    BoundElsewhere(MemberId),
    #[error("the last voter cannot be replaced")]
    LastVoter,
}

impl Detail {
    /// The first binding: of the initiator alone, or of all that were reached.
    pub fn new(config: ReplicaSetConfig, nodes: BTreeMap<MemberId, RaftId>) -> Detail {
        let mut detail = Detail { config, nodes };
        detail.forget_strangers();
        detail
    }

    pub fn encode(&self) -> Vec<u8> {
        // The bits of an id matter, not its sign.
        let nodes: Document = self
            .nodes
            .iter()
            .map(|(member, node)| (member.to_string(), Bson::Int64(node.cast_signed())))
            .collect();
        let config = self.config.to_document(NewlyAdded::Shown);
        DocBuf::from(&doc! { "config": config, "nodes": nodes }).into_bytes()
    }

    pub fn decode(bytes: &[u8]) -> Result<Detail, BadDetail> {
        let doc = quire_bson::validate(bytes, Limits::default());
        let doc = doc.map_err(|error| BadDetail(error.to_string()))?;
        let part = |name: &str| {
            let part = doc.get(name).and_then(RawValue::as_document);
            part.ok_or_else(|| BadDetail(format!("{name} is missing")))
        };
        let config = ReplicaSetConfig::parse(part("config")?)
            .map_err(|error| BadDetail(error.message().to_owned()))?;
        let nodes = decode_nodes(part("nodes")?)?;
        Ok(Detail { config, nodes })
    }

    pub fn node_of(&self, member: MemberId) -> Option<RaftId> {
        self.nodes.get(&member).copied()
    }

    pub fn member_of(&self, node: RaftId) -> Option<&MemberConfig> {
        let (member, _) = self.nodes.iter().find(|(_, own)| **own == node)?;
        self.config.member(*member)
    }

    /// The nodes of arbiters.
    pub fn arbiters(&self) -> impl Iterator<Item = RaftId> {
        let is_arbiter = |node: &RaftId| self.member_of(*node).is_some_and(|own| own.arbiter_only);
        self.nodes.values().copied().filter(is_arbiter)
    }

    /// Whether the configuration promises this node a vote.
    fn is_promised(&self, node: RaftId) -> bool {
        self.member_of(node).is_some_and(|member| member.has_vote)
    }

    /// Who votes when everybody has caught up: the nodes of members with a vote that do not wait for
    /// it.
    pub fn settled_sets(&self) -> RaftSets {
        let is_voter = |node| self.member_of(node).is_some_and(MemberConfig::is_voter);
        self.split(is_voter)
    }

    /// Who votes at the beginning: the node with the data.
    pub fn founding_sets(&self, initiator: RaftId) -> RaftSets {
        self.split(|node| node == initiator)
    }

    /// Who votes after this configuration has replaced another under which `voters` did: those that
    /// still have their vote. Others receive until [`Detail::promotion`] lets them vote.
    ///
    /// There may be nobody left; such a change must not be proposed.
    pub fn sets_after(&self, voters: &BTreeSet<RaftId>) -> RaftSets {
        self.split(|node| {
            let is_voter = self.member_of(node).is_some_and(MemberConfig::is_voter);
            is_voter && voters.contains(&node)
        })
    }

    fn split(&self, votes: impl Fn(RaftId) -> bool) -> RaftSets {
        let (voters, learners) = self.nodes.values().partition(|node| votes(**node));
        RaftSets { voters, learners }
    }

    /// The next step towards what the configuration promises: every promised node that has caught up
    /// gets its vote. `None` while there is none.
    ///
    /// A configuration in which a member waited for its vote is replaced by one in which it does not,
    /// so its version grows. Members of a first configuration never waited: theirs stays as it is.
    pub fn promotion(
        &self,
        voters: &BTreeSet<RaftId>,
        has_caught_up: impl Fn(RaftId) -> bool,
    ) -> Option<(Detail, RaftSets)> {
        let promoted: BTreeSet<RaftId> = self
            .nodes
            .values()
            .copied()
            .filter(|node| self.is_promised(*node) && !voters.contains(node))
            .filter(|node| has_caught_up(*node))
            .collect();
        if promoted.is_empty() {
            return None;
        }
        let mut next = self.clone();
        let mut is_changed = false;
        for node in &promoted {
            let member = self.member_of(*node).map(|member| member.id);
            if let Some(member) = member.and_then(|id| next.config.member_mut(id)) {
                is_changed |= std::mem::take(&mut member.newly_added);
            }
        }
        if is_changed {
            next.grow_version();
        }
        let voters: BTreeSet<RaftId> = voters.union(&promoted).copied().collect();
        let sets = next.sets_after(&voters);
        Some((next, sets))
    }

    /// Binds a member to the node that answers under its address.
    ///
    /// A member's first node is simply taken. Another node than before is a disk that was wiped or
    /// replaced: it promised nothing that its predecessor promised, so it loses the vote and waits
    /// for a new one. `None` when the member is bound to that node already.
    pub fn bound(
        &self,
        member: MemberId,
        node: RaftId,
        voters: &BTreeSet<RaftId>,
    ) -> Result<Option<(Detail, RaftSets)>, BindError> {
        if let Some(other) = self.member_of(node) {
            let is_same = other.id == member;
            return if is_same { Ok(None) } else { Err(BindError::BoundElsewhere(other.id)) };
        }
        let mut next = self.clone();
        let config = next.config.member_mut(member).ok_or(BindError::NoSuchMember(member))?;
        if self.nodes.contains_key(&member) && config.has_vote && !config.arbiter_only {
            config.newly_added = true;
            next.grow_version();
        }
        next.nodes.insert(member, node);
        let sets = next.sets_after(voters);
        if sets.voters.is_empty() {
            return Err(BindError::LastVoter);
        }
        Ok(Some((next, sets)))
    }

    /// The binding under another configuration: a member keeps its node, even under a new address,
    /// and who is no member any more loses it.
    pub fn with_config(&self, config: ReplicaSetConfig) -> Detail {
        Detail::new(config, self.nodes.clone())
    }

    fn forget_strangers(&mut self) {
        let config = &self.config;
        self.nodes.retain(|member, _| config.member(*member).is_some());
    }

    fn grow_version(&mut self) {
        self.config.version = self.config.version.saturating_add(1).min(i64::from(i32::MAX));
    }
}

fn decode_nodes(doc: RawDoc<'_>) -> Result<BTreeMap<MemberId, RaftId>, BadDetail> {
    doc.iter()
        .map(|element| {
            let member = element.key().parse::<MemberId>().ok();
            match (member, element.value()) {
                (Some(member), RawValue::Int64(node)) => Ok((member, node.cast_unsigned())),
                _ => Err(BadDetail(format!("nodes.{} is no binding", element.key()))),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
