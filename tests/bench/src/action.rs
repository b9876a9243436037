//! What a client asks for, before it is put into a language.
//!
//! Owns the vocabulary of all workloads. Each action has one form as OP_MSG (`op_msg`) and, where
//! PostgreSQL is a yardstick, one as SQL (`sql`), so both are asked for the same thing.

use crate::dataset::Dataset;
use quire_bson::DocBuilder;

/// The documents that have one value of the indexed field.
pub(crate) const GROUP_DOCUMENTS: u64 = 100;

/// Documents of a bulk insert.
pub(crate) const BATCH_DOCUMENTS: u16 = 1000;

/// One thing to ask for.
#[derive(Clone, Copy)]
pub(crate) enum Action {
    /// A document by its `_id`.
    Find(i64),
    /// Documents in the order of their `_id`s, from one on.
    Range { from: i64, count: u16 },
    /// All documents with a value of the indexed field.
    Group(i64),
    /// New documents, and what their `_id`s are.
    Insert { ids: Ids, count: u16 },
    /// One more in the field `n` of a document.
    Increment(i64),
    /// Another text in one of a document's ten.
    SetText { id: i64, field: u8 },
    /// A question to all documents of a collection.
    Analysis(&'static Analysis),
}

/// The `_id`s of new documents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ids {
    /// As drivers make them, into a collection that begins empty.
    Objects,
    /// Numbers behind those that were loaded.
    Numbers,
}

/// A question to all documents of a collection, in both languages.
pub(crate) struct Analysis {
    pub(crate) dataset: Dataset,
    /// `find` or `aggregate`.
    pub(crate) command: &'static str,
    /// Writes what follows the command's name.
    pub(crate) fill: fn(&mut DocBuilder),
    pub(crate) sql: &'static str,
    /// The fewest documents of a right answer.
    pub(crate) documents_min: usize,
}

/// The endless wishes of one connection.
pub(crate) trait Actions: Send {
    fn next(&mut self) -> Action;
}

impl<F: FnMut() -> Action + Send> Actions for F {
    fn next(&mut self) -> Action {
        self()
    }
}
