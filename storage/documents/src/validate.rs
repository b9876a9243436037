//! Checking that rows, index entries and counts of a collection agree.
//!
//! Owns the check behind the `validate` command and behind the crash tests. Reads one view and
//! changes nothing. Memory stays small: every row's keys are looked up in the indexes, then every
//! entry's row is looked up, so nothing has to be collected.

use crate::catalog::{Collection, Index, IndexPlace, IndexState};
use crate::codec::is_document;
use crate::index::keys_of;
use crate::open::space;
use crate::row::Row;
use crate::{Counts, ReadView};
use quire_bson::RawDoc;
use quire_engine::{Direction, EngineError};
use quire_keys::{KeySpace, Range};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// How many findings of a report are kept in words; all are counted.
const FINDINGS_MAX: usize = 100;

/// How many rows or entries are looked up at once.
const CHUNK: usize = 512;

/// Tells whether a partial index wants a document. The filter is the query language's business, so
/// whoever has one evaluates it; without one a partial index is not searched for missing entries.
pub type Membership<'m> = dyn Fn(&Index, RawDoc<'_>) -> bool + 'm;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// The documents and bytes that were walked.
    pub counts: Counts,
    /// The number of entries of each index by its name.
    pub keys_per_index: BTreeMap<String, u64>,
    /// The number of findings.
    pub errors: u64,
    /// The first findings in words, with the index they are about.
    pub findings: Vec<(Option<String>, String)>,
}

impl Report {
    pub fn is_valid(&self) -> bool {
        self.errors == 0
    }

    fn add(&mut self, index: Option<&Index>, text: String) {
        self.errors = self.errors.saturating_add(1);
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push((index.map(|index| index.spec.name.clone()), text));
        }
    }
}

impl ReadView {
    /// Checks a collection and all its indexes.
    pub fn validate(
        &self,
        collection: &Collection,
        member: Option<&Membership<'_>>,
    ) -> Result<Report, EngineError> {
        let mut report = Report::default();
        if collection.is_view() {
            return Ok(report);
        }
        self.check_rows(collection, member, &mut report)?;
        let counted = self.counts(collection.id)?;
        if counted != report.counts {
            let walked = report.counts;
            report.add(None, format!("the counts say {counted:?}, the rows are {walked:?}"));
        }
        for index in &collection.indexes {
            let entries = match index.place {
                IndexPlace::Rows => report.counts.documents,
                IndexPlace::Nowhere => 0,
                IndexPlace::Entries => match self.check_entries(index, member, &mut report) {
                    // an unreadable entry or row ends the check of this index only
                    Err(EngineError::Corruption(text)) => {
                        report.add(Some(index), text);
                        0
                    }
                    checked => checked?,
                },
            };
            report.keys_per_index.insert(index.spec.name.clone(), entries);
        }
        Ok(report)
    }

    /// Walks the rows a chunk at a time and looks up the entries they should have.
    fn check_rows(
        &self,
        collection: &Collection,
        member: Option<&Membership<'_>>,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let mut range = Range::ALL;
        loop {
            let mut expected = Expected::default();
            let mut last = None;
            let mut rows = 0;
            self.scan_raw_rows(collection.id, &range, &mut |row_key, value| {
                check_row(collection, row_key, value, member, report, &mut expected);
                rows += 1;
                if rows < CHUNK {
                    return ControlFlow::Continue(());
                }
                last = Some(row_key.to_vec());
                ControlFlow::Break(())
            })?;
            self.look_up(collection, &expected, report)?;
            match last {
                Some(row_key) => range.lower = std::ops::Bound::Excluded(row_key),
                None => return Ok(()),
            }
        }
    }

    fn look_up(
        &self,
        collection: &Collection,
        expected: &Expected,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let keys: Vec<&[u8]> = expected.keys.iter().map(Vec::as_slice).collect();
        let mut missing = Vec::new();
        self.reader().get_many(space(KeySpace::Index), &keys, &mut |n, value| {
            if value.is_none() {
                missing.push(n);
            }
        })?;
        for n in missing {
            let at = expected.indexes.get(n).and_then(|at| collection.indexes.get(*at));
            let key = keys.get(n).copied().unwrap_or_default();
            report.add(at.map(AsRef::as_ref), format!("a row's entry is missing: {key:02x?}"));
        }
        Ok(())
    }

    /// Walks the entries of an index: each must be a key of the row it names. Gives their number.
    fn check_entries(
        &self,
        index: &Index,
        member: Option<&Membership<'_>>,
        report: &mut Report,
    ) -> Result<u64, EngineError> {
        let mut entries = 0_u64;
        let mut range = Range::ALL;
        let mut previous: Option<Vec<u8>> = None;
        let unique = index.spec.unique && index.state == IndexState::Ready;
        loop {
            let mut chunk: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            self.scan_index(index, &range, Direction::Forward, &mut |fields, row_key| {
                chunk.push((fields.to_vec(), row_key.to_vec()));
                if chunk.len() < CHUNK { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            entries = entries.saturating_add(chunk.len() as u64);
            for (fields, _) in &chunk {
                if unique && previous.as_ref() == Some(fields) {
                    report.add(Some(index), format!("a unique key is there twice: {fields:02x?}"));
                }
                previous = Some(fields.clone());
            }
            self.check_owners(index, &chunk, member, report)?;
            match chunk.last() {
                Some((fields, row_key)) if chunk.len() >= CHUNK => {
                    let last = [fields.as_slice(), row_key].concat();
                    range.lower = std::ops::Bound::Excluded(last);
                }
                _ => return Ok(entries),
            }
        }
    }

    fn check_owners(
        &self,
        index: &Index,
        chunk: &[(Vec<u8>, Vec<u8>)],
        member: Option<&Membership<'_>>,
        report: &mut Report,
    ) -> Result<(), EngineError> {
        let row_keys: Vec<&[u8]> = chunk.iter().map(|(_, row_key)| row_key.as_slice()).collect();
        self.get_rows(index.collection, &row_keys, &mut |n, row| {
            let Some((fields, row_key)) = chunk.get(n) else { return };
            let finding = match row {
                None => "an entry names a row that is not there",
                Some(row) if !has_key(index, row.doc, fields) => {
                    "an entry is no key of the row it names"
                }
                Some(row) if !is_wanted(index, row.doc, member).unwrap_or(true) => {
                    "an entry names a row that the index's filter does not want"
                }
                Some(_) => return,
            };
            report.add(Some(index), format!("{finding}: {fields:02x?} of row {row_key:02x?}"));
        })
    }
}

/// The entries that a chunk of rows should have: full keys, and the place of the index each is of.
#[derive(Default)]
struct Expected {
    keys: Vec<Vec<u8>>,
    indexes: Vec<usize>,
}

fn check_row(
    collection: &Collection,
    row_key: &[u8],
    value: &[u8],
    member: Option<&Membership<'_>>,
    report: &mut Report,
    expected: &mut Expected,
) {
    let Some(row) = Row::decode(value) else {
        report.add(None, format!("row {row_key:02x?} cannot be read"));
        return;
    };
    report.counts.add(row.doc.as_bytes().len());
    if !is_document(row.doc.as_bytes()) {
        report.add(None, format!("row {row_key:02x?} is not valid BSON"));
    }
    let by_id = collection.layout == crate::Layout::ById;
    if by_id && collection.row_key(row.doc, row.revision) != row_key {
        report.add(None, format!("row {row_key:02x?} has the _id of another row"));
    }
    for (place, index) in collection.indexes.iter().enumerate() {
        let wanted = is_wanted(index, row.doc, member).unwrap_or(false);
        if !wanted || index.state != IndexState::Ready || index.place != IndexPlace::Entries {
            continue;
        }
        let Ok(keys) = keys_of(index, row.doc) else {
            report.add(Some(index), format!("row {row_key:02x?} cannot be indexed"));
            continue;
        };
        if keys.multikey() & !index.multikey != 0 {
            report.add(Some(index), format!("row {row_key:02x?} has an array, the index says no"));
        }
        for fields in keys.iter() {
            let entry = [fields, row_key].concat();
            let key = quire_keys::Key::Index { index: index.id.0, entry: &entry };
            expected.keys.push(key.encode());
            expected.indexes.push(place);
        }
    }
}

fn has_key(index: &Index, doc: RawDoc<'_>, fields: &[u8]) -> bool {
    keys_of(index, doc).is_ok_and(|keys| keys.contains(fields))
}

/// Whether the index should hold the document; `None` when that cannot be told without its filter.
fn is_wanted(index: &Index, doc: RawDoc<'_>, member: Option<&Membership<'_>>) -> Option<bool> {
    match member {
        _ if index.spec.partial_filter.is_none() => Some(true),
        Some(member) => Some(member(index, doc)),
        None => None,
    }
}
