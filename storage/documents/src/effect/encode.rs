//! Writing effects.
//!
//! | part | bytes |
//! |---|---|
//! | version | 1, now always 2 |
//! | wall clock | i64 |
//! | number of collections' names | `len` |
//! | each of them | id, UUID, database and collection as `text` |
//! | number of indexes' specifications | `len` |
//! | each of them | id, `doc` |
//! | number of effects | `len` |
//! | each effect | tag, then its fields in the order of [`Effect`] |
//!
//! Version 1 had a flag and `bytes`, always unset, in the place of the names, and no `_id` in
//! [`Effect::DeleteRow`]. It is read and no longer written.
//!
//! The shapes are those of [`crate::codec`]. Tags are listed in [`tag`].

use super::{Effect, Effects};
use crate::codec::Writer;
use crate::session::{SessionKey, Statements, write_statements};
use crate::{CollectionId, IndexId};
use quire_bson::DocBuf;
use quire_keys::SESSION_BYTES;
use quire_log::Timestamp;

/// The version of everything below. A new field or a changed meaning needs a new one.
pub(super) const VERSION: u8 = 2;

/// The tag of each effect. A number is never used for something else.
pub(super) mod tag {
    pub(in crate::effect) const INSERT_ROW: u8 = 1;
    pub(in crate::effect) const REPLACE_ROW: u8 = 2;
    pub(in crate::effect) const DELETE_ROW: u8 = 3;
    pub(in crate::effect) const CREATE_COLLECTION: u8 = 4;
    pub(in crate::effect) const DROP_COLLECTION: u8 = 5;
    pub(in crate::effect) const RENAME_COLLECTION: u8 = 6;
    pub(in crate::effect) const MODIFY_COLLECTION: u8 = 7;
    pub(in crate::effect) const CREATE_INDEX: u8 = 8;
    pub(in crate::effect) const INDEX_ROWS: u8 = 9;
    pub(in crate::effect) const INDEX_READY: u8 = 10;
    pub(in crate::effect) const DROP_INDEX: u8 = 11;
    pub(in crate::effect) const MODIFY_INDEX: u8 = 12;
    // 13 was planned for opaque records of sessions, and no log has it
    pub(in crate::effect) const NOOP: u8 = 14;
    pub(in crate::effect) const RECORD_STATEMENTS: u8 = 15;
    pub(in crate::effect) const FORGET_SESSION: u8 = 16;
}

impl Effects {
    /// The payload of an entry.
    pub fn encode(&self) -> Vec<u8> {
        let bytes: usize = self.effects.iter().map(Effect::encoded_bytes).sum();
        let bytes = bytes.saturating_add(self.names.encoded_bytes());
        let mut out = Writer::with_capacity(32_usize.saturating_add(bytes));
        out.u8(VERSION);
        out.i64(self.wall_millis);
        self.names.write(&mut out);
        out.len(self.effects.len());
        for effect in &self.effects {
            write(&mut out, effect);
        }
        out.finish()
    }
}

impl Effect {
    /// About how many bytes the effect takes in an entry, for cutting batches to size.
    pub fn encoded_bytes(&self) -> usize {
        const FIXED: usize = 32;
        let more = match self {
            Effect::InsertRow { doc, partial, .. } => doc.as_bytes().len() + 4 * partial.len(),
            Effect::ReplaceRow { row_key, doc, partial, .. } => {
                row_key.len() + doc.as_bytes().len() + 4 * partial.len()
            }
            Effect::DeleteRow { row_key, id, .. } => {
                row_key.len() + id.as_ref().map_or(0, |id| id.as_bytes().len())
            }
            Effect::CreateCollection { options, .. } => 256 + options.as_bytes().len(),
            Effect::RenameCollection { .. } => 256,
            Effect::ModifyCollection { options: doc, .. }
            | Effect::CreateIndex { spec: doc, .. }
            | Effect::ModifyIndex { spec: doc, .. }
            | Effect::Noop { note: doc } => doc.as_bytes().len(),
            Effect::IndexRows { rows, .. } => rows.iter().map(|(key, _)| key.len() + 13).sum(),
            Effect::RecordStatements { statements, .. } => {
                SESSION_BYTES + statements.iter().map(Statements::encoded_bytes).sum::<usize>()
            }
            Effect::ForgetSession { .. } => SESSION_BYTES,
            Effect::DropCollection { .. }
            | Effect::IndexReady { .. }
            | Effect::DropIndex { .. } => 0,
        };
        FIXED + more
    }
}

fn write(out: &mut Writer, effect: &Effect) {
    match effect {
        Effect::InsertRow { collection, revision, doc, partial } => {
            head(out, tag::INSERT_ROW, *collection);
            write_document(out, *revision, doc, partial);
        }
        Effect::ReplaceRow { collection, row_key, revision, doc, partial } => {
            head(out, tag::REPLACE_ROW, *collection);
            out.bytes(row_key);
            write_document(out, *revision, doc, partial);
        }
        Effect::DeleteRow { collection, row_key, revision, id } => {
            head(out, tag::DELETE_ROW, *collection);
            out.bytes(row_key);
            out.revision(*revision);
            write_optional(out, id.as_ref(), Writer::doc);
        }
        Effect::CreateCollection { id, namespace, uuid, options, layout, id_index } => {
            head(out, tag::CREATE_COLLECTION, *id);
            out.namespace(namespace);
            out.raw(uuid);
            out.doc(options);
            out.u8(layout.tag());
            out.index(*id_index);
        }
        Effect::DropCollection { id } => head(out, tag::DROP_COLLECTION, *id),
        Effect::RenameCollection { id, to, drop_target } => {
            head(out, tag::RENAME_COLLECTION, *id);
            out.namespace(to);
            write_optional(out, *drop_target, Writer::collection);
        }
        Effect::ModifyCollection { id, options } => {
            head(out, tag::MODIFY_COLLECTION, *id);
            out.doc(options);
        }
        Effect::CreateIndex { collection, id, spec } => {
            index_head(out, tag::CREATE_INDEX, *collection, *id);
            out.doc(spec);
        }
        Effect::IndexRows { collection, index, rows } => {
            index_head(out, tag::INDEX_ROWS, *collection, *index);
            write_rows(out, rows);
        }
        Effect::IndexReady { collection, index } => {
            index_head(out, tag::INDEX_READY, *collection, *index);
        }
        Effect::DropIndex { collection, index } => {
            index_head(out, tag::DROP_INDEX, *collection, *index);
        }
        Effect::ModifyIndex { collection, index, spec } => {
            index_head(out, tag::MODIFY_INDEX, *collection, *index);
            out.doc(spec);
        }
        Effect::RecordStatements { session, number, revision, statements } => {
            session_head(out, tag::RECORD_STATEMENTS, session);
            out.i64(*number);
            out.revision(*revision);
            write_statements(out, statements);
        }
        Effect::ForgetSession { session, revision } => {
            session_head(out, tag::FORGET_SESSION, session);
            out.revision(*revision);
        }
        Effect::Noop { note } => {
            out.u8(tag::NOOP);
            out.doc(note);
        }
    }
}

fn head(out: &mut Writer, tag: u8, collection: CollectionId) {
    out.u8(tag);
    out.collection(collection);
}

fn index_head(out: &mut Writer, tag: u8, collection: CollectionId, index: IndexId) {
    head(out, tag, collection);
    out.index(index);
}

fn session_head(out: &mut Writer, tag: u8, session: &SessionKey) {
    out.u8(tag);
    out.raw(&session.to_bytes());
}

/// A document as it is from a revision on, and the partial indexes that take it in.
fn write_document(out: &mut Writer, revision: Timestamp, doc: &DocBuf, partial: &[IndexId]) {
    out.revision(revision);
    out.doc(doc);
    write_indexes(out, partial);
}

fn write_optional<T>(out: &mut Writer, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
    out.flag(value.is_some());
    if let Some(value) = value {
        write(out, value);
    }
}

fn write_rows(out: &mut Writer, rows: &[(Vec<u8>, Timestamp)]) {
    out.len(rows.len());
    for (row_key, revision) in rows {
        out.bytes(row_key);
        out.revision(*revision);
    }
}

fn write_indexes(out: &mut Writer, indexes: &[IndexId]) {
    out.len(indexes.len());
    for index in indexes {
        out.index(*index);
    }
}
