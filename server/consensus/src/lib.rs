//! Getting an entry committed: the facade between whoever proposes and the log.
//!
//! Owns the order of things that makes a write safe: append and sync, then commit, then apply, then
//! answer. Payloads are opaque bytes; nothing here knows a document. [`Member`] is the algorithm
//! without thread, clock or socket; [`Replica`] drives one for a daemon. A standalone is a set of
//! one.

mod alarms;
mod core;
mod incarnation;
mod member;
mod membership;
mod message;
mod proposal;
mod queue;
mod recovery;
mod replica;
mod retention;
mod turns;

pub use core::{Candidacy, ELECTION_TICKS, Role};
pub use member::{Arriving, Keeper, Member, MemberView, PeerProgress, Settled, Start};
pub use membership::Membership;
pub use message::{Consensus, ConsensusKind, MESSAGE_BYTES_MAX, Message, NoPeers, Transport};
pub use proposal::{Committed, Lost, LostCause, Ticket};
pub use recovery::RecoveryError;
pub use replica::{NoObserver, Observer, Options, Replica, ReplicaStats, Surroundings};
pub use retention::Retention;
pub use turns::Submitted;
