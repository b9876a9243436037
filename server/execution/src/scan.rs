//! Walking a plan's ranges over a view, a turn at a time.
//!
//! Owns the position between turns: a key to resume from, never an open iterator or snapshot. So an
//! idle cursor pins nothing; the price is that each turn sees the state of its own view.

mod access;
mod ground;

pub use access::Access;
pub(crate) use ground::find_again;

use crate::local_failure;
use crate::{Slice, Watch};
use access::Leaf;
use ground::Ground;
use quire_bson::{DocBuf, RawDoc};
use quire_documents::{Collection, CollectionId, Direction, Range, ReadView, Row};
use quire_errors::{Code, CommandError, Result};
use quire_log::Timestamp;
use quire_query::filter::Filter;
use std::collections::{HashSet, VecDeque};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

/// A document with the place it was found at.
#[derive(Clone, Debug)]
pub struct Found {
    pub row_key: Vec<u8>,
    pub revision: Timestamp,
    pub doc: DocBuf,
}

/// What a scan gives when asked for its next document.
#[derive(Debug)]
pub enum ScanStep {
    Found(Found),
    /// The turn is over; ask again with a new view.
    Yield,
    /// Nothing more, for now or for good.
    End,
}

/// Documents fetched in one go: few at first, for those who want only one.
const CHUNK_FIRST: usize = 4;
const CHUNK_MAX: usize = 256;
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// Row keys remembered to show no document twice.
const SEEN_BYTES_MAX: usize = 100 << 20;

/// A scan in progress.
pub struct Scan {
    ground: Ground,
    collection: CollectionId,
    leaves: Vec<Leaf>,
    filter: Arc<Filter>,
    /// Which leaf, which of its ranges, and the last key seen in it.
    leaf: usize,
    range: usize,
    after: Option<Vec<u8>>,
    found: VecDeque<Found>,
    chunk: usize,
    /// Only for scans that may come by a document twice.
    seen: Option<Seen>,
    /// The documents themselves are not wanted, only that there are some.
    counts_only: bool,
    ended: bool,
}

#[derive(Default)]
struct Seen {
    keys: HashSet<Vec<u8>>,
    bytes: usize,
}

impl Seen {
    /// True when the key is new.
    fn add(&mut self, row_key: &[u8]) -> Result<bool> {
        if self.keys.contains(row_key) {
            return Ok(false);
        }
        self.bytes += row_key.len() + 48;
        if self.bytes > SEEN_BYTES_MAX {
            return Err(CommandError::new(
                Code::QueryExceededMemoryLimitNoDiskUseAllowed,
                "the scan remembers too many documents to show none of them twice; \
                 use an index without arrays or a narrower filter",
            ));
        }
        Ok(self.keys.insert(row_key.to_vec()))
    }
}

impl Scan {
    pub fn new(collection: &Collection, access: Access, filter: Arc<Filter>) -> Scan {
        let (leaves, repeats) = access.into_leaves();
        Scan {
            ground: Ground::of(collection, &leaves),
            collection: collection.id,
            leaves,
            filter,
            leaf: 0,
            range: 0,
            after: None,
            found: VecDeque::new(),
            chunk: CHUNK_FIRST,
            seen: repeats.then(Seen::default),
            counts_only: false,
            ended: false,
        }
    }

    /// From now on gives empty documents in place of those that are found.
    pub fn only_count(&mut self) {
        self.counts_only = true;
    }

    /// Fails when what the scan stands on is gone since its last turn.
    pub fn resume(&mut self, view: &ReadView) -> Result<()> {
        self.ground.check(view.catalog())?;
        if self.seen.is_none() && self.ground.is_multikey_now(view.catalog()) {
            self.seen = Some(Seen::default());
        }
        let rows = matches!(self.leaves.get(self.leaf), Some(Leaf::Rows { .. }));
        match &self.after {
            Some(after) if rows && self.ground.evicts => {
                let found = view.get_row(self.collection, after, &mut |_| {});
                let still_there = found.map_err(local_failure)?;
                if still_there { Ok(()) } else { Err(position_lost(after)) }
            }
            _ => Ok(()),
        }
    }

    /// True when row keys are numbers that grow with every insert.
    pub fn is_in_order_of_insertion(&self) -> bool {
        self.ground.numbered
    }

    /// Lets a scan that came to its end look for what was added behind it since.
    pub fn look_again(&mut self) {
        if self.ended {
            self.ended = false;
            self.leaf = self.leaves.len().saturating_sub(1);
            self.range = self.leaves.last().map_or(0, |leaf| leaf.len().saturating_sub(1));
        }
    }

    pub fn next(
        &mut self,
        view: &ReadView,
        watch: &dyn Watch,
        slice: &mut Slice,
    ) -> Result<ScanStep> {
        loop {
            if let Some(found) = self.found.pop_front() {
                return Ok(ScanStep::Found(found));
            }
            if self.ended {
                return Ok(ScanStep::End);
            }
            watch.check()?;
            if slice.is_over() {
                return Ok(ScanStep::Yield);
            }
            self.fill(view, watch, slice)?;
            self.chunk = (self.chunk * 2).min(CHUNK_MAX);
        }
    }

    /// Fetches the next chunk, and moves on to the next range when one is exhausted.
    fn fill(&mut self, view: &ReadView, watch: &dyn Watch, slice: &mut Slice) -> Result<()> {
        let Some(leaf) = self.leaves.get(self.leaf) else {
            self.ended = true;
            return Ok(());
        };
        if self.range >= leaf.len() {
            self.leaf += 1;
            self.range = 0;
            self.ended = self.leaf >= self.leaves.len();
            return Ok(());
        }
        let exhausted = match leaf.clone() {
            Leaf::Rows { ranges, direction } => {
                let range = self.rest_of(&ranges, direction);
                self.fill_from_rows(view, &range, direction, watch, slice)?
            }
            Leaf::Index { index, ranges, direction } => {
                let range = self.rest_of(&ranges, direction);
                self.fill_from_index(view, &index, &range, direction, watch)?
            }
            Leaf::Lookups { row_keys } => return self.fill_from_keys(view, &row_keys, watch),
        };
        if exhausted && !self.stays_on_last_range() {
            self.range += 1;
            self.after = None;
        } else if exhausted {
            self.ended = true;
        }
        Ok(())
    }

    /// What is left of the current range.
    fn rest_of(&self, ranges: &[Range], direction: Direction) -> Range {
        let range = ranges.get(self.range).cloned().unwrap_or_else(Range::empty);
        behind(range, self.after.as_deref(), direction)
    }

    /// Looks up the next few of the rows that are known by their keys.
    fn fill_from_keys(
        &mut self,
        view: &ReadView,
        row_keys: &[Vec<u8>],
        watch: &dyn Watch,
    ) -> Result<()> {
        let end = self.range.saturating_add(self.chunk).min(row_keys.len());
        let wanted = row_keys.get(self.range..end).unwrap_or_default();
        let docs = self.fetch(view, wanted)?;
        watch.examined(wanted.len() as u64, docs);
        self.range = end;
        Ok(())
    }

    /// The last range is kept with its position, for scans that look again.
    fn stays_on_last_range(&self) -> bool {
        self.leaf + 1 == self.leaves.len()
            && self.leaves.get(self.leaf).is_some_and(|leaf| self.range + 1 == leaf.len())
    }

    fn fill_from_rows(
        &mut self,
        view: &ReadView,
        range: &Range,
        direction: Direction,
        watch: &dyn Watch,
        slice: &mut Slice,
    ) -> Result<bool> {
        let mut failure = None;
        let mut examined = 0u64;
        let mut bytes = 0usize;
        let mut exhausted = true;
        let mut last: Vec<u8> = Vec::new();
        let (filter, found, seen) = (&self.filter, &mut self.found, &mut self.seen);
        let (chunk, counts_only) = (self.chunk, self.counts_only);
        view.scan_rows(self.collection, range, direction, &mut |row_key, row| {
            examined += 1;
            match accept(filter, seen, row_key, row, counts_only) {
                Ok(None) => {}
                Ok(Some(accepted)) => {
                    bytes += accepted.doc.as_bytes().len();
                    found.push_back(accepted);
                }
                Err(error) => {
                    failure = Some(error);
                    return ControlFlow::Break(());
                }
            }
            if found.len() >= chunk || bytes >= CHUNK_BYTES_MAX || slice.is_over() {
                exhausted = false;
            }
            last.clear();
            last.extend_from_slice(row_key);
            if exhausted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .map_err(local_failure)?;
        watch.examined(0, examined);
        if examined > 0 {
            self.after = Some(last);
        }
        failure.map_or(Ok(exhausted), Err)
    }

    fn fill_from_index(
        &mut self,
        view: &ReadView,
        index: &quire_documents::Index,
        range: &Range,
        direction: Direction,
        watch: &dyn Watch,
    ) -> Result<bool> {
        let chunk = self.chunk;
        let mut row_keys: Vec<Vec<u8>> = Vec::with_capacity(chunk);
        let mut last: Option<Vec<u8>> = None;
        let mut exhausted = true;
        let mut keys = 0u64;
        view.scan_index(index, range, direction, &mut |fields, row_key| {
            keys += 1;
            row_keys.push(row_key.to_vec());
            last = Some([fields, row_key].concat());
            exhausted = row_keys.len() < chunk;
            if exhausted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })
        .map_err(local_failure)?;
        if last.is_some() {
            self.after = last;
        }
        let docs = self.fetch(view, &row_keys)?;
        watch.examined(keys, docs);
        Ok(exhausted)
    }

    fn fetch(&mut self, view: &ReadView, row_keys: &[Vec<u8>]) -> Result<u64> {
        let mut fresh: Vec<&[u8]> = Vec::with_capacity(row_keys.len());
        for row_key in row_keys {
            let new = match &mut self.seen {
                Some(seen) => seen.add(row_key)?,
                None => true,
            };
            if new {
                fresh.push(row_key);
            }
        }
        let mut failure = None;
        let mut no_memory = None;
        let (filter, found, counts_only) = (&self.filter, &mut self.found, self.counts_only);
        view.get_rows(self.collection, &fresh, &mut |n, row| {
            let Some((row, row_key)) = row.zip(fresh.get(n)) else { return };
            match accept(filter, &mut no_memory, row_key, row, counts_only) {
                Ok(accepted) => found.extend(accepted),
                Err(error) => failure = Some(error),
            }
        })
        .map_err(local_failure)?;
        failure.map_or(Ok(fresh.len() as u64), Err)
    }
}

fn accept(
    filter: &Filter,
    seen: &mut Option<Seen>,
    row_key: &[u8],
    row: Row<'_>,
    counts_only: bool,
) -> Result<Option<Found>> {
    if !filter.matches(row.doc)? {
        return Ok(None);
    }
    if let Some(seen) = seen
        && !seen.add(row_key)?
    {
        return Ok(None);
    }
    let (row_key, doc) = match counts_only {
        true => (&[][..], RawDoc::EMPTY),
        false => (row_key, row.doc),
    };
    let doc = DocBuf::from(doc);
    Ok(Some(Found { row_key: row_key.to_vec(), revision: row.revision, doc }))
}

/// What is left of a range behind the last key seen.
fn behind(mut range: Range, after: Option<&[u8]>, direction: Direction) -> Range {
    if let Some(after) = after {
        let bound = Bound::Excluded(after.to_vec());
        match direction {
            Direction::Forward => range.lower = bound,
            Direction::Backward => range.upper = bound,
        }
    }
    range
}

/// The error of a scan over a capped collection that was overtaken by the eviction of old rows.
fn position_lost(after: &[u8]) -> CommandError {
    let number = after.try_into().map_or(0, u64::from_be_bytes);
    CommandError::new(
        Code::CappedPositionLost,
        format!(
            "CollectionScan died due to position in capped collection being deleted. Last seen \
             record id: RecordId({number})"
        ),
    )
}
