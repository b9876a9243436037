//! Unique values, and what has to be known of a change before the lock is taken.

use super::pending::{Pending, Written};
use super::{Change, CurrentRow, Sequencer, State};
use crate::Rules;
use quire_bson::{Bson, DocBuf, DocBuilder, RawDoc, RawValue};
use quire_documents::{
    Collection, Direction, Effect, Index, IndexId, IndexKeys, IndexPlace, KeyError, Layout, Range,
    keys_of,
};
use quire_errors::{Code, CommandError, Result};
use quire_log::Timestamp;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A change with the keys it needs, computed outside of the lock.
pub(super) struct Prepared {
    /// `None` only for an insert into a collection that is keyed by revision.
    pub(super) row_key: Option<Vec<u8>>,
    pub(super) seen: Option<CurrentRow>,
    pub(super) unindexable: Option<CommandError>,
    doc: Option<Arc<DocBuf>>,
    partial: Vec<IndexId>,
    /// Unique values before and after, the row's own key not among them.
    released: Vec<(IndexId, Vec<u8>)>,
    held: Vec<(IndexId, Vec<u8>)>,
}

/// Computes what the lock needs to know of each change.
pub(super) fn prepare(
    collection: &Collection,
    rules: &Rules,
    changes: Vec<Change>,
) -> Result<Vec<Prepared>> {
    changes.into_iter().map(|change| prepare_one(collection, rules, change)).collect()
}

fn prepare_one(collection: &Collection, rules: &Rules, change: Change) -> Result<Prepared> {
    let (row_key, seen, doc, partial) = match change {
        Change::Insert { doc, partial } => {
            let row_key = match collection.layout {
                Layout::ById => Some(collection.row_key(doc.as_raw(), Timestamp::ZERO)),
                Layout::ByRevision | Layout::View => None,
            };
            (row_key, None, Some(doc), partial)
        }
        Change::Replace { row_key, seen, doc, partial } => {
            (Some(row_key), Some(seen), Some(doc), partial)
        }
        Change::Delete { row_key, seen } => (Some(row_key), Some(seen), None, Vec::new()),
    };
    let mut prepared = Prepared {
        row_key,
        seen,
        unindexable: None,
        doc,
        partial,
        released: Vec::new(),
        held: Vec::new(),
    };
    let partial_before = match &prepared.seen {
        Some(seen) => rules.partial_of(seen.doc.as_raw())?,
        None => Vec::new(),
    };
    for index in collection.indexes.iter().filter(|index| index.place == IndexPlace::Entries) {
        prepared.note_keys(index, &partial_before);
    }
    Ok(prepared)
}

impl Prepared {
    /// `partial_before` are the partial indexes that the row is in so far.
    fn note_keys(&mut self, index: &Index, partial_before: &[IndexId]) {
        let unique = index.spec.unique || index.spec.prepare_unique;
        let partial = index.spec.partial_filter.is_some();
        if unique
            && (!partial || partial_before.contains(&index.id))
            && let Some(seen) = &self.seen
            && let Ok(keys) = keys_of(index, seen.doc.as_raw())
        {
            self.released.extend(named(index, &keys));
        }
        let Some(doc) = &self.doc else { return };
        if partial && !self.partial.contains(&index.id) {
            return;
        }
        match keys_of(index, doc.as_raw()) {
            Ok(keys) if unique => self.held.extend(named(index, &keys)),
            Ok(_) => {}
            Err(error) => self.unindexable = Some(key_error(&error)),
        }
    }

    /// The effect of an admitted change; the overlay learns of it.
    pub(super) fn into_effect(
        self,
        collection: &Collection,
        revision: Timestamp,
        pending: &mut Pending,
    ) -> Effect {
        let row_key: Arc<[u8]> = match self.row_key {
            Some(row_key) => row_key.into(),
            None => revision.0.to_be_bytes().into(),
        };
        let bytes = |doc: &DocBuf| doc.as_bytes().len() as i64;
        let growth = (
            i64::from(self.doc.is_some()) - i64::from(self.seen.is_some()),
            self.doc.as_deref().map_or(0, bytes)
                - self.seen.as_ref().map_or(0, |seen| bytes(&seen.doc)),
        );
        let inserted = self.seen.is_none();
        let id =
            self.seen.as_ref().filter(|_| self.doc.is_none()).and_then(|seen| id_of(&seen.doc));
        pending.add(Written {
            collection: collection.id,
            row_key: row_key.clone(),
            revision,
            doc: self.doc.clone(),
            released: self.released,
            held: self.held,
            growth,
        });
        let (collection, partial) = (collection.id, self.partial);
        match self.doc {
            None => Effect::DeleteRow { collection, row_key: row_key.to_vec(), revision, id },
            Some(doc) if inserted => {
                Effect::InsertRow { collection, revision, doc: owned(doc), partial }
            }
            Some(doc) => {
                let (row_key, doc) = (row_key.to_vec(), owned(doc));
                Effect::ReplaceRow { collection, row_key, revision, doc, partial }
            }
        }
    }
}

/// The `_id` of a document, alone in one.
fn id_of(doc: &DocBuf) -> Option<DocBuf> {
    let mut alone = DocBuilder::new();
    alone.append("_id", doc.as_raw().get("_id")?);
    Some(alone.finish())
}

fn owned(doc: Arc<DocBuf>) -> DocBuf {
    Arc::unwrap_or_clone(doc)
}

fn named<'a>(
    index: &'a Index,
    keys: &'a IndexKeys,
) -> impl Iterator<Item = (IndexId, Vec<u8>)> + 'a {
    keys.iter().map(|key| (index.id, key.to_vec()))
}

/// The error for a document that an index cannot hold.
pub fn key_error(error: &KeyError) -> CommandError {
    let code = match error {
        KeyError::ParallelArrays { .. } => Code::CannotIndexParallelArrays,
        KeyError::AmbiguousField { .. } => Code::Location(16746),
        KeyError::HashedArray { .. } => Code::Location(16766),
        KeyError::TooLarge => Code::Location(17280),
    };
    CommandError::new(code, error.to_string())
}

impl Sequencer {
    /// The error for the first unique value of the change that somebody else holds.
    pub(super) fn taken(
        &self,
        state: &State,
        collection: &Collection,
        change: &Prepared,
    ) -> Result<Option<CommandError>> {
        let Some(doc) = &change.doc else { return Ok(None) };
        if change.seen.is_none()
            && let Some(row_key) = &change.row_key
            && self.row_exists(state, collection, row_key)?
            && let Some(index) = collection.id_index()
        {
            return Ok(Some(duplicate(collection, index, doc.as_raw())));
        }
        for (id, value) in &change.held {
            if change.released.iter().any(|(other, old)| other == id && old == value) {
                continue;
            }
            if let Some(index) = collection.index(*id)
                && self.value_taken(state, collection, change.row_key.as_deref(), index, value)?
            {
                return Ok(Some(duplicate(collection, index, doc.as_raw())));
            }
        }
        Ok(None)
    }

    fn row_exists(&self, state: &State, collection: &Collection, row_key: &[u8]) -> Result<bool> {
        if let Some(row) = state.pending.row(collection.id, row_key) {
            return Ok(row.is_some());
        }
        self.documents
            .live()
            .get_row(collection.id, row_key, &mut |_| ())
            .map_err(crate::local_failure)
    }

    fn value_taken(
        &self,
        state: &State,
        collection: &Collection,
        row_key: Option<&[u8]>,
        index: &Index,
        value: &[u8],
    ) -> Result<bool> {
        if let Some(holder) = state.pending.holder(index.id, value) {
            return Ok(Some(holder) != row_key);
        }
        let mut taken = false;
        self.documents
            .live()
            .scan_index(index, &Range::of_prefix(value), Direction::Forward, &mut |_, holder| {
                // A pending row's values are in the overlay; what is applied of it is history.
                let pending = state.pending.row(collection.id, holder).is_some();
                taken = !pending && Some(holder) != row_key;
                if taken { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })
            .map_err(crate::local_failure)?;
        Ok(taken)
    }
}

/// MongoDB's duplicate key error with the fields drivers read.
pub fn duplicate(collection: &Collection, index: &Index, doc: RawDoc<'_>) -> CommandError {
    let mut key_value = DocBuilder::new();
    for field in &index.spec.fields {
        let value = doc_value(doc, &field.path);
        key_value.append_bson(&field.path, &value);
    }
    let key_value = key_value.finish();
    let message = format!(
        "E11000 duplicate key error collection: {} index: {} dup key: {}",
        collection.namespace,
        index.spec.name,
        quire_bson::shell_text(key_value.as_raw()),
    );
    let mut extra = DocBuilder::new();
    extra.append_doc("keyPattern", index.spec.key());
    extra.append_doc("keyValue", key_value.as_raw());
    CommandError::new(Code::DuplicateKey, message).with_extra(extra.finish().into_bytes())
}

/// The value at a dotted path, looking into documents only; null when there is none.
fn doc_value(doc: RawDoc<'_>, path: &str) -> Bson {
    let mut value = RawValue::Document(doc);
    for part in path.split('.') {
        let found = match value {
            RawValue::Document(inner) | RawValue::Array(inner) => inner.get(part),
            _ => None,
        };
        let Some(found) = found else { return Bson::Null };
        value = found;
    }
    value.to_bson()
}
