//! Walking a plan's ranges over a view, a turn at a time.
//!
//! Owns the position between turns: a key to resume from, never an open iterator or snapshot. So an
//! idle cursor pins nothing; the price is that each turn sees the state of its own view. Within a turn
//! documents are shown where the engine has them, and copied by nobody here.

mod access;
mod ground;
mod walk;

pub use access::Access;
pub(crate) use ground::find_again;

use crate::local_failure;
use crate::{Slice, Watch};
use access::Leaf;
use ground::Ground;
use quire_bson::DocBuf;
use quire_documents::{Collection, CollectionId, Direction, Range, ReadView, Row};
use quire_errors::{Code, CommandError, Result};
use quire_log::Timestamp;
use quire_query::filter::Filter;
use quire_query::pipeline::{Flow, Stopped};
use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;
use walk::Walk;

/// A document with the place it was found at, both where the engine has them.
#[derive(Clone, Copy, Debug)]
pub struct Hit<'a> {
    pub row_key: &'a [u8],
    pub row: Row<'a>,
}

/// A hit that is kept.
#[derive(Clone, Debug)]
pub struct Found {
    pub row_key: Vec<u8>,
    pub revision: Timestamp,
    pub doc: DocBuf,
}

impl From<Hit<'_>> for Found {
    fn from(hit: Hit<'_>) -> Found {
        let Row { revision, doc } = hit.row;
        Found { row_key: hit.row_key.to_vec(), revision, doc: DocBuf::from(doc) }
    }
}

/// Whom a scan shows what it finds.
pub type ShowHit<'s> = dyn FnMut(Hit<'_>) -> Result<Flow> + 's;

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
    /// Only for scans that may come by a document twice.
    seen: Option<Seen>,
    ended: bool,
}

#[derive(Default)]
struct Seen {
    keys: HashSet<Vec<u8>>,
    bytes: usize,
}

impl Seen {
    fn has(&self, row_key: &[u8]) -> bool {
        self.keys.contains(row_key)
    }

    /// True when the key is new.
    fn add(&mut self, row_key: &[u8]) -> Result<bool> {
        if self.has(row_key) {
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
            seen: repeats.then(Seen::default),
            ended: false,
        }
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

    /// Lets a scan that came to its end look for what was added behind it since. Only where rows go by
    /// themselves, in the order in which they came, does a scan remember its end.
    pub fn look_again(&mut self) {
        if self.ended && self.ground.evicts {
            self.ended = false;
            self.leaf = self.leaves.len().saturating_sub(1);
            self.range = self.leaves.last().map_or(0, |leaf| leaf.len().saturating_sub(1));
        }
    }

    /// Shows what is found, from where the last turn ended. `wanted` says how many documents will be
    /// taken at the least, if there are so many.
    pub fn run(
        &mut self,
        view: &ReadView,
        watch: &dyn Watch,
        slice: &mut Slice,
        wanted: u64,
        show: &mut ShowHit<'_>,
    ) -> Result<Stopped> {
        while !self.ended {
            watch.check()?;
            if slice.is_over() {
                return Ok(Stopped::Yield);
            }
            let Some(leaf) = self.leaves.get(self.leaf).filter(|leaf| self.range < leaf.len())
            else {
                self.leaf += 1;
                self.range = 0;
                self.ended = self.leaf >= self.leaves.len();
                continue;
            };
            let after = self.after.clone();
            let rest = |ranges: &[Range], direction| {
                let range = ranges.get(self.range).cloned().unwrap_or_else(Range::empty);
                behind(range, after, direction)
            };
            let mut walk = Walk {
                view,
                collection: self.collection,
                filter: &self.filter,
                watch,
                slice: &mut *slice,
                wanted,
                seen: &mut self.seen,
                after: &mut self.after,
                notes_end: self.ground.evicts,
            };
            let stopped = match leaf {
                Leaf::Rows { ranges, direction } => {
                    walk.rows(&rest(ranges, *direction), *direction, show)?
                }
                Leaf::Index { index, ranges, direction } => {
                    walk.entries(index, &rest(ranges, *direction), *direction, show)?
                }
                Leaf::Lookups { row_keys } => {
                    let row_keys = row_keys.get(self.range..).unwrap_or_default();
                    walk.lookups(row_keys, &mut self.range, show)?
                }
            };
            match stopped {
                Some(stopped) => return Ok(stopped),
                None => self.end_range(),
            }
        }
        Ok(Stopped::End)
    }

    /// Goes on to the next range. The last one is kept with its position, for scans that look again.
    fn end_range(&mut self) {
        let is_last_leaf = self.leaf + 1 == self.leaves.len();
        let is_last = |leaf: &Leaf| self.range + 1 == leaf.len();
        if is_last_leaf && self.leaves.get(self.leaf).is_some_and(is_last) {
            self.ended = true;
        } else {
            self.range += 1;
            self.after = None;
        }
    }
}

/// What is left of a range behind the last key seen.
fn behind(mut range: Range, after: Option<Vec<u8>>, direction: Direction) -> Range {
    if let Some(after) = after {
        let bound = Bound::Excluded(after);
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
