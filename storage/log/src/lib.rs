//! The replicated log's storage and the contract with the state that is built from it.
//!
//! Owns log positions, entries, the [`LogStore`] trait with its implementation, and the
//! [`StateMachine`] trait: consensus and documents meet here and nowhere else. Payloads are opaque
//! bytes. Nothing here knows Raft's rules; it keeps what it is told, durably and in order.

#[cfg(test)]
mod conformance;
mod encoding;
mod entry;
mod machine;
mod rules;
mod segments;
mod store;

pub use bytes::Bytes;
pub use entry::{Entry, EntryKind, HardState, LogIndex, Term, Timestamp};
pub use machine::{Applied, Completeness, Export, Fatal, StateMachine};
pub use segments::{
    DiskFiles, FileEffect, FileFault, MemoryFiles, SEGMENT_BYTES, SegmentFile, SegmentFiles,
    SegmentLog, VOLATILE_SEGMENT_BYTES, VolatileFiles,
};
pub use store::{LogError, LogStats, LogStore};
