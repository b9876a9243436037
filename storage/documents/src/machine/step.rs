//! One step of the state machine: effects in, one batch out.
//!
//! Owns the changes between what the engine holds and what it will hold. A later effect of a step
//! sees the rows, counts and catalogue that an earlier one made. Total: an effect on something that
//! is not there changes nothing and is counted; only the engine can fail.

mod recording;

pub(super) use recording::Origin;

use crate::catalog::{Catalog, Collection, Index, IndexState};
use crate::counts::Counts;
use crate::effect::Effect;
use crate::index::{IndexKeys, keys_of};
use crate::open::{encode_applied, space};
use crate::row::Row;
use crate::session::{SessionHeader, SessionKey};
use crate::{CollectionId, IndexId};
use quire_bson::RawDoc;
use quire_engine::{Batch, Engine, EngineError};
use quire_keys::{Key, KeySpace, Range};
use quire_log::{Applied, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

pub(super) struct Step<'a> {
    engine: &'a dyn Engine,
    batch: Batch,
    before: Arc<Catalog>,
    catalog: Arc<Catalog>,
    /// Collections whose catalogue record is to be written or deleted.
    edited: BTreeSet<CollectionId>,
    counts_before: &'a BTreeMap<CollectionId, Counts>,
    /// `None` for a collection that is gone.
    counts: BTreeMap<CollectionId, Option<Counts>>,
    /// Rows this step has written (`None`: deleted), borrowed from the effects.
    rows: BTreeMap<(CollectionId, Vec<u8>), Option<Row<'a>>>,
    /// Records of sessions that this step has written; `None` where one was forgotten.
    sessions: BTreeMap<SessionKey, Option<SessionHeader>>,
    /// The entry that is being applied.
    origin: Origin,
    configuration: Option<Arc<[u8]>>,
    /// Effects of this step are left out, as none were before.
    left_out: bool,
    refused: u64,
    /// For a key, kept over the effects of a step.
    key: Vec<u8>,
}

/// What a step leads to.
pub(super) struct Outcome {
    pub(super) batch: Batch,
    /// The new catalogue when it is another one.
    pub(super) catalog: Option<Arc<Catalog>>,
    /// What changed; `None` for a collection that is gone.
    pub(super) counts: BTreeMap<CollectionId, Option<Counts>>,
    pub(super) refused: u64,
}

/// The row that is there now: written by this step or read from the engine.
enum Present<'a> {
    Pending(Row<'a>),
    Stored(Vec<u8>),
}

impl Present<'_> {
    fn row(&self) -> Option<Row<'_>> {
        match self {
            Present::Pending(row) => Some(*row),
            Present::Stored(bytes) => Row::decode(bytes),
        }
    }
}

impl<'a> Step<'a> {
    /// `bytes` are those of the entries, and so about those of what they will write.
    pub(super) fn new(
        engine: &'a dyn Engine,
        catalog: Arc<Catalog>,
        counts: &'a BTreeMap<CollectionId, Counts>,
        bytes: usize,
    ) -> Step<'a> {
        Step {
            engine,
            // Each row's key is written besides, and what it is written with.
            batch: Batch::with_capacity(bytes.saturating_add(bytes / 8 + 256)),
            before: Arc::clone(&catalog),
            catalog,
            edited: BTreeSet::new(),
            counts_before: counts,
            counts: BTreeMap::new(),
            rows: BTreeMap::new(),
            sessions: BTreeMap::new(),
            origin: Origin::default(),
            configuration: None,
            left_out: false,
            refused: 0,
            key: Vec::new(),
        }
    }

    /// Marks the store as one that effects were left out of.
    pub(super) fn leave_out(&mut self) {
        self.left_out = true;
    }

    /// Keeps the payload of a configuration entry.
    pub(super) fn set_configuration(&mut self, payload: Option<Arc<[u8]>>) {
        self.configuration = payload;
    }

    pub(super) fn apply(&mut self, effect: &'a Effect) -> Result<(), EngineError> {
        match effect {
            Effect::InsertRow { collection, revision, doc, partial } => {
                let row = Row { revision: *revision, doc: doc.as_raw() };
                self.insert(*collection, row, partial);
                Ok(())
            }
            Effect::ReplaceRow { collection, row_key, revision, doc, partial } => {
                let row = Row { revision: *revision, doc: doc.as_raw() };
                self.replace(*collection, row_key, row, partial)
            }
            Effect::DeleteRow { collection, row_key, .. } => self.delete(*collection, row_key),
            Effect::IndexRows { collection, index, rows } => {
                self.index_rows(*collection, *index, rows)
            }
            Effect::RecordStatements { session, number, revision, statements } => {
                self.record(*session, *number, *revision, statements)
            }
            Effect::ForgetSession { session, revision } => self.forget(*session, *revision),
            Effect::Noop { .. } => Ok(()),
            Effect::CreateCollection { .. }
            | Effect::DropCollection { .. }
            | Effect::RenameCollection { .. }
            | Effect::ModifyCollection { .. }
            | Effect::CreateIndex { .. }
            | Effect::IndexReady { .. }
            | Effect::DropIndex { .. }
            | Effect::ModifyIndex { .. } => {
                self.change_catalog(effect);
                Ok(())
            }
        }
    }

    /// Adds what is written once a step, and ends it.
    pub(super) fn finish(mut self, position: Applied) -> Outcome {
        let meta = space(KeySpace::Meta);
        for id in &self.edited {
            let key = Key::Collection { collection: id.0 }.encode();
            match self.catalog.collection(*id) {
                Some(collection) => self.batch.put(meta, &key, &collection.encode()),
                None => self.batch.delete(meta, &key),
            }
        }
        for (id, counts) in &self.counts {
            let key = Key::Counts { collection: id.0 }.encode();
            match counts {
                Some(counts) => self.batch.put(meta, &key, &counts.encode()),
                None => self.batch.delete(meta, &key),
            }
        }
        if self.catalog.next_ids() != self.before.next_ids() {
            let ids = self.catalog.next_ids().encode();
            self.batch.put(meta, &Key::Counters.encode(), &ids);
        }
        if let Some(payload) = &self.configuration {
            self.batch.put(meta, &Key::Configuration.encode(), payload);
        }
        if self.left_out {
            self.batch.put(meta, &Key::Hollow.encode(), &[]);
        }
        self.batch.put(meta, &Key::Applied.encode(), &encode_applied(position));
        let changed = !Arc::ptr_eq(&self.catalog, &self.before);
        let Step { batch, catalog, counts, refused, .. } = self;
        Outcome { batch, catalog: changed.then_some(catalog), counts, refused }
    }

    // --- rows ---

    fn insert(&mut self, id: CollectionId, row: Row<'a>, partial: &[IndexId]) {
        let Some(collection) = self.collection_with_rows(id) else { return };
        let row_key = collection.row_key(row.doc, row.revision);
        self.count(id, |counts| counts.add(row.doc.as_bytes().len()));
        for index in collection.indexes.iter().filter(|index| index.is_maintained()) {
            let keys = self.wanted_keys(index, row.doc, partial);
            for key in keys.iter() {
                self.put_entry(index.id, key, &row_key);
            }
        }
        self.put_row(id, row_key, row);
    }

    fn replace(
        &mut self,
        id: CollectionId,
        row_key: &[u8],
        row: Row<'a>,
        partial: &[IndexId],
    ) -> Result<(), EngineError> {
        let Some(collection) = self.collection_with_rows(id) else { return Ok(()) };
        let present = self.present(id, row_key)?;
        let old = present.as_ref().and_then(Present::row);
        if old.is_none() {
            self.refused = self.refused.saturating_add(1);
        }
        self.count(id, |counts| {
            if let Some(old) = old {
                counts.subtract(old.doc.as_bytes().len());
            }
            counts.add(row.doc.as_bytes().len());
        });
        for index in collection.indexes.iter().filter(|index| index.is_maintained()) {
            let old_keys = old.map_or_else(IndexKeys::default, |old| usable_keys(index, old.doc));
            let new_keys = self.wanted_keys(index, row.doc, partial);
            for key in old_keys.iter().filter(|key| !new_keys.contains(key)) {
                self.delete_entry(index.id, key, row_key);
            }
            // An old key says nothing about an old entry while the build has not come to the row,
            // or when the old document may have failed the filter.
            let complete = index.state == IndexState::Ready && index.spec.partial_filter.is_none();
            for key in new_keys.iter().filter(|key| !(complete && old_keys.contains(key))) {
                self.put_entry(index.id, key, row_key);
            }
        }
        self.put_row(id, row_key.to_vec(), row);
        Ok(())
    }

    fn delete(&mut self, id: CollectionId, row_key: &[u8]) -> Result<(), EngineError> {
        let Some(collection) = self.collection_with_rows(id) else { return Ok(()) };
        let Some(present) = self.present(id, row_key)? else {
            self.refused = self.refused.saturating_add(1);
            return Ok(());
        };
        if let Some(old) = present.row() {
            self.count(id, |counts| counts.subtract(old.doc.as_bytes().len()));
            for index in collection.indexes.iter().filter(|index| index.is_maintained()) {
                for key in usable_keys(index, old.doc).iter() {
                    self.delete_entry(index.id, key, row_key);
                }
            }
        }
        self.key(Key::Row { collection: id.0, row_key });
        self.batch.delete(space(KeySpace::Rows), &self.key);
        self.rows.insert((id, row_key.to_vec()), None);
        Ok(())
    }

    fn put_row(&mut self, id: CollectionId, row_key: Vec<u8>, row: Row<'a>) {
        let key = Key::Row { collection: id.0, row_key: &row_key };
        let value = |out: &mut Vec<u8>| row.encode_into(out);
        self.batch.put_with(space(KeySpace::Rows), |out| key.encode_into(out), value);
        self.rows.insert((id, row_key), Some(row));
    }

    fn present(
        &mut self,
        id: CollectionId,
        row_key: &[u8],
    ) -> Result<Option<Present<'a>>, EngineError> {
        if let Some(row) = self.rows.get(&(id, row_key.to_vec())) {
            return Ok(row.map(Present::Pending));
        }
        self.key(Key::Row { collection: id.0, row_key });
        let stored = self.engine.get(space(KeySpace::Rows), &self.key)?;
        match stored {
            None => Ok(None),
            Some(bytes) if Row::decode(&bytes).is_some() => Ok(Some(Present::Stored(bytes))),
            Some(_) => {
                Err(EngineError::Corruption(format!("a row of collection {id}: {row_key:02x?}")))
            }
        }
    }

    // --- index entries ---

    fn index_rows(
        &mut self,
        id: CollectionId,
        index: IndexId,
        rows: &[(Vec<u8>, Timestamp)],
    ) -> Result<(), EngineError> {
        let Some(collection) = self.collection_with_rows(id) else { return Ok(()) };
        let Some(index) = collection.index(index).filter(|index| index.is_maintained()) else {
            self.refused = self.refused.saturating_add(1);
            return Ok(());
        };
        for (row_key, expected) in rows {
            let present = self.present(id, row_key)?;
            let row = present.as_ref().and_then(Present::row);
            if let Some(row) = row.filter(|row| row.revision == *expected) {
                let keys = usable_keys(index, row.doc);
                self.note_multikey(index, &keys);
                for key in keys.iter() {
                    self.put_entry(index.id, key, row_key);
                }
            }
        }
        Ok(())
    }

    /// The keys to be written for a new document: none when the index's filter does not want it.
    fn wanted_keys(&mut self, index: &Index, doc: RawDoc<'_>, partial: &[IndexId]) -> IndexKeys {
        if index.spec.partial_filter.is_some() && !partial.contains(&index.id) {
            return IndexKeys::default();
        }
        let keys = usable_keys(index, doc);
        self.note_multikey(index, &keys);
        keys
    }

    fn note_multikey(&mut self, index: &Index, keys: &IndexKeys) {
        let known = self.catalog.collection(index.collection).and_then(|c| c.index(index.id));
        if known.is_some_and(|known| keys.multikey() & !known.multikey != 0) {
            let catalog = Arc::make_mut(&mut self.catalog);
            catalog.add_multikey(index.collection, index.id, keys.multikey());
            self.edited.insert(index.collection);
        }
    }

    fn put_entry(&mut self, index: IndexId, key: &[u8], row_key: &[u8]) {
        let key = |out: &mut Vec<u8>| encode_entry(index, key, row_key, out);
        self.batch.put_with(space(KeySpace::Index), key, |_| ());
    }

    fn delete_entry(&mut self, index: IndexId, key: &[u8], row_key: &[u8]) {
        self.key.clear();
        encode_entry(index, key, row_key, &mut self.key);
        self.batch.delete(space(KeySpace::Index), &self.key);
    }

    fn key(&mut self, key: Key<'_>) {
        self.key.clear();
        key.encode_into(&mut self.key);
    }

    // --- catalogue and counts ---

    fn change_catalog(&mut self, effect: &Effect) {
        let dropped = match effect {
            Effect::DropCollection { id } => Some(*id),
            Effect::RenameCollection { drop_target, .. } => *drop_target,
            _ => None,
        };
        let dropped = dropped.and_then(|id| self.catalog.collection(id)).cloned();
        if Arc::make_mut(&mut self.catalog).change(effect).is_err() {
            self.refused = self.refused.saturating_add(1);
            return;
        }
        self.edited.extend(effect.collection());
        if let Some(dropped) = dropped {
            self.edited.insert(dropped.id);
            self.drop_keys(&dropped);
        }
        if let Effect::CreateCollection { id, .. } = effect {
            self.count(*id, |_| {});
        }
        if let Effect::DropIndex { index, .. } = effect {
            self.delete_range(KeySpace::Index, &Key::entries_of(index.0));
        }
    }

    /// Deletes the rows and index entries of a collection that is gone.
    fn drop_keys(&mut self, collection: &Collection) {
        self.counts.insert(collection.id, None);
        if collection.is_view() {
            return;
        }
        self.delete_range(KeySpace::Rows, &Key::rows_of(collection.id.0));
        for index in collection.indexes.iter().filter(|index| index.is_maintained()) {
            self.delete_range(KeySpace::Index, &Key::entries_of(index.id.0));
        }
    }

    /// Deletes the keys of one id, whose range always has both ends but for the very last id.
    fn delete_range(&mut self, key_space: KeySpace, range: &Range) {
        if let (Bound::Included(from), Bound::Excluded(to)) = (&range.lower, &range.upper) {
            self.batch.delete_range(space(key_space), from, to);
        }
    }

    fn count(&mut self, id: CollectionId, change: impl FnOnce(&mut Counts)) {
        let before = self.counts_before.get(&id).copied();
        let counts = self.counts.entry(id).or_insert(before);
        change(counts.get_or_insert_default());
    }

    /// The collection of an effect on rows; counts the effect as refused when there is none.
    fn collection_with_rows(&mut self, id: CollectionId) -> Option<Arc<Collection>> {
        let found = self.catalog.collection(id).filter(|c| !c.is_view()).cloned();
        if found.is_none() {
            self.refused = self.refused.saturating_add(1);
        }
        found
    }
}

/// The keys of a document that the leader has found fit to be indexed; none if it was not.
fn usable_keys(index: &Index, doc: RawDoc<'_>) -> IndexKeys {
    keys_of(index, doc).unwrap_or_default()
}

/// The key of an index entry.
fn encode_entry(index: IndexId, key: &[u8], row_key: &[u8], out: &mut Vec<u8>) {
    Key::Index { index: index.0, entry: key }.encode_into(out);
    out.extend_from_slice(row_key);
}
