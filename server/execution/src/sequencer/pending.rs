//! Writes that are in the log's queue but not yet applied.
//!
//! Owns the overlay over the applied state that writers plan against: the newest version of each
//! pending row, and the unique values that pending rows hold. Entries leave it in the order they came,
//! when they are applied, or all at once when the log lost them.

use super::CurrentRow;
use quire_bson::DocBuf;
use quire_documents::{CollectionId, IndexId};
use quire_log::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

type RowName = (CollectionId, Vec<u8>);
type ValueName = (IndexId, Vec<u8>);

/// The newest pending version of a row; without a document it is being deleted.
#[derive(Clone, Debug)]
pub(super) struct PendingRow {
    revision: Timestamp,
    doc: Option<Arc<DocBuf>>,
}

impl PendingRow {
    pub(super) fn current(&self) -> Option<CurrentRow> {
        let doc = self.doc.clone()?;
        Some(CurrentRow { revision: self.revision, doc })
    }
}

/// Who holds a unique value.
#[derive(Clone, Debug)]
struct Holder {
    row_key: Vec<u8>,
    revision: Timestamp,
}

/// One accepted change, for the overlay.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) collection: CollectionId,
    pub(super) row_key: Vec<u8>,
    pub(super) revision: Timestamp,
    pub(super) doc: Option<Arc<DocBuf>>,
    /// Unique values the row gives up.
    pub(super) released: Vec<ValueName>,
    /// Unique values the row holds from now on.
    pub(super) held: Vec<ValueName>,
    /// By how many documents and bytes the collection grows.
    pub(super) growth: (i64, i64),
}

/// What has to be undone when a change leaves the overlay.
#[derive(Debug)]
struct Trace {
    revision: Timestamp,
    row: RowName,
    held: Vec<ValueName>,
    growth: (i64, i64),
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: HashMap<RowName, PendingRow>,
    values: HashMap<ValueName, Holder>,
    growth: HashMap<CollectionId, (i64, i64)>,
    order: VecDeque<Trace>,
}

impl Pending {
    pub(super) fn row(&self, collection: CollectionId, row_key: &[u8]) -> Option<&PendingRow> {
        if self.rows.is_empty() {
            return None;
        }
        self.rows.get(&(collection, row_key.to_vec()))
    }

    /// The pending row that holds a unique value.
    pub(super) fn holder(&self, index: IndexId, value: &[u8]) -> Option<&[u8]> {
        if self.values.is_empty() {
            return None;
        }
        self.values.get(&(index, value.to_vec())).map(|holder| holder.row_key.as_slice())
    }

    /// By how many documents and bytes pending writes grow a collection.
    pub(super) fn growth(&self, collection: CollectionId) -> (i64, i64) {
        self.growth.get(&collection).copied().unwrap_or_default()
    }

    pub(super) fn add(&mut self, written: Written) {
        let Written { collection, row_key, revision, doc, released, held, growth } = written;
        for value in released {
            if self.values.get(&value).is_some_and(|holder| holder.row_key == row_key) {
                self.values.remove(&value);
            }
        }
        for value in &held {
            let holder = Holder { row_key: row_key.clone(), revision };
            self.values.insert(value.clone(), holder);
        }
        let grown = self.growth.entry(collection).or_default();
        *grown = (grown.0 + growth.0, grown.1 + growth.1);
        self.rows.insert((collection, row_key.clone()), PendingRow { revision, doc });
        self.order.push_back(Trace { revision, row: (collection, row_key), held, growth });
    }

    /// Forgets what has been applied.
    pub(super) fn forget_through(&mut self, applied: Timestamp) {
        while self.order.front().is_some_and(|oldest| oldest.revision <= applied) {
            if let Some(trace) = self.order.pop_front() {
                self.forget(trace);
            }
        }
    }

    /// Takes back what was never proposed.
    ///
    /// An older pending version of such a row is not restored: its writer's successor then reads the
    /// applied row, sees another revision than the log will give it, and evaluates again.
    pub(super) fn forget_above(&mut self, proposed: Timestamp) {
        while self.order.back().is_some_and(|newest| newest.revision > proposed) {
            if let Some(trace) = self.order.pop_back() {
                self.forget(trace);
            }
        }
    }

    fn forget(&mut self, trace: Trace) {
        let Trace { revision, row, held, growth } = trace;
        if let Some(grown) = self.growth.get_mut(&row.0) {
            *grown = (grown.0 - growth.0, grown.1 - growth.1);
            if *grown == (0, 0) {
                self.growth.remove(&row.0);
            }
        }
        if self.rows.get(&row).is_some_and(|pending| pending.revision == revision) {
            self.rows.remove(&row);
        }
        for value in held {
            if self.values.get(&value).is_some_and(|holder| holder.revision == revision) {
                self.values.remove(&value);
            }
        }
    }
}
