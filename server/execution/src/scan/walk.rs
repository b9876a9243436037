//! One range of a plan, walked as far as one turn goes.
//!
//! Owns what happens to a row on the way: the filter, the memory of what was shown before, and the
//! place to go on from, which is noted where a walk stops and not at each step.

use super::{Hit, Seen, ShowHit};
use crate::local_failure;
use crate::{Slice, Watch};
use quire_documents::{CollectionId, Direction, Index, Range, ReadView};
use quire_errors::Result;
use quire_query::filter::Filter;
use quire_query::pipeline::{Flow, Stopped};
use std::ops::ControlFlow;

/// Rows looked up in one go at the most.
const LOOKUPS_MAX: u64 = 128;

/// What all walks of a turn have in common.
pub(super) struct Walk<'w> {
    pub(super) view: &'w ReadView,
    pub(super) collection: CollectionId,
    pub(super) filter: &'w Filter,
    pub(super) watch: &'w dyn Watch,
    pub(super) slice: &'w mut Slice,
    /// So many documents will be taken at the least, if there are so many.
    pub(super) wanted: u64,
    /// Only for scans that may come by a document twice.
    pub(super) seen: &'w mut Option<Seen>,
    /// The last key that counts as visited.
    pub(super) after: &'w mut Option<Vec<u8>>,
    /// The end of the range is a place to go on from, too.
    pub(super) notes_end: bool,
}

impl Walk<'_> {
    /// Straight over the rows. Gives why it stopped before the range's end, if it did.
    pub(super) fn rows(
        &mut self,
        range: &Range,
        direction: Direction,
        show: &mut ShowHit<'_>,
    ) -> Result<Option<Stopped>> {
        let mut examined = 0u64;
        let mut outcome = Ok(None);
        let view = self.view;
        let walked = view.scan_rows(self.collection, range, direction, &mut |row_key, row| {
            examined += 1;
            outcome = self.offer_row(Hit { row_key, row }, show);
            let goes_on = matches!(outcome, Ok(None));
            if !goes_on || self.notes_end {
                self.stand_at(row_key);
            }
            if goes_on { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        self.watch.examined(0, examined);
        walked.map_err(local_failure)?;
        outcome
    }

    /// Over the entries of an index to the rows they name, some of which are looked up together.
    pub(super) fn entries(
        &mut self,
        index: &Index,
        range: &Range,
        direction: Direction,
        show: &mut ShowHit<'_>,
    ) -> Result<Option<Stopped>> {
        let mut ahead = Ahead::default();
        let mut at_once = self.lookups_at_once();
        let mut outcome = Ok(None);
        let view = self.view;
        let walked = view.scan_index(index, range, direction, &mut |fields, row_key| {
            let is_known = self.seen.as_ref().is_some_and(|seen| seen.has(row_key));
            ahead.push(fields, row_key, is_known);
            if ahead.rows.len() < at_once {
                return ControlFlow::Continue(());
            }
            at_once = at_once.saturating_mul(2).min(LOOKUPS_MAX as usize);
            outcome = self.visit(&mut ahead, show);
            match outcome {
                Ok(None) => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        });
        walked.map_err(local_failure)?;
        match outcome {
            Ok(None) => self.visit(&mut ahead, show),
            outcome => outcome,
        }
    }

    /// To rows that are known by their keys. Counts in `visited` how many it came by.
    pub(super) fn lookups(
        &mut self,
        row_keys: &[Vec<u8>],
        visited: &mut usize,
        show: &mut ShowHit<'_>,
    ) -> Result<Option<Stopped>> {
        for keys in row_keys.chunks(self.lookups_at_once()) {
            let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
            let (count, outcome) = self.look_up(&keys, show);
            *visited += count;
            self.watch.examined(count as u64, count as u64);
            if !matches!(outcome, Ok(None)) {
                return outcome;
            }
        }
        Ok(None)
    }

    fn lookups_at_once(&self) -> usize {
        self.wanted.clamp(1, LOOKUPS_MAX) as usize
    }

    /// Shows the rows that were read ahead of, and stands where that stopped.
    fn visit(&mut self, ahead: &mut Ahead, show: &mut ShowHit<'_>) -> Result<Option<Stopped>> {
        let keys: Vec<&[u8]> = ahead.rows.iter().map(|row| ahead.row_key(row)).collect();
        let (count, outcome) = self.look_up(&keys, show);
        let last = match outcome {
            Ok(None) => ahead.newest,
            _ => count.checked_sub(1).and_then(|last| ahead.rows.get(last)).copied(),
        };
        if let Some(last) = last.filter(|_| self.notes_end || !matches!(outcome, Ok(None))) {
            self.stand_at(ahead.entry(&last));
        }
        self.watch.examined(last.map_or(0, |last| last.position), count as u64);
        ahead.clear();
        outcome
    }

    /// Looks rows up and shows them in the order of their keys, until it has to stop. Gives how many
    /// it came by.
    fn look_up(
        &mut self,
        row_keys: &[&[u8]],
        show: &mut ShowHit<'_>,
    ) -> (usize, Result<Option<Stopped>>) {
        let mut count = 0usize;
        let mut outcome = Ok(None);
        let view = self.view;
        let looked_up = view.get_rows(self.collection, row_keys, &mut |n, row| {
            if !matches!(outcome, Ok(None)) {
                return;
            }
            count = n + 1;
            if let Some((row, row_key)) = row.zip(row_keys.get(n)) {
                outcome = self.offer_looked_up(Hit { row_key, row }, show);
            }
        });
        match looked_up.map_err(local_failure) {
            Ok(()) => (count, outcome),
            Err(error) => (count, Err(error)),
        }
    }

    /// Most rows come up once, so that only those are remembered that were shown.
    fn offer_row(&mut self, hit: Hit<'_>, show: &mut ShowHit<'_>) -> Result<Option<Stopped>> {
        let shows = self.filter.matches(hit.row.doc)? && self.is_new(hit.row_key)?;
        self.after_showing(shows, hit, show)
    }

    /// What an index names often is looked at once.
    fn offer_looked_up(&mut self, hit: Hit<'_>, show: &mut ShowHit<'_>) -> Result<Option<Stopped>> {
        let shows = self.is_new(hit.row_key)? && self.filter.matches(hit.row.doc)?;
        self.after_showing(shows, hit, show)
    }

    fn is_new(&mut self, row_key: &[u8]) -> Result<bool> {
        match self.seen {
            Some(seen) => seen.add(row_key),
            None => Ok(true),
        }
    }

    #[inline]
    fn after_showing(
        &mut self,
        shows: bool,
        hit: Hit<'_>,
        show: &mut ShowHit<'_>,
    ) -> Result<Option<Stopped>> {
        if shows {
            match show(hit)? {
                Flow::More => {}
                Flow::Full => return Ok(Some(Stopped::Full)),
                Flow::End => return Ok(Some(Stopped::End)),
            }
        }
        Ok(self.slice.is_over().then_some(Stopped::Yield))
    }

    fn stand_at(&mut self, key: &[u8]) {
        let after = self.after.get_or_insert_default();
        after.clear();
        after.extend_from_slice(key);
    }
}

/// Entries of an index whose rows are still to be looked up.
#[derive(Default)]
struct Ahead {
    /// The entries, one behind the other.
    bytes: Vec<u8>,
    /// Those whose rows are wanted.
    rows: Vec<Entry>,
    /// The newest one, wanted or not.
    newest: Option<Entry>,
}

/// Where an entry lies.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    row_key: usize,
    end: usize,
    /// Which entry it is, counted from one.
    position: u64,
}

impl Ahead {
    fn push(&mut self, fields: &[u8], row_key: &[u8], is_known: bool) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(fields);
        self.bytes.extend_from_slice(row_key);
        let position = self.newest.map_or(0, |newest| newest.position) + 1;
        let end = self.bytes.len();
        let entry = Entry { start, row_key: start + fields.len(), end, position };
        if !is_known {
            self.rows.push(entry);
        }
        self.newest = Some(entry);
    }

    fn entry(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.start..entry.end).unwrap_or_default()
    }

    fn row_key(&self, entry: &Entry) -> &[u8] {
        self.bytes.get(entry.row_key..entry.end).unwrap_or_default()
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.newest = None;
    }
}
