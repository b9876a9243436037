//! What an entry of the log does to the documents.
//!
//! Owns the list of effects. The leader has evaluated the command and checked every constraint
//! before it proposes an effect, so applying one needs no decision: it names ids, final documents
//! and revisions, never filters or operators. Effects are only ever added at the end of the format;
//! a node that meets one it does not know stalls instead of guessing.

mod decode;
mod encode;
mod names;
#[cfg(test)]
mod tests;

use crate::session::{SessionKey, Statements};
use crate::{CollectionId, IndexId, Layout, Namespace};
use quire_bson::DocBuf;
use quire_log::Timestamp;

pub use crate::codec::Malformed;
pub use names::{CollectionName, Names};

/// The payload of an entry of kind [`quire_log::EntryKind::Effects`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// The leader's clock when it planned, milliseconds since the epoch. Shown in the oplog.
    pub wall_millis: i64,
    /// For the oplog's readers.
    pub names: Names,
    pub effects: Vec<Effect>,
}

/// One change. `partial` names the partial indexes whose filter the new document satisfies, because
/// filters are not evaluated below the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A row that was not there before.
    InsertRow {
        collection: CollectionId,
        revision: Timestamp,
        doc: DocBuf,
        partial: Vec<IndexId>,
    },
    /// A row that is there, with a new document under the same row key.
    ReplaceRow {
        collection: CollectionId,
        row_key: Vec<u8>,
        revision: Timestamp,
        doc: DocBuf,
        partial: Vec<IndexId>,
    },
    /// A row that is gone. Row keys do not tell `_id`s apart that are equal, such as `1` and `1.0`,
    /// so the document's own goes with it, alone in a document, for the oplog's readers; entries of
    /// the first version have none.
    DeleteRow {
        collection: CollectionId,
        row_key: Vec<u8>,
        revision: Timestamp,
        id: Option<DocBuf>,
    },
    /// A collection or view. `id_index` is the id of its index on `_id`; views leave it unused.
    CreateCollection {
        id: CollectionId,
        namespace: Namespace,
        uuid: [u8; 16],
        options: DocBuf,
        layout: Layout,
        id_index: IndexId,
    },
    DropCollection {
        id: CollectionId,
    },
    /// Gives a collection another name; `drop_target` is the collection that had it.
    RenameCollection {
        id: CollectionId,
        to: Namespace,
        drop_target: Option<CollectionId>,
    },
    /// Replaces a collection's options as a whole.
    ModifyCollection {
        id: CollectionId,
        options: DocBuf,
    },
    /// An index that writers maintain from now on and readers do not use yet.
    CreateIndex {
        collection: CollectionId,
        id: IndexId,
        spec: DocBuf,
    },
    /// One chunk of a background build: indexes those rows whose revision still is the one the
    /// builder read. Any other row was indexed by the writer that changed it.
    IndexRows {
        collection: CollectionId,
        index: IndexId,
        rows: Vec<(Vec<u8>, Timestamp)>,
    },
    /// The build is complete.
    IndexReady {
        collection: CollectionId,
        index: IndexId,
    },
    DropIndex {
        collection: CollectionId,
        index: IndexId,
    },
    /// Replaces an index's specification; its name and key stay what they were.
    ModifyIndex {
        collection: CollectionId,
        index: IndexId,
        spec: DocBuf,
    },
    /// What statements of a numbered command did, from which its retries are answered. Stands in
    /// the entry of the very writes it tells of. A higher number ends the record of the one before.
    RecordStatements {
        session: SessionKey,
        number: i64,
        /// That of the last write.
        revision: Timestamp,
        statements: Vec<Statements>,
    },
    /// Forgets a session's record, unless it was written again after this revision.
    ForgetSession {
        session: SessionKey,
        revision: Timestamp,
    },
    /// Nothing but a place in the log, for waiting on and for the oplog's notes.
    Noop {
        note: DocBuf,
    },
}

impl Effect {
    /// The collection the effect changes, if it is one.
    pub fn collection(&self) -> Option<CollectionId> {
        match self {
            Effect::InsertRow { collection, .. }
            | Effect::ReplaceRow { collection, .. }
            | Effect::DeleteRow { collection, .. }
            | Effect::CreateIndex { collection, .. }
            | Effect::IndexRows { collection, .. }
            | Effect::IndexReady { collection, .. }
            | Effect::DropIndex { collection, .. }
            | Effect::ModifyIndex { collection, .. } => Some(*collection),
            Effect::CreateCollection { id, .. }
            | Effect::DropCollection { id }
            | Effect::RenameCollection { id, .. }
            | Effect::ModifyCollection { id, .. } => Some(*id),
            Effect::RecordStatements { .. }
            | Effect::ForgetSession { .. }
            | Effect::Noop { .. } => None,
        }
    }

    /// The second collection of an effect that has two.
    pub(crate) fn other_collection(&self) -> Option<CollectionId> {
        match self {
            Effect::RenameCollection { drop_target, .. } => *drop_target,
            _ => None,
        }
    }

    /// True when the effect changes the catalogue, so that plans made before it may not hold.
    pub fn changes_catalog(&self) -> bool {
        match self {
            Effect::CreateCollection { .. }
            | Effect::DropCollection { .. }
            | Effect::RenameCollection { .. }
            | Effect::ModifyCollection { .. }
            | Effect::CreateIndex { .. }
            | Effect::IndexReady { .. }
            | Effect::DropIndex { .. }
            | Effect::ModifyIndex { .. } => true,
            Effect::InsertRow { .. }
            | Effect::ReplaceRow { .. }
            | Effect::DeleteRow { .. }
            | Effect::IndexRows { .. }
            | Effect::RecordStatements { .. }
            | Effect::ForgetSession { .. }
            | Effect::Noop { .. } => false,
        }
    }
}
