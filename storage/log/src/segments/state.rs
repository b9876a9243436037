//! Where the log stands, and where its entries are.
//!
//! Owns what readers and the writer know of the segments. Reads no file: what is not known of a closed
//! segment is asked for.

use super::damaged;
use super::format::{Mark, Position};
use super::segment::{Contents, Location, Segment};
use crate::{LogError, LogIndex, Term};
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Closed segments of which it is remembered where their entries are: 16 bytes for each entry.
const KNOWN_MAX: usize = 8;

pub(super) struct State {
    /// Oldest first; the last one is written to.
    pub(super) segments: Vec<Segment>,
    /// The closed segments whose contents are known, in the order in which they came to be.
    known: VecDeque<u64>,
    pub(super) last: Position,
    pub(super) mark: Mark,
}

/// What the state says.
pub(super) enum Looked<Found> {
    Found(Found),
    /// It is in this closed segment, which was not looked through.
    Unknown(Segment),
}

/// What one reader found out of closed segments, more of which may be wanted at once than are
/// remembered for all.
#[derive(Default)]
pub(super) struct Loaded(BTreeMap<u64, Arc<Contents>>);

impl Loaded {
    pub(super) fn add(&mut self, segment: u64, contents: Arc<Contents>) {
        self.0.insert(segment, contents);
    }
}

/// Which entries are to be read where.
pub(super) type Plan = Vec<(Segment, Vec<(u64, Location)>)>;

impl State {
    pub(super) fn new(segments: Vec<Segment>, last: Position, mark: Mark) -> State {
        State { segments, known: VecDeque::new(), last, mark }
    }

    pub(super) fn newest<T>(&self, of: impl FnOnce(&Segment) -> T) -> Result<T, LogError> {
        self.segments.last().map(of).ok_or_else(|| LogError::Io("it is not open".into()))
    }

    /// A segment was begun at the end of the log.
    pub(super) fn follow(&mut self, begun: Segment) {
        for segment in &mut self.segments {
            segment.end = segment.end.min(begun.head.last.0.0.saturating_add(1));
        }
        if let Some(closed) = self.segments.last().map(|segment| segment.head.number) {
            self.note_known(closed);
        }
        self.segments.push(begun);
    }

    /// Entries were written to the newest segment.
    pub(super) fn wrote(&mut self, first: u64, at: Vec<Location>, next_frame: u64) {
        if let Some((newest, older)) = self.segments.split_last_mut() {
            // What is replaced does not count in earlier segments.
            older.iter_mut().for_each(|segment| segment.end = segment.end.min(first));
            newest.wrote(first, at, next_frame);
        }
    }

    /// It was found out where the entries of a closed segment are.
    pub(super) fn know(&mut self, number: u64, contents: Arc<Contents>) {
        let found = self.segments.iter_mut().find(|segment| segment.head.number == number);
        // It may have been dropped meanwhile.
        if let Some(segment) = found {
            segment.contents = Some(contents);
            self.note_known(number);
        }
    }

    fn note_known(&mut self, number: u64) {
        self.known.retain(|known| *known != number);
        self.known.push_back(number);
        while self.known.len() > KNOWN_MAX {
            let forgotten = self.known.pop_front();
            let mut segments = self.segments.iter_mut();
            if let Some(segment) = segments.find(|own| Some(own.head.number) == forgotten) {
                segment.contents = None;
            }
        }
    }

    /// The segment that holds an entry.
    fn segment_of(&self, index: u64) -> Result<&Segment, LogError> {
        let found = self.segments.iter().rev().find(|segment| segment.holds(index));
        found.ok_or_else(|| damaged(format!("entry {index} is missing")))
    }

    pub(super) fn term_of(
        &self,
        index: LogIndex,
        loaded: &Loaded,
    ) -> Result<Looked<Option<Term>>, LogError> {
        if index < self.mark.compacted.0 {
            return Err(LogError::Compacted(index));
        }
        if index > self.last.0 {
            return Ok(Looked::Found(None));
        }
        let known = [self.last, self.mark.compacted].into_iter().find(|at| at.0 == index);
        if let Some((_, term)) = known {
            return Ok(Looked::Found(Some(term)));
        }
        let segment = self.segment_of(index.0)?;
        match contents(segment, loaded) {
            Some(contents) => Ok(Looked::Found(Some(contents.location(index.0)?.term))),
            None => Ok(Looked::Unknown(segment.clone())),
        }
    }

    /// About how many bytes the entries from one on take.
    pub(super) fn bytes_from(&self, first: LogIndex) -> u64 {
        let first = first.max(self.mark.compacted.0.next()).0;
        let end = self.last.0.next().0;
        self.segments.iter().map(|segment| segment.bytes_of(first, end)).sum()
    }

    /// Where the entries of a range are, as many as fit into `bytes_max`.
    pub(super) fn plan(
        &self,
        range: &RangeInclusive<u64>,
        bytes_max: usize,
        loaded: &Loaded,
    ) -> Result<Looked<Plan>, LogError> {
        let mut plan = Plan::new();
        if range.is_empty() {
            return Ok(Looked::Found(plan));
        }
        let mut next = *range.start();
        if next <= self.mark.compacted.0.0 {
            return Err(LogError::Compacted(LogIndex(next)));
        }
        let (through, mut bytes) = (self.last.0.0.min(*range.end()), 0_usize);
        while next <= through {
            let segment = self.segment_of(next)?;
            let Some(contents) = contents(segment, loaded) else {
                return Ok(Looked::Unknown(segment.clone()));
            };
            let (mut places, end) = (Vec::new(), segment.end.min(through.saturating_add(1)));
            while next < end {
                let location = contents.location(next)?;
                bytes = bytes.saturating_add(location.bytes());
                if bytes > bytes_max && next > *range.start() {
                    break;
                }
                places.push((next, location));
                next += 1;
            }
            plan.push((segment.clone(), places));
            if next < end {
                break;
            }
        }
        Ok(Looked::Found(plan))
    }
}

fn contents<'a>(segment: &'a Segment, loaded: &'a Loaded) -> Option<&'a Arc<Contents>> {
    segment.contents.as_ref().or_else(|| loaded.0.get(&segment.head.number))
}
