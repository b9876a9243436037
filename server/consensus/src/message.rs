//! What members say to each other.
//!
//! Owns the kinds of messages. How they become bytes is in `encoding`; how they travel is the
//! business of whoever implements [`Transport`].

mod encoding;

pub use encoding::MESSAGE_BYTES_MAX;

use quire_log::{Entry, LogIndex, Term};

/// One message from a member to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Elections and the log.
    Consensus(Consensus),
    /// How far the sender has applied the log.
    Progress {
        applied: LogIndex,
    },
    /// Asks for a piece of a copy of the receiver's state; token zero begins a new copy.
    CopyFetch {
        token: u64,
        sequence: u64,
    },
    CopyChunk {
        token: u64,
        sequence: u64,
        last: bool,
        chunk: Vec<u8>,
    },
    /// There is no such copy, or no more at the moment.
    CopyRefused {
        token: u64,
    },
    /// The copy arrived whole, and the sender's log begins behind it.
    CopyDone {
        token: u64,
    },
    /// Opaque here; handed to the [`crate::Observer`].
    Gossip(Vec<u8>),
}

/// What a message weighs beside what it carries.
const BARE_WEIGHT: usize = 128;

impl Message {
    /// About how much memory it takes.
    pub fn weight(&self) -> usize {
        let carried = match self {
            Message::Consensus(consensus) => {
                let entries = consensus.entries.iter();
                let bytes = entries.map(|entry| entry.payload.len().saturating_add(BARE_WEIGHT));
                bytes.fold(consensus.context.len(), usize::saturating_add)
            }
            Message::CopyChunk { chunk, .. } => chunk.len(),
            Message::Gossip(bytes) => bytes.len(),
            _ => 0,
        };
        carried.saturating_add(BARE_WEIGHT)
    }

    /// Whether what follows from it takes no longer than what it carries. Copies of the state do.
    pub(crate) fn is_soon_done(&self) -> bool {
        match self {
            Message::Consensus(consensus) => consensus.kind != ConsensusKind::CopyOffer,
            Message::Progress { .. } => true,
            _ => false,
        }
    }
}

/// The kinds of messages that the core of the algorithm exchanges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsensusKind {
    Append,
    AppendResponse,
    Vote,
    VoteResponse,
    PreVote,
    PreVoteResponse,
    Heartbeat,
    HeartbeatResponse,
    /// The receiver is too far behind for the log: it needs a copy of the state.
    CopyOffer,
    /// Stand for election at once, without asking first.
    TimeoutNow,
}

/// A message of the core of the algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consensus {
    pub kind: ConsensusKind,
    pub from: u64,
    pub to: u64,
    pub term: Term,
    pub index: LogIndex,
    pub log_term: Term,
    pub commit: LogIndex,
    pub commit_term: Term,
    pub reject: bool,
    pub reject_hint: LogIndex,
    pub context: Vec<u8>,
    pub entries: Vec<Entry>,
}

/// Brings messages to other members, or loses them. Never blocks.
pub trait Transport: Send + Sync {
    fn send(&self, to: u64, message: Message);
}

/// The transport of a set of one.
#[derive(Debug)]
pub struct NoPeers;

impl Transport for NoPeers {
    fn send(&self, _: u64, _: Message) {}
}
