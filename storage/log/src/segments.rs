//! The log in files of its own: preallocated, zeroed, and written over from front to back.
//!
//! Owns the order of writes. One append is one frame, one write and one sync; the frame says again
//! what must be known of the log besides its entries, so the last one is enough. A segment that is
//! full is followed by the next, whose head says where the log stood; so does one that begins because
//! a write failed, and what failed is behind the end of the segment before it. Nothing is ever written
//! where something stood, but for opening: that writes the last frame over itself, because a sync that
//! failed may have left it in memory only, and zeros behind it. No file is used twice.
//!
//! | found when opening | means |
//! |---|---|
//! | zeros where a frame is expected, and no frame behind them | the end of the log |
//! | a frame of which a sector is still zeros, and no frame behind it | the end: its append was never acknowledged |
//! | anything else that does not hold | damage: the log is not opened |
//!
//! What this cannot tell: a last frame of which a sector turned into zeros as a whole, from one that
//! was cut off; a newest file that is gone, from one that never was.

mod files;
mod format;
mod memory;
mod preparing;
mod reading;
mod recovery;
mod segment;
mod state;

pub use files::{DiskFiles, SegmentFile, SegmentFiles};
pub use memory::{FileEffect, FileFault, MemoryFiles};

use crate::encoding::Unreadable;
use crate::{Entry, HardState, LogError, LogIndex, LogStats, LogStore, Term, rules};
use format::{ALIGN, FrameHead, Mark, Position, SECTOR, SegmentHead};
use parking_lot::{Mutex, RwLock};
use preparing::Preparer;
use segment::{Segment, build_frame, has_room};
use state::{Loaded, Looked, State};
use std::hash::{BuildHasher, Hasher, RandomState};
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
    /// Never held while a file is read or written.
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

#[derive(Default)]
struct Counts {
    syncs: AtomicU64,
    entries: AtomicU64,
    bytes: AtomicU64,
}

impl SegmentLog {
    /// Opens the log in these files, or begins one.
    pub fn open(files: Arc<dyn SegmentFiles>, segment_bytes: u64) -> Result<SegmentLog, LogError> {
        debug_assert!(segment_bytes.is_multiple_of(ALIGN as u64), "frames are aligned");
        let recovery::Found { segments, end, next_frame, next_number, spare, last, mark } =
            recovery::open(files.as_ref(), segment_bytes)?;
        let preparer = Preparer::start(files, spare, next_number, segment_bytes)?;
        let writer = Writer { frame: Vec::new(), end, next_frame, tail_unknown: false };
        Ok(SegmentLog {
            preparer,
            writer: Mutex::new(writer),
            state: RwLock::new(State::new(segments, last, mark)),
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
        let mut frame = std::mem::take(&mut writer.frame);
        let outcome = self.write_frame(writer, entries, last, mark, &mut frame);
        if frame.capacity() <= KEPT_BUFFER_BYTES {
            writer.frame = frame;
        }
        outcome
    }

    fn write_frame(
        &self,
        writer: &mut Writer,
        entries: &[Entry],
        last: Position,
        mark: Mark,
        frame: &mut Vec<u8>,
    ) -> Result<(), LogError> {
        let head = FrameHead { number: writer.next_frame, mark, ..FrameHead::default() };
        let (mut file, place, bytes) = self.state.read().newest(|newest| {
            (Arc::clone(&newest.file), (writer.end, newest.head.salt), newest.head.bytes)
        })?;
        let mut at = build_frame(place, head, entries, frame)?;
        let mut begun = None;
        if !has_room(writer.end, frame.len(), bytes) {
            let (last, mark) = self.standing();
            let next = self.begin_segment(writer, last, mark, frame.len())?;
            at = build_frame((SECTOR, next.head.salt), head, entries, frame)?;
            file = Arc::clone(&next.file);
            begun = Some(next);
        }
        let offset = if begun.is_some() { SECTOR } else { writer.end };
        // The sync is also that of a new segment's head.
        if let Err(error) = file.write_at(offset as u64, frame).and_then(|()| file.sync()) {
            return Err(self.failed(writer, begun.as_ref(), error));
        }
        writer.end = offset + frame.len();
        writer.next_frame += 1;
        self.counts.bytes.fetch_add(frame.len() as u64, Ordering::Relaxed);
        let mut state = self.state.write();
        if let Some(begun) = begun {
            state.follow(begun);
        }
        state.wrote(entries.first().map_or(u64::MAX, |first| first.index.0), at, writer.next_frame);
        (state.last, state.mark) = (last, mark);
        Ok(())
    }

    /// Begins the next segment, which says that the log stands so. It counts from when it is synced.
    fn begin_segment(
        &self,
        writer: &mut Writer,
        last: Position,
        mark: Mark,
        frame_bytes: usize,
    ) -> Result<Segment, LogError> {
        let (number, file) = self.preparer.take((SECTOR + frame_bytes) as u64)?;
        let bytes = file.bytes()?;
        let (previous, previous_first) =
            self.state.read().newest(|newest| (newest.head.number, newest.first))?;
        let (frame, salt) = (writer.next_frame, new_salt());
        let head = SegmentHead { number, previous, previous_first, frame, bytes, salt, last, mark };
        let segment = Segment::begun(head, file);
        match segment.file.write_at(0, &head.write()) {
            Ok(()) => Ok(segment),
            Err(error) => Err(self.failed(writer, Some(&segment), error)),
        }
    }

    /// A write or a sync failed. A segment that was begun for it is given up; a crash may bring it
    /// back, so nothing more is written before there is a newer one.
    fn failed(
        &self,
        writer: &mut Writer,
        begun: Option<&Segment>,
        error: std::io::Error,
    ) -> LogError {
        writer.tail_unknown = true;
        if let Some(begun) = begun {
            self.preparer.give_up(begun.head.number);
        }
        error.into()
    }

    /// Begins a segment behind what is known to be on disk, and makes that the end of the log.
    fn cut(&self, writer: &mut Writer, last: Position, mark: Mark) -> Result<(), LogError> {
        let begun = self.begin_segment(writer, last, mark, 0)?;
        if let Err(error) = begun.file.sync() {
            return Err(self.failed(writer, Some(&begun), error));
        }
        let mut state = self.state.write();
        (state.last, state.mark) = (last, mark);
        state.follow(begun);
        (writer.end, writer.tail_unknown) = (SECTOR, false);
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

    /// What `wanted` finds in the state, once enough is known of the closed segments.
    fn look<Found>(
        &self,
        wanted: impl Fn(&State, &Loaded) -> Result<Looked<Found>, LogError>,
    ) -> Result<Found, LogError> {
        let mut loaded = Loaded::default();
        loop {
            let unknown = match wanted(&self.state.read(), &loaded)? {
                Looked::Found(found) => return Ok(found),
                Looked::Unknown(segment) => segment,
            };
            let (number, contents) = (unknown.head.number, unknown.load()?);
            self.state.write().know(number, Arc::clone(&contents));
            loaded.add(number, contents);
        }
    }

    fn standing(&self) -> (Position, Mark) {
        let state = self.state.read();
        (state.last, state.mark)
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
        self.look(|state, loaded| state.term_of(index, loaded))
    }

    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        // Files are read afterwards: what was found in them stays there, whatever changes meanwhile.
        let plan = self.look(|state, loaded| state.plan(&range, bytes_max, loaded))?;
        let (mut entries, mut buffer) = (Vec::new(), Vec::new());
        for (segment, places) in plan {
            for (index, location) in places {
                entries.push(segment.read(LogIndex(index), location, &mut buffer)?);
            }
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
        let term = self.term(through)?;
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
        let term = self.term(kept)?.unwrap_or_default();
        mark.hard_state.commit = mark.hard_state.commit.min(kept);
        // What is acknowledged is known; what failed stays behind the end of its segment.
        self.cut(&mut writer, (kept, term), mark)
    }

    fn bytes_from(&self, first: LogIndex) -> u64 {
        self.state.read().bytes_from(first)
    }

    fn stats(&self) -> LogStats {
        let state = self.state.read();
        LogStats {
            first: state.mark.compacted.0.next(),
            last: state.last.0,
            disk_bytes: state.segments.iter().map(|segment| segment.head.bytes).sum(),
            syncs: self.counts.syncs.load(Ordering::Relaxed),
            appended_entries: self.counts.entries.load(Ordering::Relaxed),
            appended_bytes: self.counts.bytes.load(Ordering::Relaxed),
        }
    }
}

/// Nobody can guess it, nor what is masked with it.
fn new_salt() -> u64 {
    RandomState::new().build_hasher().finish()
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
