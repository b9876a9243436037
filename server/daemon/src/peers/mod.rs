//! Links to the other members of the replica set, over the port that clients use.
//!
//! Owns how members find, believe and reach each other: one connection for each direction, opened
//! like a client's and handed over after a handshake. What travels is [`quire_consensus::Message`];
//! nothing here reads one, decides who leads, or knows a document. Bytes of a stranger change
//! nothing but a line in the log.

mod dial;
mod faults;
mod frames;
mod handshake;
mod hello;
mod incoming;
mod links;
mod notices;
mod outbox;
mod outgoing;
mod proof;
mod registry;
#[cfg(test)]
mod tests;

pub(crate) use hello::{ConfigurationAge, Standing, opens_link};
pub(crate) use links::{Links, LocalMember};
pub(crate) use proof::Keys;

use quire_bson::ObjectId;
use std::time::Duration;

/// Who this process is to other members; settled for as long as it lives.
#[derive(Clone)]
pub(crate) struct Identity {
    /// The raft id of the data directory.
    pub(crate) node: u64,
    pub(crate) set_name: String,
    /// Tells this process from an earlier one over the same data.
    pub(crate) process: ObjectId,
    /// What a key file holds; none without.
    pub(crate) keys: Keys,
}

/// How long links wait for what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// For a name to resolve and a host to take a connection. Short, so that a network that came
    /// back is noticed by the next try and not by a retransmission far out.
    pub(crate) connect_max: Duration,
    /// For one answer of a handshake.
    pub(crate) answer_max: Duration,
    pub(crate) backoff_min: Duration,
    pub(crate) backoff_max: Duration,
    /// A link says nothing for so long before it says that it is alive.
    pub(crate) idle_max: Duration,
    /// A link over which nothing moves for so long is given up.
    pub(crate) silence_max: Duration,
    /// A member in no configuration to which nothing was sent for so long needs no link.
    pub(crate) unneeded_max: Duration,
    /// What is queued when links close may take so long to leave.
    pub(crate) drain_max: Duration,
}

impl Default for Timing {
    fn default() -> Timing {
        Timing {
            connect_max: Duration::from_secs(1),
            answer_max: Duration::from_secs(2),
            backoff_min: Duration::from_millis(20),
            backoff_max: Duration::from_secs(1),
            idle_max: Duration::from_millis(500),
            silence_max: Duration::from_secs(3),
            unneeded_max: Duration::from_secs(30),
            drain_max: Duration::from_millis(200),
        }
    }
}
