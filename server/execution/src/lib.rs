//! Joining the query language to the stored documents.
//!
//! Owns how a plan is walked, how a pipeline is fed, how a write is planned and put in order, how an
//! index is built while writers go on, and when expired documents go. Reads work on a view of what is
//! applied; writes leave here only as effects in the log.

mod announcing;
mod failure;
mod interrupt;
mod query;
mod scan;
mod sequencer;
pub mod wait;

pub use announcing::Announcing;
pub use failure::local_failure;
pub use interrupt::{Slice, Watch};
pub use query::{FindProjection, Query, Source};
pub use scan::{Access, Found, Scan, ScanStep};
pub use sequencer::{
    Change, Clock, CurrentRow, Refusal, Sequenced, Sequencer, Verdict, duplicate, key_error,
};
