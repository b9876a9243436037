//! Writes that are in the log's queue but not yet applied.
//!
//! Owns the overlay over the applied state that writers plan against: the newest version of each
//! pending row, and who holds or gave up a unique value. Versions leave it from the old end when they
//! are applied, and from the new end when the log refused them, so both kinds are kept in order.

use super::CurrentRow;
use quire_bson::DocBuf;
use quire_documents::{CollectionId, IndexId};
use quire_log::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

type RowName = (CollectionId, Vec<u8>);
pub(super) type ValueName = (IndexId, Vec<u8>);

/// The pending versions of one thing, oldest first; never empty.
type Versions<T> = VecDeque<(Timestamp, T)>;

/// A pending row; without a document it is being deleted.
pub(super) type PendingRow = Option<Arc<DocBuf>>;

/// The row that holds a unique value; nobody, once it was given up.
type Holder = Option<Vec<u8>>;

/// One accepted change, for the overlay.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) collection: CollectionId,
    pub(super) row_key: Vec<u8>,
    pub(super) revision: Timestamp,
    pub(super) doc: PendingRow,
    /// Unique values the row gives up.
    pub(super) released: Vec<ValueName>,
    /// Unique values the row holds from now on.
    pub(super) held: Vec<ValueName>,
    /// By how many documents and bytes the collection grows.
    pub(super) growth: (i64, i64),
}

/// What a change put into the overlay.
#[derive(Debug)]
struct Trace {
    revision: Timestamp,
    row: RowName,
    values: Vec<ValueName>,
    growth: (i64, i64),
}

/// What the pending changes of one collection add up to.
#[derive(Debug, Default)]
struct Growth {
    documents: i64,
    bytes: i64,
    /// How many changes that is. A sum of zero does not mean that there are none.
    changes: u64,
}

#[derive(Debug, Default)]
pub(super) struct Pending {
    rows: HashMap<RowName, Versions<PendingRow>>,
    values: HashMap<ValueName, Versions<Holder>>,
    growth: HashMap<CollectionId, Growth>,
    order: VecDeque<Trace>,
}

/// Which end of the versions a change leaves from.
#[derive(Clone, Copy)]
enum End {
    Applied,
    Refused,
}

impl Growth {
    fn add(&mut self, (documents, bytes): (i64, i64)) {
        self.documents = self.documents.saturating_add(documents);
        self.bytes = self.bytes.saturating_add(bytes);
        self.changes = self.changes.saturating_add(1);
    }

    fn subtract(&mut self, (documents, bytes): (i64, i64)) {
        self.documents = self.documents.saturating_sub(documents);
        self.bytes = self.bytes.saturating_sub(bytes);
        self.changes = self.changes.saturating_sub(1);
    }
}

impl Pending {
    /// The newest pending version of a row: `Some(None)` when it is being deleted.
    pub(super) fn row(
        &self,
        collection: CollectionId,
        row_key: &[u8],
    ) -> Option<Option<CurrentRow>> {
        if self.rows.is_empty() {
            return None;
        }
        let (revision, doc) = self.rows.get(&(collection, row_key.to_vec()))?.back()?;
        Some(doc.clone().map(|doc| CurrentRow { revision: *revision, doc }))
    }

    /// The pending row that holds a unique value.
    pub(super) fn holder(&self, index: IndexId, value: &[u8]) -> Option<&[u8]> {
        if self.values.is_empty() {
            return None;
        }
        let (_, holder) = self.values.get(&(index, value.to_vec()))?.back()?;
        holder.as_deref()
    }

    /// By how many documents and bytes pending writes grow a collection.
    pub(super) fn growth(&self, collection: CollectionId) -> (i64, i64) {
        self.growth.get(&collection).map_or((0, 0), |grown| (grown.documents, grown.bytes))
    }

    /// The rows of a collection that pending writes insert and do not delete again, oldest first, in
    /// their newest versions.
    pub(super) fn inserted(
        &self,
        collection: CollectionId,
    ) -> impl Iterator<Item = (&[u8], CurrentRow)> {
        let inserts = self.order.iter().filter(move |t| t.row.0 == collection && t.growth.0 > 0);
        inserts.filter_map(move |trace| {
            let row = self.row(collection, &trace.row.1)??;
            Some((trace.row.1.as_slice(), row))
        })
    }

    /// The key of the row that was written last.
    pub(super) fn newest_row(&self, collection: CollectionId) -> Option<&[u8]> {
        let newest = self.order.iter().rfind(|trace| trace.row.0 == collection)?;
        Some(&newest.row.1)
    }

    pub(super) fn add(&mut self, written: Written) {
        let Written { collection, row_key, revision, doc, released, held, growth } = written;
        for value in &released {
            self.values.entry(value.clone()).or_default().push_back((revision, None));
        }
        for value in &held {
            let holder = Some(row_key.clone());
            self.values.entry(value.clone()).or_default().push_back((revision, holder));
        }
        self.growth.entry(collection).or_default().add(growth);
        let row = (collection, row_key);
        self.rows.entry(row.clone()).or_default().push_back((revision, doc));
        let values = released.into_iter().chain(held).collect();
        self.order.push_back(Trace { revision, row, values, growth });
    }

    /// Forgets what has been applied.
    pub(super) fn forget_through(&mut self, applied: Timestamp) {
        while self.order.front().is_some_and(|oldest| oldest.revision <= applied) {
            if let Some(trace) = self.order.pop_front() {
                self.forget(trace, End::Applied);
            }
        }
    }

    /// Takes back what the log refused; the versions before it stand again.
    pub(super) fn forget_above(&mut self, proposed: Timestamp) {
        while self.order.back().is_some_and(|newest| newest.revision > proposed) {
            if let Some(trace) = self.order.pop_back() {
                self.forget(trace, End::Refused);
            }
        }
    }

    fn forget(&mut self, trace: Trace, end: End) {
        let Trace { revision, row, values, growth } = trace;
        if let Some(grown) = self.growth.get_mut(&row.0) {
            grown.subtract(growth);
            if grown.changes == 0 {
                self.growth.remove(&row.0);
            }
        }
        for value in &values {
            forget_version(&mut self.values, value, revision, end);
        }
        forget_version(&mut self.rows, &row, revision, end);
    }
}

fn forget_version<K: Eq + Hash, T>(
    map: &mut HashMap<K, Versions<T>>,
    key: &K,
    revision: Timestamp,
    end: End,
) {
    let Some(versions) = map.get_mut(key) else { return };
    match end {
        End::Applied => {
            while versions.front().is_some_and(|(version, _)| *version <= revision) {
                versions.pop_front();
            }
        }
        End::Refused => {
            while versions.back().is_some_and(|(version, _)| *version >= revision) {
                versions.pop_back();
            }
        }
    }
    if versions.is_empty() {
        map.remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::{Pending, Written};
    use quire_bson::{DocBuf, doc};
    use quire_documents::{CollectionId, IndexId};
    use quire_log::Timestamp;
    use std::sync::Arc;

    const COLLECTION: CollectionId = CollectionId(1);
    const INDEX: IndexId = IndexId(2);

    fn write(revision: u64, n: Option<i32>) -> Written {
        Written {
            collection: COLLECTION,
            row_key: b"row".to_vec(),
            revision: Timestamp(revision),
            doc: n.map(|n| Arc::new(DocBuf::from(&doc! {"n": n}))),
            released: vec![(INDEX, b"old".to_vec())],
            held: vec![(INDEX, b"new".to_vec())],
            growth: (1, 10),
        }
    }

    fn newest(pending: &Pending) -> Option<Option<Timestamp>> {
        Some(pending.row(COLLECTION, b"row")?.map(|row| row.revision))
    }

    #[test]
    fn a_refused_version_gives_way_to_the_one_before_it() {
        let mut pending = Pending::default();
        pending.add(write(1, Some(1)));
        pending.add(write(2, None));
        assert_eq!(newest(&pending), Some(None));
        pending.forget_above(Timestamp(1));
        assert_eq!(newest(&pending), Some(Some(Timestamp(1))));
        assert_eq!(pending.holder(INDEX, b"new"), Some(&b"row"[..]));
        assert_eq!(pending.growth(COLLECTION), (1, 10));
    }

    #[test]
    fn an_applied_version_leaves_the_newer_ones() {
        let mut pending = Pending::default();
        pending.add(write(1, Some(1)));
        pending.add(write(2, Some(2)));
        pending.forget_through(Timestamp(1));
        assert_eq!(newest(&pending), Some(Some(Timestamp(2))));
        pending.forget_through(Timestamp(2));
        assert_eq!(newest(&pending), None);
        assert_eq!(pending.holder(INDEX, b"new"), None);
        assert_eq!(pending.growth(COLLECTION), (0, 0));
    }

    #[test]
    fn a_value_given_up_is_held_by_nobody() {
        let mut pending = Pending::default();
        let mut first = write(1, Some(1));
        first.held = vec![(INDEX, b"old".to_vec())];
        first.released.clear();
        pending.add(first);
        assert_eq!(pending.holder(INDEX, b"old"), Some(&b"row"[..]));
        pending.add(write(2, Some(2)));
        assert_eq!(pending.holder(INDEX, b"old"), None);
        pending.forget_above(Timestamp(1));
        assert_eq!(pending.holder(INDEX, b"old"), Some(&b"row"[..]));
    }

    #[test]
    fn growth_that_passes_zero_on_the_way_is_that_of_what_is_left() {
        let growing = |revision, growth| Written { growth, ..write(revision, Some(1)) };
        let mut pending = Pending::default();
        // One batch inserts and evicts, the next one has inserted when the first is applied.
        pending.add(growing(1, (1, 10)));
        pending.add(growing(2, (-1, -10)));
        pending.add(growing(3, (1, 10)));
        pending.forget_through(Timestamp(2));
        assert_eq!(pending.growth(COLLECTION), (1, 10));
        // The same from the other end.
        pending.add(growing(4, (-1, -10)));
        pending.add(growing(5, (1, 10)));
        pending.add(growing(6, (-2, -20)));
        pending.forget_above(Timestamp(3));
        assert_eq!(pending.growth(COLLECTION), (1, 10));
        pending.forget_through(Timestamp(3));
        assert_eq!(pending.growth(COLLECTION), (0, 0));
        assert!(pending.growth.is_empty(), "nothing is kept of what is gone");
    }
}
