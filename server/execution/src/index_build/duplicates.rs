//! Looking for values that an index has twice.
//!
//! The walk goes over entries a turn at a time. Each turn begins with the entry the last one ended
//! at, so that two neighbours are always compared within one view.

use crate::wait::give_way;
use crate::{Sequencer, Slice, Watch, local_failure};
use quire_bson::DocBuf;
use quire_documents::{Direction, Index, Range, ReadView};
use quire_errors::Result;
use std::ops::{Bound, ControlFlow};

/// Documents that share a value.
#[derive(Clone, Debug)]
pub struct Duplicate {
    /// The first of them as it was found.
    pub doc: DocBuf,
    /// The rows of all of them.
    pub row_keys: Vec<Vec<u8>>,
}

/// Entries in one turn.
const CHUNK_ENTRIES: usize = 2000;

struct Entry {
    fields: Vec<u8>,
    row_key: Vec<u8>,
}

/// The values that are there twice, at most `most` of them. An index under construction must be
/// filled, and everything logged before that applied.
pub async fn find_duplicates(
    sequencer: &Sequencer,
    index: &Index,
    watch: &dyn Watch,
    most: usize,
) -> Result<Vec<Duplicate>> {
    let mut found: Vec<(Vec<u8>, Duplicate)> = Vec::new();
    let mut rest = Range::ALL;
    loop {
        watch.check()?;
        let view = sequencer.documents().view();
        let entries = read(&view, index, &rest, watch)?;
        for pair in entries.windows(2) {
            let [before, entry] = pair else { continue };
            if before.fields != entry.fields || before.row_key == entry.row_key {
                continue;
            }
            if let Some((fields, duplicate)) = found.last_mut()
                && *fields == entry.fields
            {
                duplicate.row_keys.push(entry.row_key.clone());
            } else if found.len() >= most {
                return Ok(only_duplicates(found));
            } else {
                found.extend(begin(&view, index, before, entry)?);
            }
        }
        match entries.last() {
            Some(last) if entries.len() > 1 => {
                let last = [last.fields.as_slice(), &last.row_key].concat();
                rest.lower = Bound::Included(last);
            }
            _ => return Ok(only_duplicates(found)),
        }
        give_way().await;
    }
}

fn only_duplicates(found: Vec<(Vec<u8>, Duplicate)>) -> Vec<Duplicate> {
    found.into_iter().map(|(_, duplicate)| duplicate).collect()
}

fn read(view: &ReadView, index: &Index, rest: &Range, watch: &dyn Watch) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    let mut slice = Slice::begin();
    view.scan_index(index, rest, Direction::Forward, &mut |fields, row_key| {
        entries.push(Entry { fields: fields.to_vec(), row_key: row_key.to_vec() });
        // Two at least, or the walk would not move.
        let over = entries.len() >= CHUNK_ENTRIES || slice.is_over();
        if over && entries.len() > 1 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .map_err(local_failure)?;
    watch.examined(entries.len() as u64, 0);
    Ok(entries)
}

/// A value seen the second time.
fn begin(
    view: &ReadView,
    index: &Index,
    first: &Entry,
    second: &Entry,
) -> Result<Option<(Vec<u8>, Duplicate)>> {
    let mut doc = None;
    view.get_row(index.collection, &first.row_key, &mut |row| doc = Some(DocBuf::from(row.doc)))
        .map_err(local_failure)?;
    Ok(doc.map(|doc| {
        let row_keys = vec![first.row_key.clone(), second.row_key.clone()];
        (first.fields.clone(), Duplicate { doc, row_keys })
    }))
}
