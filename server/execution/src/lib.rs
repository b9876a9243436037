//! Joining the query language to the stored documents.
//!
//! Owns how a plan is walked, how a pipeline is fed, how a write is planned and put in order, how an
//! index is built while writers go on, and when expired documents go. Reads work on a view of what is
//! applied; writes leave here only as effects in the log.

mod announcing;
mod creation;
mod failing;
mod failure;
mod forgetting;
mod history;
pub mod index_build;
mod interrupt;
mod patience;
mod planning;
mod query;
mod replacing;
mod rules;
mod scan;
mod sequencer;
pub mod ttl;
pub mod wait;
pub mod writes;

pub use announcing::Announcing;
pub use creation::{
    Creation, Identities, NewCollection, check_creatable, check_writable, create_collection,
    create_collection_within, ensure_collection,
};
pub use failing::Failing;
pub use failure::local_failure;
pub use forgetting::forget_sessions;
pub use history::{History, Moment, Unkept};
pub use interrupt::{Slice, Watch};
pub use patience::Patience;
pub use planning::{Choice, EXPRESS, Hint, PlanNode, Role, Wish, choose, choose_as_wished};
pub use query::{FindOutput, Made, Maker, Query, Source};
pub use replacing::{Replacement, Temporaries, Temporary, drop_orphans};
pub use rules::Rules;
pub use scan::{Access, Found, Hit, Scan, ShowHit};
pub use sequencer::{
    Change, Clock, CommitGate, CurrentRow, Horizon, Manner, Recording, Refusal, Sequenced,
    Sequencer, SessionStanding, Verdict, duplicate, key_error, lost,
};
