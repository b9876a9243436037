//! The replicated state: collections, rows and indexes, built from the log's effects.
//!
//! Owns the catalogue, the form of rows and index entries, the effects that a log entry carries, and
//! [`Documents`], the state machine that applies them and hands out consistent views. The only code
//! that changes data. Knows no query language, no Raft and no error codes of the wire; nothing that
//! applying reaches looks at a clock, at randomness, at the environment or at the order of a hash
//! map, so every node that has applied the same entries holds the same bytes.

mod catalog;
mod codec;
mod copy;
mod counts;
mod effect;
mod fingerprint;
mod ids;
mod index;
mod machine;
mod namespace;
mod open;
mod read;
mod row;
mod session;
mod validate;

pub use catalog::{
    Capped, Catalog, Collection, FIELDS_MAX, FieldOrder, Index, IndexField, IndexPlace, IndexSpec,
    IndexState, Layout, NextIds, Refused, SpecError, id_row_key,
};
pub use counts::Counts;
pub use effect::{CollectionName, Effect, Effects, Malformed, Names};
pub use fingerprint::Fingerprint;
pub use ids::{CollectionId, IndexId};
pub use index::{IndexKeys, KEYS_BYTES_MAX, KEYS_MAX, KeyError, encode_field, keys_of};
pub use machine::Documents;
pub use namespace::{
    DATABASE_BYTES_MAX, NAMESPACE_BYTES_MAX, Namespace, NamespaceError, check_database,
};
pub use open::OpenError;
pub use read::{ReadView, VisitEntry, VisitRow};
pub use row::Row;
pub use session::{
    SessionHeader, SessionKey, SessionRecord, ShownChange, StatementResult, Statements,
};
pub use validate::{Membership, Report};

pub use quire_engine::{Direction, EngineError, EngineStats};
pub use quire_keys::Range;
