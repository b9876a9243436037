//! Getting an entry committed: the facade between whoever proposes and the log.
//!
//! Owns the order of things that makes a write safe: append and sync, then commit, then apply, then
//! answer. Payloads are opaque bytes; nothing here knows a document. With one voter a commit is one
//! local group sync; more voters are the next milestone and change nothing above [`Replica`].

mod committer;
mod core;
mod membership;
mod message;
mod proposal;
mod recovery;
mod replica;
mod turns;

pub use core::{Candidacy, ELECTION_TICKS};
pub use membership::Membership;
pub use message::{Consensus, ConsensusKind, MESSAGE_BYTES_MAX, Message, NoPeers, Transport};
pub use proposal::{Committed, Lost, LostCause, Ticket};
pub use recovery::RecoveryError;
pub use replica::{Options, Replica, ReplicaStats, Role};
pub use turns::Submitted;
