//! Where the fail point `quirePeerTraffic` stands.
//!
//! Owns how a message looks to it. Links ask for each message and each connection; without test
//! commands there is nothing to ask.

use quire_consensus::{ConsensusKind, Message};
use quire_failpoints::{Direction, FailPoints, PeerFault, PeerMessage};
use std::sync::Arc;
use std::time::Duration;

/// What links ask.
pub(super) struct Faults(Option<Arc<FailPoints>>);

/// What becomes of the messages that are about to be sent.
pub(super) enum Passage {
    Now,
    After(Duration),
    Cut,
}

impl Faults {
    pub(super) fn new(points: Option<Arc<FailPoints>>) -> Faults {
        Faults(points)
    }

    /// What becomes of one message.
    pub(super) fn fault(
        &self,
        direction: Direction,
        host: &str,
        message: &Message,
    ) -> Option<PeerFault> {
        let point = &self.0.as_ref()?.quire_peer_traffic;
        let entered =
            point.enter_if(|traffic| traffic.concerns(direction, host, kind_of(message)))?;
        Some(entered.fault)
    }

    /// Takes out of a batch what is lost; the rest stays together.
    pub(super) fn leave(&self, host: &str, batch: &mut Vec<Message>) -> Passage {
        let is_off = |points: &Arc<FailPoints>| !points.quire_peer_traffic.is_on();
        if self.0.as_ref().is_none_or(is_off) {
            return Passage::Now;
        }
        let mut passage = Passage::Now;
        batch.retain(|message| match self.fault(Direction::Out, host, message) {
            None => true,
            Some(PeerFault::Drop) => false,
            Some(PeerFault::Delay(delay)) => {
                if matches!(passage, Passage::Now) {
                    passage = Passage::After(delay);
                }
                true
            }
            Some(PeerFault::Cut) => {
                passage = Passage::Cut;
                false
            }
        });
        passage
    }

    /// Whether there may be no connection with this member.
    pub(super) fn cut(&self, direction: Direction, host: &str) -> bool {
        self.0.as_ref().is_some_and(|points| {
            points.quire_peer_traffic.enter_if(|traffic| traffic.cuts(direction, host)).is_some()
        })
    }
}

fn kind_of(message: &Message) -> PeerMessage {
    let consensus = match message {
        Message::Consensus(consensus) => consensus.kind,
        Message::Progress { .. } => return PeerMessage::Progress,
        Message::CopyFetch { .. }
        | Message::CopyChunk { .. }
        | Message::CopyRefused { .. }
        | Message::CopyDone { .. } => return PeerMessage::Copy,
        Message::Gossip(_) => return PeerMessage::Gossip,
    };
    match consensus {
        ConsensusKind::Append | ConsensusKind::AppendResponse => PeerMessage::Entries,
        ConsensusKind::Heartbeat | ConsensusKind::HeartbeatResponse => PeerMessage::Heartbeat,
        ConsensusKind::Vote
        | ConsensusKind::VoteResponse
        | ConsensusKind::PreVote
        | ConsensusKind::PreVoteResponse => PeerMessage::Vote,
        ConsensusKind::CopyOffer => PeerMessage::Copy,
        ConsensusKind::TimeoutNow => PeerMessage::Handover,
    }
}
