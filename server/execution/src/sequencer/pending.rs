//! Writes that are in the log's queue but not yet applied.
//!
//! Owns the overlay over the applied state that writers plan against: the newest version of each
//! pending row, and who holds or gave up a unique value. Versions leave it from the old end when they
//! are applied, and from the new end when the log refused them, so both kinds are kept in order.

use super::CurrentRow;
use hashbrown::hash_map::Entry;
use hashbrown::{Equivalent, HashMap};
use quire_bson::DocBuf;
use quire_documents::{CollectionId, IndexId};
use quire_log::Timestamp;
use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::Arc;

/// A key within one of several that have keys: of a row, or of a value. Shared, because the overlay
/// has it in several places.
type Name<Id> = (Id, Arc<[u8]>);
type RowName = Name<CollectionId>;
type ValueName = Name<IndexId>;

/// The same, for looking it up.
#[derive(Hash)]
struct Borrowed<'a, Id>(Id, &'a [u8]);

/// A pending row; without a document it is being deleted.
pub(super) type PendingRow = Option<Arc<DocBuf>>;

/// The row that holds a unique value; nobody, once it was given up.
type Holder = Option<Arc<[u8]>>;

/// One accepted change, for the overlay.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) collection: CollectionId,
    pub(super) row_key: Arc<[u8]>,
    pub(super) revision: Timestamp,
    pub(super) doc: PendingRow,
    /// Unique values the row gives up.
    pub(super) released: Vec<(IndexId, Vec<u8>)>,
    /// Unique values the row holds from now on.
    pub(super) held: Vec<(IndexId, Vec<u8>)>,
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

/// The pending versions of one thing. There is hardly ever more than one.
#[derive(Debug)]
struct Versions<T> {
    /// Oldest first.
    older: VecDeque<(Timestamp, T)>,
    newest: (Timestamp, T),
}

/// Which end of the versions a change leaves from.
#[derive(Clone, Copy)]
enum End {
    Applied,
    Refused,
}

impl<Id: Eq> Equivalent<Name<Id>> for Borrowed<'_, Id> {
    fn equivalent(&self, name: &Name<Id>) -> bool {
        self.0 == name.0 && *self.1 == *name.1
    }
}

impl<T> Versions<T> {
    fn add(&mut self, version: Timestamp, state: T) {
        self.older.push_back(std::mem::replace(&mut self.newest, (version, state)));
    }

    /// Forgets a version and those beyond it. False when none is left, and they are to be dropped.
    fn outlives(&mut self, revision: Timestamp, end: End) -> bool {
        match end {
            End::Applied => {
                while self.older.front().is_some_and(|(version, _)| *version <= revision) {
                    self.older.pop_front();
                }
                self.newest.0 > revision
            }
            End::Refused => {
                while self.newest.0 >= revision {
                    let Some(before) = self.older.pop_back() else { return false };
                    self.newest = before;
                }
                true
            }
        }
    }
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
        let (revision, doc) = &self.rows.get(&Borrowed(collection, row_key))?.newest;
        Some(doc.clone().map(|doc| CurrentRow { revision: *revision, doc }))
    }

    /// The pending row that holds a unique value.
    pub(super) fn holder(&self, index: IndexId, value: &[u8]) -> Option<&[u8]> {
        if self.values.is_empty() {
            return None;
        }
        let (_, holder) = &self.values.get(&Borrowed(index, value))?.newest;
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
            Some((&*trace.row.1, row))
        })
    }

    /// The key of the row that was written last.
    pub(super) fn newest_row(&self, collection: CollectionId) -> Option<&[u8]> {
        let newest = self.order.iter().rfind(|trace| trace.row.0 == collection)?;
        Some(&newest.row.1)
    }

    pub(super) fn add(&mut self, written: Written) {
        let Written { collection, row_key, revision, doc, released, held, growth } = written;
        let mut values = Vec::with_capacity(released.len() + held.len());
        let holders = released.into_iter().map(|value| (value, None));
        let holder = |value| (value, Some(row_key.clone()));
        for ((index, value), holder) in holders.chain(held.into_iter().map(holder)) {
            let name: ValueName = (index, value.into());
            add_version(&mut self.values, name.clone(), revision, holder);
            values.push(name);
        }
        self.growth.entry(collection).or_default().add(growth);
        let row = (collection, row_key);
        add_version(&mut self.rows, row.clone(), revision, doc);
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
        for value in values {
            forget_version(&mut self.values, value, revision, end);
        }
        forget_version(&mut self.rows, row, revision, end);
    }
}

fn add_version<Id: Eq + Hash, T>(
    map: &mut HashMap<Name<Id>, Versions<T>>,
    name: Name<Id>,
    version: Timestamp,
    state: T,
) {
    match map.entry(name) {
        Entry::Occupied(mut known) => known.get_mut().add(version, state),
        Entry::Vacant(unknown) => {
            unknown.insert(Versions { older: VecDeque::new(), newest: (version, state) });
        }
    }
}

fn forget_version<Id: Eq + Hash, T>(
    map: &mut HashMap<Name<Id>, Versions<T>>,
    name: Name<Id>,
    revision: Timestamp,
    end: End,
) {
    if let Entry::Occupied(mut known) = map.entry(name)
        && !known.get_mut().outlives(revision, end)
    {
        known.remove();
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
            row_key: Arc::from(&b"row"[..]),
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
