//! Where the log stands, and where its entries are.
//!
//! Owns what readers and the writer know of the segments. Reads no file: what is not known of a closed
//! segment is asked for. And hands out no more than is needed to read, so that the writer never finds
//! somebody holding what it changes.

use super::contents::{Contents, Location, Turn};
use super::damaged;
use super::files::SegmentFile;
use super::format::{Position, SegmentHead};
use super::segment::{Closed, Newest, Segment, Standing};
use crate::{LogError, LogIndex, Term, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// Closed segments of which it is remembered where their entries are.
const KNOWN_MAX: usize = 8;

pub(super) struct State {
    /// Oldest first.
    closed: Vec<Closed>,
    newest: Newest,
    /// The closed segments whose contents are known, in the order in which they came to be.
    known: VecDeque<u64>,
    pub(super) standing: Standing,
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
pub(super) type Plan = Vec<Part>;

pub(super) struct Part {
    pub(super) head: SegmentHead,
    /// That of the newest segment; any other is opened.
    pub(super) file: Option<Arc<dyn SegmentFile>>,
    pub(super) places: Vec<(u64, Location)>,
}

/// A segment as a reader meets it.
struct Met<'a> {
    segment: &'a Segment,
    contents: Option<&'a Contents>,
    file: Option<&'a Arc<dyn SegmentFile>>,
}

impl State {
    pub(super) fn new(older: Vec<Segment>, newest: Newest, standing: Standing) -> State {
        let closed = older.into_iter().map(|segment| Closed { segment, contents: None }).collect();
        State { closed, newest, known: VecDeque::new(), standing }
    }

    pub(super) fn newest(&self) -> &Newest {
        &self.newest
    }

    fn segments(&self) -> impl DoubleEndedIterator<Item = &Segment> {
        let closed = self.closed.iter().map(|closed| &closed.segment);
        closed.chain(std::iter::once(&self.newest.segment))
    }

    /// What the files take.
    pub(super) fn file_bytes(&self) -> u64 {
        self.segments().map(|segment| segment.head.bytes).sum()
    }

    /// Whether a segment is still of the log.
    pub(super) fn has(&self, number: u64) -> bool {
        self.segments().any(|segment| segment.head.number == number)
    }

    /// A segment was begun, at what is the end of the log now. Gives back the file before it.
    pub(super) fn follow(&mut self, begun: Newest) -> (u64, Arc<dyn SegmentFile>) {
        let Newest { segment, file, contents } = std::mem::replace(&mut self.newest, begun);
        let number = segment.head.number;
        self.closed.push(Closed { segment, contents: Some(Arc::new(contents)) });
        let end = self.newest.segment.head.last.0.0.saturating_add(1);
        for closed in &mut self.closed {
            closed.segment.end = closed.segment.end.min(end);
        }
        self.note_known(number);
        (number, file)
    }

    /// Entries were written to the newest segment, or none.
    pub(super) fn wrote(&mut self, first: u64, at: Vec<Location>, next_frame: u64) {
        // What is replaced does not count in earlier segments. The ends do not descend.
        for closed in self.closed.iter_mut().rev() {
            if closed.segment.end <= first {
                break;
            }
            closed.segment.end = first;
        }
        self.newest.wrote(first, at, next_frame);
    }

    /// It was found out where the entries of a closed segment are.
    pub(super) fn know(&mut self, number: u64, contents: Arc<Contents>) {
        let found = self.closed.iter_mut().find(|closed| closed.segment.head.number == number);
        // It may have been dropped meanwhile.
        if let Some(closed) = found {
            closed.contents = Some(contents);
            self.note_known(number);
        }
    }

    fn note_known(&mut self, number: u64) {
        self.known.retain(|known| *known != number);
        self.known.push_back(number);
        while self.known.len() > KNOWN_MAX {
            let forgotten = self.known.pop_front();
            let mut closed = self.closed.iter_mut();
            let found = closed.find(|closed| Some(closed.segment.head.number) == forgotten);
            if let Some(closed) = found {
                closed.contents = None;
            }
        }
    }

    /// Takes out the closed segments in which nothing counts any more, and gives their numbers.
    pub(super) fn drop_forgotten(&mut self) -> Vec<u64> {
        let first = self.first().0;
        // From the oldest on, because each names the one before it.
        let is_useless = |segment: &Segment| segment.end <= first.max(segment.first);
        let useless = self.closed.iter().take_while(|closed| is_useless(&closed.segment)).count();
        let dropped = self.closed.drain(..useless);
        dropped.map(|closed| closed.segment.head.number).collect()
    }

    /// The number of the oldest segment.
    pub(super) fn oldest(&self) -> u64 {
        self.closed.first().map_or(&self.newest.segment, |closed| &closed.segment).head.number
    }

    /// The first entry that is kept.
    pub(super) fn first(&self) -> LogIndex {
        self.standing.mark.compacted.0.next()
    }

    fn meet<'a>(&'a self, closed: &'a Closed, loaded: &'a Loaded) -> Met<'a> {
        let segment = &closed.segment;
        let contents = closed.contents.as_ref().or_else(|| loaded.0.get(&segment.head.number));
        Met { segment, contents: contents.map(Arc::as_ref), file: None }
    }

    fn meet_newest(&self) -> Met<'_> {
        let Newest { segment, file, contents } = &self.newest;
        Met { segment, contents: Some(contents), file: Some(file) }
    }

    /// The segment that holds an entry.
    fn segment_of<'a>(&'a self, index: u64, loaded: &'a Loaded) -> Result<Met<'a>, LogError> {
        if self.newest.segment.holds(index) {
            return Ok(self.meet_newest());
        }
        let place = self.closed.partition_point(|closed| closed.segment.end <= index);
        let found = self.closed.get(place).filter(|closed| closed.segment.holds(index));
        let found = found.ok_or_else(|| damaged(format!("entry {index} is missing")))?;
        Ok(self.meet(found, loaded))
    }

    pub(super) fn term_of(
        &self,
        index: LogIndex,
        loaded: &Loaded,
    ) -> Result<Looked<Option<Term>>, LogError> {
        let Standing { last, mark, .. } = self.standing;
        if index < mark.compacted.0 {
            return Err(LogError::Compacted(index));
        }
        if index > last.0 {
            return Ok(Looked::Found(None));
        }
        let known = [last, mark.compacted].into_iter().find(|at| at.0 == index);
        if let Some((_, term)) = known {
            return Ok(Looked::Found(Some(term)));
        }
        let met = self.segment_of(index.0, loaded)?;
        match met.contents {
            Some(contents) => Ok(Looked::Found(Some(contents.location(index.0)?.term))),
            None => Ok(Looked::Unknown(*met.segment)),
        }
    }

    /// The last entry up to `through` of which the term is known without reading a file. The heads of
    /// segments say it of what they follow.
    pub(super) fn known_up_to(&self, through: LogIndex) -> Position {
        if let Ok(Looked::Found(Some(term))) = self.term_of(through, &Loaded::default()) {
            return (through, term);
        }
        let before = self.segments().filter_map(Segment::before).filter(|at| at.0 <= through);
        before.max_by_key(|at| at.0).unwrap_or_default()
    }

    /// The place behind the last entry that is older than `time`.
    pub(super) fn first_since(&self, time: Timestamp, loaded: &Loaded) -> Looked<LogIndex> {
        let (first, end) = (self.first().0, self.standing.last.0.next().0);
        let mut behind_older = first;
        let later = self.segments().skip(1).map(|next| next.head.time);
        for (closed, newest_time) in self.closed.iter().zip(later) {
            let Met { segment, contents, .. } = self.meet(closed, loaded);
            let (from, end) = (segment.first.max(behind_older), segment.end.min(end));
            if end <= from {
                continue;
            }
            // Zero is not known.
            if newest_time != Timestamp::ZERO && newest_time < time {
                behind_older = end;
                continue;
            }
            let Some(contents) = contents else { return Looked::Unknown(*segment) };
            match contents.turn(from, end, time) {
                Turn::At(index) => return Looked::Found(LogIndex(index)),
                Turn::NotBefore(index) => behind_older = index,
            }
        }
        let newest = &self.newest;
        if newest.segment.first < end {
            let from = newest.segment.first.max(behind_older);
            let (Turn::At(index) | Turn::NotBefore(index)) = newest.contents.turn(from, end, time);
            behind_older = index;
        }
        Looked::Found(LogIndex(behind_older))
    }

    /// About how many bytes the entries from one on take.
    pub(super) fn bytes_from(&self, first: LogIndex) -> u64 {
        let first = first.max(self.first()).0;
        let end = self.standing.last.0.next().0;
        let closed = self.closed.iter().map(|Closed { segment, contents }| {
            segment.bytes_of(contents.as_ref().map(Arc::as_ref), first, end)
        });
        let newest = self.newest.segment.bytes_of(Some(&self.newest.contents), first, end);
        closed.sum::<u64>().saturating_add(newest)
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
        if next < self.first().0 {
            return Err(LogError::Compacted(LogIndex(next)));
        }
        let (through, mut bytes) = (self.standing.last.0.0.min(*range.end()), 0_usize);
        while next <= through {
            let Met { segment, contents, file } = self.segment_of(next, loaded)?;
            let Some(contents) = contents else { return Ok(Looked::Unknown(*segment)) };
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
            plan.push(Part { head: segment.head, file: file.cloned(), places });
            if next < end {
                break;
            }
        }
        Ok(Looked::Found(plan))
    }
}
