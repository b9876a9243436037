//! The set in figures, for dashboards and the status page.

use super::ReplicaSet;
use crate::{HostPort, MemberState, OpTime};
use quire_consensus::Role;

/// A member as this one sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct MemberFigures {
    pub host: HostPort,
    pub is_self: bool,
    pub is_up: bool,
    /// What it said last; [`MemberState::Down`] when it is silent.
    pub state: MemberState,
    /// Null where nothing is known.
    pub op_time: OpTime,
    /// Positions in the log, of others only on the leader: its copy on disk, and what is applied.
    pub durable: Option<u64>,
    pub applied: Option<u64>,
}

/// All of it at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    pub name: String,
    pub state: MemberState,
    pub is_writable: bool,
    pub term: i64,
    /// Positions in this member's log.
    pub last: u64,
    pub committed: u64,
    /// In the order of the configuration; none while there is no configuration.
    pub members: Vec<MemberFigures>,
}

impl ReplicaSet {
    pub fn figures(&self) -> Figures {
        let (last, committed) = self.log_position();
        let applied = self.parts.get().map(|parts| parts.replica.applied()).unwrap_or_default();
        let inner = self.inner.lock();
        let standing = inner.standing(self.node());
        let members = standing.detail.iter().flat_map(|detail| {
            detail.config.members.iter().map(|member| (member, detail.node_of(member.id)))
        });
        let members = members.map(|(member, node)| {
            let host = member.host.clone();
            if node == Some(self.node()) {
                return MemberFigures {
                    host,
                    is_self: true,
                    is_up: true,
                    state: standing.state,
                    op_time: super::time::op_time(applied),
                    durable: Some(last.0),
                    applied: Some(applied.index.0),
                };
            }
            let is_up = inner.is_up(member.id);
            let heard = node.and_then(|node| inner.heard.get(&node));
            let heard = heard.filter(|_| is_up).map(|heard| &heard.gossip);
            let leads = inner.view.role == Role::Leader;
            let progress = inner.view.peers.iter().find(|peer| leads && Some(peer.node) == node);
            MemberFigures {
                host,
                is_self: false,
                is_up,
                state: heard.map_or(MemberState::Down, |gossip| gossip.state),
                op_time: heard.map_or(OpTime::NULL, |gossip| gossip.applied),
                durable: progress.map(|peer| peer.durable.0),
                applied: progress.map(|peer| peer.applied.0),
            }
        });
        Figures {
            name: self.name().to_owned(),
            state: standing.state,
            is_writable: standing.is_writable,
            term: standing.term,
            last: last.0,
            committed: committed.0,
            members: members.collect(),
        }
    }
}
