//! The log in files of its own: preallocated, zeroed, and written over from front to back.
//!
//! Owns the order of writes. One append is one frame, one write and one sync; the frame says again
//! what must be known of the log besides its entries, so the last one is enough. A segment that is
//! full is followed by the next, whose head says where the log stood; so does one that begins because
//! a write failed, and what failed is behind the end of the segment before it.
//!
//! | found when opening | means |
//! |---|---|
//! | zeros where a frame is expected | the end of the log |
//! | a frame of which sectors are still zeros | the end: its append was never acknowledged |
//! | anything else that does not hold | damage: the log is not opened |

mod files;
mod format;
mod preparing;
mod recovery;
mod segment;

pub use files::{DiskFiles, SegmentFile, SegmentFiles};

use crate::encoding::Unreadable;
use crate::{Entry, HardState, LogError, LogIndex, LogStats, LogStore, Term, rules};
use format::{FrameHead, Mark, Position, SECTOR, SegmentHead};
use parking_lot::{Mutex, RwLock};
use preparing::Preparer;
use segment::{Segment, has_room, write_frame};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The usual size of a segment. One append that needs more gets a segment of its own.
pub const SEGMENT_BYTES: u64 = 16 << 20;

/// Memory that a writer keeps between appends.
const KEPT_BUFFER_BYTES: usize = 1 << 20;

/// A log in segment files. Nobody else may use the files.
pub struct SegmentLog {
    preparer: Preparer,
    /// Held by whoever changes the log, from before the files are written until the positions follow.
    writer: Mutex<Writer>,
    state: RwLock<State>,
    counts: Counts,
}

struct Writer {
    frame: Vec<u8>,
    /// Where the next frame goes in the newest segment, and its number.
    end: usize,
    next_frame: u64,
    /// A write failed, so what the newest segment holds behind `end` is not known.
    tail_unknown: bool,
}

struct State {
    /// Oldest first; the last one is written to.
    segments: Vec<Segment>,
    last: Position,
    mark: Mark,
}

#[derive(Default)]
struct Counts {
    syncs: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl SegmentLog {
    /// Opens the log in these files, or begins one.
    pub fn open(files: Arc<dyn SegmentFiles>, segment_bytes: u64) -> Result<SegmentLog, LogError> {
        let recovery::Found { segments, end, next_frame, next_number, last, mark } =
            recovery::open(files.as_ref(), segment_bytes)?;
        let preparer = Preparer::start(files, next_number, segment_bytes)?;
        let writer = Writer { frame: Vec::new(), end, next_frame, tail_unknown: false };
        Ok(SegmentLog {
            preparer,
            writer: Mutex::new(writer),
            state: RwLock::new(State { segments, last, mark }),
            counts: Counts::default(),
        })
    }

    /// Writes one frame with a sync; positions follow.
    fn write(
        &self,
        writer: &mut Writer,
        entries: &[Entry],
        last: Position,
        mark: Mark,
    ) -> Result<(), LogError> {
        let head = FrameHead { number: writer.next_frame, mark, ..FrameHead::default() };
        let mut frame = std::mem::take(&mut writer.frame);
        let outcome = self.write_frame(writer, head, entries, last, &mut frame);
        if frame.capacity() <= KEPT_BUFFER_BYTES {
            writer.frame = frame;
        }
        outcome
    }

    fn write_frame(
        &self,
        writer: &mut Writer,
        head: FrameHead,
        entries: &[Entry],
        last: Position,
        frame: &mut Vec<u8>,
    ) -> Result<(), LogError> {
        let mut at = write_frame(writer.end, head, entries, frame)?;
        let (mut file, room) = {
            let state = self.state.read();
            let newest = state.newest()?;
            (Arc::clone(&newest.file), has_room(writer.end, frame.len(), newest.bytes))
        };
        if !room {
            let (before, mark) = {
                let state = self.state.read();
                (state.last, state.mark)
            };
            self.roll(writer, before, mark, frame.len())?;
            at = write_frame(writer.end, head, entries, frame)?;
            file = Arc::clone(&self.state.read().newest()?.file);
        }
        let written = file.write_at(writer.end as u64, frame).and_then(|()| file.sync());
        if let Err(error) = written {
            writer.tail_unknown = true;
            return Err(error.into());
        }
        writer.end += frame.len();
        writer.next_frame += 1;
        self.counts.bytes.fetch_add(frame.len() as u64, Ordering::Relaxed);
        let mut state = self.state.write();
        let first = entries.first().map_or(u64::MAX, |first| first.index.0);
        if let Some((newest, older)) = state.segments.split_last_mut() {
            // What is replaced does not count in earlier segments.
            older.iter_mut().for_each(|segment| segment.end = segment.end.min(first));
            newest.wrote(first, at, writer.next_frame);
        }
        (state.last, state.mark) = (last, head.mark);
        Ok(())
    }

    /// Begins the next segment, which says that the log stands so. Not synced: the first frame in it
    /// is, and without that nothing in it counts.
    fn roll(
        &self,
        writer: &mut Writer,
        last: Position,
        mark: Mark,
        frame_bytes: usize,
    ) -> Result<(), LogError> {
        let (number, file) = self.preparer.take((SECTOR + frame_bytes) as u64)?;
        let bytes = file.bytes()?;
        let mut state = self.state.write();
        // One whose head may never have got to the disk is none.
        while state.segments.len() > 1 && !state.newest()?.is_anchored {
            let useless = state.segments.pop().map(|segment| segment.head.number);
            self.preparer.discard(useless);
        }
        let before = state.newest()?;
        let head = SegmentHead {
            number,
            previous: before.head.number,
            previous_first: before.first,
            frame: writer.next_frame,
            last,
            mark,
        };
        if let Err(error) = file.write_at(0, &head.write()) {
            writer.tail_unknown = true;
            return Err(error.into());
        }
        for segment in &mut state.segments {
            segment.end = segment.end.min(last.0.0.saturating_add(1));
        }
        state.segments.push(Segment::begun(head, file, bytes));
        writer.end = SECTOR;
        Ok(())
    }

    /// Begins a segment behind what is known to be on disk, and makes that the end of the log.
    fn cut(&self, writer: &mut Writer, last: Position, mark: Mark) -> Result<(), LogError> {
        self.roll(writer, last, mark, 0)?;
        let mut state = self.state.write();
        let newest = state.segments.last_mut().ok_or_else(not_open)?;
        if let Err(error) = newest.file.sync() {
            writer.tail_unknown = true;
            return Err(error.into());
        }
        newest.is_anchored = true;
        (state.last, state.mark) = (last, mark);
        writer.tail_unknown = false;
        Ok(())
    }

    /// Lets go of the segments in which nothing counts any more.
    fn drop_segments(&self) {
        let mut state = self.state.write();
        let first = state.mark.compacted.0.0.saturating_add(1);
        let newest = state.segments.len().saturating_sub(1);
        // From the oldest on, because each names the one before it.
        let useless = state.segments[..newest]
            .iter()
            .take_while(|segment| segment.end <= first.max(segment.first))
            .count();
        let dropped = state.segments.drain(..useless).map(|segment| segment.head.number);
        self.preparer.discard(dropped);
    }
}

impl State {
    fn newest(&self) -> Result<&Segment, LogError> {
        self.segments.last().ok_or_else(not_open)
    }

    /// The segment that holds an entry.
    fn segment_of(&self, index: LogIndex) -> Result<&Segment, LogError> {
        let holds = |segment: &&Segment| segment.first <= index.0 && index.0 < segment.end;
        let found = self.segments.iter().rev().find(holds);
        found.ok_or_else(|| damaged(format!("entry {index} is missing")))
    }

    fn term_of(&self, index: LogIndex) -> Result<Option<Term>, LogError> {
        if index < self.mark.compacted.0 {
            return Err(LogError::Compacted(index));
        }
        if index > self.last.0 {
            return Ok(None);
        }
        let known = [self.last, self.mark.compacted].into_iter().find(|at| at.0 == index);
        if let Some((_, term)) = known {
            return Ok(Some(term));
        }
        Ok(Some(self.segment_of(index)?.location(index)?.term))
    }
}

impl Writer {
    fn check_tail(&self) -> Result<(), LogError> {
        if self.tail_unknown { Err(rules::not_reopened()) } else { Ok(()) }
    }
}

impl LogStore for SegmentLog {
    fn first_index(&self) -> LogIndex {
        self.state.read().mark.compacted.0.next()
    }

    fn last_index(&self) -> LogIndex {
        self.state.read().last.0
    }

    fn term(&self, index: LogIndex) -> Result<Option<Term>, LogError> {
        self.state.read().term_of(index)
    }

    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        let state = self.state.read();
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let from = LogIndex(*range.start());
        if from <= state.mark.compacted.0 {
            return Err(LogError::Compacted(from));
        }
        let through = state.last.0.0.min(*range.end());
        let (mut entries, mut bytes, mut buffer) = (Vec::new(), 0usize, Vec::new());
        let mut segment: Option<&Segment> = None;
        for index in from.0..=through {
            let held = segment.filter(|held| held.first <= index && index < held.end);
            let held = match held {
                Some(held) => held,
                None => state.segment_of(LogIndex(index))?,
            };
            segment = Some(held);
            let size = held.location(LogIndex(index))?.bytes();
            bytes = bytes.saturating_add(size);
            if bytes > bytes_max && !entries.is_empty() {
                break;
            }
            entries.push(held.read(LogIndex(index), &mut buffer)?);
        }
        Ok(entries)
    }

    fn hard_state(&self) -> HardState {
        self.state.read().mark.hard_state
    }

    fn identity(&self) -> Option<u64> {
        let identity = self.state.read().mark.identity;
        (identity != 0).then_some(identity)
    }

    fn set_identity(&self, identity: u64) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        if !rules::check_identity(self.identity(), identity)? {
            return Ok(());
        }
        let (last, mark) = self.standing();
        self.write(&mut writer, &[], last, Mark { identity, ..mark })
    }

    fn append(&self, entries: &[Entry], hard_state: Option<HardState>) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let (last, mark) = self.standing();
        rules::check_order(mark.compacted.0, last, entries)?;
        let last = entries.last().map_or(last, |entry| (entry.index, entry.term));
        let hard_state = hard_state.unwrap_or(mark.hard_state);
        rules::check_committed_stays(hard_state.commit, last.0)?;
        if entries.is_empty() && hard_state == mark.hard_state {
            return Ok(());
        }
        self.write(&mut writer, entries, last, Mark { hard_state, ..mark })?;
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        self.counts.entries.fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn compact(&self, through: LogIndex) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let (last, mark) = self.standing();
        if through <= mark.compacted.0 {
            return Ok(());
        }
        let term = self.state.read().term_of(through)?;
        let term = term.ok_or_else(|| rules::nothing_to_forget(through))?;
        self.write(&mut writer, &[], last, Mark { compacted: (through, term), ..mark })?;
        self.drop_segments();
        Ok(())
    }

    fn restart_after(&self, index: LogIndex, term: Term) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let (_, mut mark) = self.standing();
        rules::check_committed_stays(mark.hard_state.commit, index)?;
        // What a snapshot contains is committed.
        mark.hard_state.commit = index;
        mark.compacted = (index, term);
        self.cut(&mut writer, (index, term), mark)?;
        self.drop_segments();
        Ok(())
    }

    fn reopen(&self, keep_through: LogIndex) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        let (last, mut mark) = self.standing();
        let kept = last.0.min(keep_through);
        if kept == last.0 && !writer.tail_unknown {
            return Ok(());
        }
        let term = self.state.read().term_of(kept)?.unwrap_or_default();
        mark.hard_state.commit = mark.hard_state.commit.min(kept);
        // What is acknowledged is known; what failed stays behind the end of its segment.
        self.cut(&mut writer, (kept, term), mark)
    }

    fn stats(&self) -> LogStats {
        let state = self.state.read();
        LogStats {
            first: state.mark.compacted.0.next(),
            last: state.last.0,
            disk_bytes: state.segments.iter().map(|segment| segment.bytes).sum(),
            syncs: self.counts.syncs.load(Ordering::Relaxed),
            appended_entries: self.counts.entries.load(Ordering::Relaxed),
            appended_bytes: self.counts.bytes.load(Ordering::Relaxed),
        }
    }
}

impl SegmentLog {
    fn standing(&self) -> (Position, Mark) {
        let state = self.state.read();
        (state.last, state.mark)
    }
}

fn not_open() -> LogError {
    LogError::Io("it is not open".into())
}

fn damaged(what: String) -> LogError {
    LogError::Corruption(what)
}

fn unreadable(what: &str, why: Unreadable) -> LogError {
    match why {
        Unreadable::Damaged(how) => LogError::Corruption(format!("{what}: {how}")),
        Unreadable::NewerFormat(format) => LogError::Newer(format!(
            "{what} is of format {format}, which only a newer version reads"
        )),
    }
}

#[cfg(test)]
pub(crate) mod tests;
