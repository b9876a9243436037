//! What MongoDB calls a replica set: its configuration, its members' states, and what clients are
//! told of both.
//!
//! Owns the rules: which configurations are valid and may follow one another, who may vote, stand
//! and be stepped down to, when a write concern is satisfied, and the shape of `hello` and
//! `replSetGetStatus`. These modules are pure functions over plain values: no clock, no sockets, no
//! threads. [`set`] applies them to a running member. Agreement itself is the business of
//! `server/consensus`.

pub mod config;
pub mod election;
mod fields;
pub mod hello;
mod host_port;
pub mod membership;
mod optime;
pub mod read_preference;
pub mod set;
mod state;
pub mod status;
pub mod write_concern;

pub use config::{MemberConfig, MemberId, ReplicaSetConfig, Settings};
pub use host_port::{DEFAULT_PORT, HostPort};
pub use membership::{Detail, RaftId, RaftSets};
pub use optime::OpTime;
pub use set::ReplicaSet;
pub use state::MemberState;
