//! Reading rows and index entries.
//!
//! Owns [`ReadView`]: a catalogue together with the keys it describes. Iteration is internal, so a
//! view can be kept, cloned and sent between threads, and nothing borrows from the engine.

use crate::CollectionId;
use crate::catalog::{Catalog, Index, IndexPlace};
use crate::counts::Counts;
use crate::index::split_entry;
use crate::open::{key_range, read_applied, space};
use crate::row::Row;
use quire_engine::{Direction, EngineError, EntryVisitor, Read};
use quire_keys::{Key, KeySpace, Range};
use quire_log::Applied;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// The state to read from: of one moment, or the live one (see [`crate::Documents`]).
#[derive(Clone)]
pub struct ReadView {
    reader: Arc<dyn Read>,
    catalog: Arc<Catalog>,
}

/// What a row scan calls for each row: its key and itself.
pub type VisitRow<'v> = dyn FnMut(&[u8], Row<'_>) -> ControlFlow<()> + 'v;

/// What an index scan calls for each entry: the encoded fields and the row's key.
pub type VisitEntry<'v> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'v;

impl ReadView {
    pub(crate) fn new(reader: Arc<dyn Read>, catalog: Arc<Catalog>) -> ReadView {
        ReadView { reader, catalog }
    }

    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// The position in the log that the view stands at, read from the view itself.
    pub fn applied(&self) -> Result<Applied, EngineError> {
        read_applied(self.reader.as_ref())
    }

    /// Calls `visit` with the row of this key; false when there is none.
    pub fn get_row(
        &self,
        collection: CollectionId,
        row_key: &[u8],
        visit: &mut dyn FnMut(Row<'_>),
    ) -> Result<bool, EngineError> {
        let key = Key::Row { collection: collection.0, row_key }.encode();
        let mut outcome = Ok(());
        let found =
            self.reader.get_with(
                space(KeySpace::Rows),
                &key,
                &mut |value| match Row::decode(value) {
                    Some(row) => visit(row),
                    None => outcome = Err(damaged_row(collection, row_key)),
                },
            )?;
        outcome.map(|()| found)
    }

    /// Looks up many rows at once: calls `visit` once for each key, in order, with its position.
    pub fn get_rows(
        &self,
        collection: CollectionId,
        row_keys: &[&[u8]],
        visit: &mut dyn FnMut(usize, Option<Row<'_>>),
    ) -> Result<(), EngineError> {
        let mut full = Vec::with_capacity(row_keys.iter().map(|key| 4 + key.len()).sum());
        for row_key in row_keys {
            Key::Row { collection: collection.0, row_key }.encode_into(&mut full);
        }
        let mut rest = full.as_slice();
        let mut next = |row_key: &&[u8]| {
            let (key, behind) = rest.split_at_checked(4 + row_key.len()).unwrap_or_default();
            rest = behind;
            key
        };
        let keys: Vec<&[u8]> = row_keys.iter().map(&mut next).collect();
        let mut outcome = Ok(());
        self.reader.get_many(space(KeySpace::Rows), &keys, &mut |n, value| match value {
            None => visit(n, None),
            Some(value) => match Row::decode(value) {
                Some(row) => visit(n, Some(row)),
                None => {
                    let row_key = row_keys.get(n).copied().unwrap_or_default();
                    outcome = Err(damaged_row(collection, row_key));
                }
            },
        })?;
        outcome
    }

    /// Walks the rows whose keys are in `range` until the visitor breaks.
    pub fn scan_rows(
        &self,
        collection: CollectionId,
        range: &Range,
        direction: Direction,
        visit: &mut VisitRow<'_>,
    ) -> Result<(), EngineError> {
        let full = within(Key::rows_of(collection.0), collection.0, range);
        let mut outcome = Ok(());
        let rows = space(KeySpace::Rows);
        self.reader.scan(rows, key_range(&full), direction, &mut |key, value| {
            let row_key = without_id(key);
            match Row::decode(value) {
                Some(row) => visit(row_key, row),
                None => {
                    outcome = Err(damaged_row(collection, row_key));
                    ControlFlow::Break(())
                }
            }
        })?;
        outcome
    }

    /// [`ReadView::scan_rows`] over values as they are stored, for checking them.
    pub(crate) fn scan_raw_rows(
        &self,
        collection: CollectionId,
        range: &Range,
        visit: &mut EntryVisitor<'_>,
    ) -> Result<(), EngineError> {
        let full = within(Key::rows_of(collection.0), collection.0, range);
        let rows = space(KeySpace::Rows);
        self.reader.scan(rows, key_range(&full), Direction::Forward, &mut |key, value| {
            visit(without_id(key), value)
        })
    }

    pub(crate) fn reader(&self) -> &dyn Read {
        self.reader.as_ref()
    }

    /// Walks the entries of an index until the visitor breaks. `range` is over the bytes of an
    /// entry: encoded fields, then row key. All entries of one value are the range of its encoding
    /// as a prefix, and `encoded fields + row key` is the place to resume from.
    ///
    /// The index on `_id` of a collection laid out by `_id` is read from the rows, with the row key
    /// as its only field. An index without entries shows none: see [`Index::is_usable`].
    pub fn scan_index(
        &self,
        index: &Index,
        range: &Range,
        direction: Direction,
        visit: &mut VisitEntry<'_>,
    ) -> Result<(), EngineError> {
        match index.place {
            IndexPlace::Nowhere => Ok(()),
            IndexPlace::Rows => {
                let full = within(Key::rows_of(index.collection.0), index.collection.0, range);
                let rows = space(KeySpace::Rows);
                self.reader.scan(rows, key_range(&full), direction, &mut |key, _| {
                    let row_key = without_id(key);
                    visit(row_key, row_key)
                })
            }
            IndexPlace::Entries => self.scan_entries(index, range, direction, visit),
        }
    }

    fn scan_entries(
        &self,
        index: &Index,
        range: &Range,
        direction: Direction,
        visit: &mut VisitEntry<'_>,
    ) -> Result<(), EngineError> {
        let full = within(Key::entries_of(index.id.0), index.id.0, range);
        let mut outcome = Ok(());
        let entries = space(KeySpace::Index);
        self.reader.scan(entries, key_range(&full), direction, &mut |key, _| match split_entry(
            index,
            without_id(key),
        ) {
            Some((fields, row_key)) => visit(fields, row_key),
            None => {
                let name = &index.spec.name;
                let text = format!("an entry of index {name} ({}): {key:02x?}", index.id);
                outcome = Err(EngineError::Corruption(text));
                ControlFlow::Break(())
            }
        })?;
        outcome
    }

    /// The key of a row, other than `except`, that has this key (as [`crate::keys_of`] gives it) in
    /// the index.
    pub fn holder_of(
        &self,
        index: &Index,
        key: &[u8],
        except: Option<&[u8]>,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        if index.place == IndexPlace::Rows {
            let held = except != Some(key) && self.get_row(index.collection, key, &mut |_| {})?;
            return Ok(held.then(|| key.to_vec()));
        }
        let mut holder = None;
        let range = Range::of_prefix(key);
        self.scan_index(index, &range, Direction::Forward, &mut |_, row_key| {
            if except == Some(row_key) {
                return ControlFlow::Continue(());
            }
            holder = Some(row_key.to_vec());
            ControlFlow::Break(())
        })?;
        Ok(holder)
    }

    /// The number of documents of a collection and their bytes, exact for this view.
    pub fn counts(&self, collection: CollectionId) -> Result<Counts, EngineError> {
        let key = Key::Counts { collection: collection.0 }.encode();
        match self.reader.get(space(KeySpace::Meta), &key)? {
            Some(bytes) => Counts::decode(&bytes).map_err(|why| {
                EngineError::Corruption(format!("the counts of collection {collection}: {why}"))
            }),
            None => Ok(Counts::default()),
        }
    }
}

/// A range of row keys or entries as one of full keys, which start with an id.
fn within(all: Range, id: u32, range: &Range) -> Range {
    let prefixed = |bound: &Bound<Vec<u8>>, open: Bound<Vec<u8>>| match bound {
        Bound::Included(key) => Bound::Included([&id.to_be_bytes(), key.as_slice()].concat()),
        Bound::Excluded(key) => Bound::Excluded([&id.to_be_bytes(), key.as_slice()].concat()),
        Bound::Unbounded => open,
    };
    Range { lower: prefixed(&range.lower, all.lower), upper: prefixed(&range.upper, all.upper) }
}

/// What follows the id that every row and entry key starts with.
fn without_id(key: &[u8]) -> &[u8] {
    key.get(4..).unwrap_or_default()
}

fn damaged_row(collection: CollectionId, row_key: &[u8]) -> EngineError {
    EngineError::Corruption(format!("a row of collection {collection}: {row_key:02x?}"))
}
