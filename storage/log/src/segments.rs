//! The log in files of its own: preallocated, zeroed, and written over from front to back.
//!
//! Owns the order of writes. One append is one frame, one write and one sync; the frame says again
//! what must be known of the log besides its entries, so the last one is enough. A segment that is
//! full is followed by the next, whose head says where the log stood; so does one that begins because
//! a write failed, and what failed is behind the end of the segment before it. Nothing is ever written
//! where something stood, but for opening: that writes the last frame over itself, because a sync that
//! failed may have left it in memory only, and zeros behind it. No file is used twice.
//!
//! The newest file is open, and the one that will follow it; of the others a few. What is forgotten is
//! not read for it, and its files are removed when nobody waits for them.
//!
//! | found when opening | means |
//! |---|---|
//! | zeros where a frame is expected, and no frame behind them | the end of the log |
//! | a frame of which a sector is still zeros, and no frame behind it | the end: its append was never acknowledged |
//! | anything else that does not hold | damage: the log is not opened |
//!
//! What this cannot tell: a last frame of which a sector turned into zeros as a whole, from one that
//! was cut off; a newest file that is gone, from one that never was.

mod contents;
mod files;
mod format;
mod memory;
mod opened;
mod preparing;
mod reading;
mod recovery;
mod segment;
mod state;
mod volatile;

pub use files::{DiskFiles, SegmentFile, SegmentFiles};
pub use memory::{FileEffect, FileFault, MemoryFiles};
pub use volatile::{VOLATILE_SEGMENT_BYTES, VolatileFiles};

use crate::encoding::Unreadable;
use crate::{Entry, HardState, LogError, LogIndex, LogStats, LogStore, Term, Timestamp, rules};
use format::{ALIGN, FrameHead, Mark, SECTOR, SegmentHead};
use opened::OpenFiles;
use parking_lot::{Mutex, RwLock};
use preparing::Preparer;
use segment::{Newest, Standing, build_frame, has_room, newest_time, read_entry};
use state::{Loaded, Looked, Part, State};
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
    opened: OpenFiles,
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
        let recovery::Found { older, newest, end, next_frame, next_number, spare, standing } =
            recovery::open(files.as_ref(), segment_bytes)?;
        let opened = OpenFiles::of(Arc::clone(&files));
        let preparer = Preparer::start(files, spare, next_number, segment_bytes)?;
        let writer = Writer { frame: Vec::new(), end, next_frame, tail_unknown: false };
        Ok(SegmentLog {
            preparer,
            opened,
            writer: Mutex::new(writer),
            state: RwLock::new(State::new(older, newest, standing)),
            counts: Counts::default(),
        })
    }

    /// Writes one frame with a sync; positions follow.
    fn write(
        &self,
        writer: &mut Writer,
        entries: &[Entry],
        standing: Standing,
    ) -> Result<(), LogError> {
        let mut frame = std::mem::take(&mut writer.frame);
        let outcome = self.write_frame(writer, entries, standing, &mut frame);
        if frame.capacity() <= KEPT_BUFFER_BYTES {
            writer.frame = frame;
        }
        outcome
    }

    fn write_frame(
        &self,
        writer: &mut Writer,
        entries: &[Entry],
        standing: Standing,
        frame: &mut Vec<u8>,
    ) -> Result<(), LogError> {
        let mark = standing.mark;
        let head = FrameHead { number: writer.next_frame, mark, ..FrameHead::default() };
        let (mut file, salt, bytes) = {
            let state = self.state.read();
            let Newest { segment, file, .. } = state.newest();
            (Arc::clone(file), segment.head.salt, segment.head.bytes)
        };
        let mut at = build_frame((writer.end, salt), head, entries, frame)?;
        let mut begun = None;
        if !has_room(writer.end, frame.len(), bytes) {
            let next = self.begin_segment(writer, self.standing(), frame.len())?;
            at = build_frame((SECTOR, next.segment.head.salt), head, entries, frame)?;
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
        let before = begun.map(|begun| state.follow(begun));
        state.wrote(entries.first().map_or(u64::MAX, |first| first.index.0), at, writer.next_frame);
        state.standing = standing;
        drop(state);
        self.keep_open(before);
        Ok(())
    }

    /// Begins the next segment, behind a log that stands so. It counts from when it is synced.
    fn begin_segment(
        &self,
        writer: &mut Writer,
        Standing { last, mark, time }: Standing,
        frame_bytes: usize,
    ) -> Result<Newest, LogError> {
        let (number, file) = self.preparer.take((SECTOR + frame_bytes) as u64)?;
        let bytes = file.bytes()?;
        let newest = self.state.read().newest().segment;
        let (previous, previous_first) = (newest.head.number, newest.first);
        let (frame, salt) = (writer.next_frame, new_salt());
        let head =
            SegmentHead { number, previous, previous_first, frame, bytes, salt, last, mark, time };
        let begun = Newest::begun(head, file);
        match begun.file.write_at(0, &head.write()) {
            Ok(()) => Ok(begun),
            Err(error) => Err(self.failed(writer, Some(&begun), error)),
        }
    }

    /// A write or a sync failed. A segment that was begun for it is given up; a crash may bring it
    /// back, so nothing more is written before there is a newer one.
    fn failed(
        &self,
        writer: &mut Writer,
        begun: Option<&Newest>,
        error: std::io::Error,
    ) -> LogError {
        writer.tail_unknown = true;
        if let Some(begun) = begun {
            self.preparer.give_up(begun.segment.head.number);
        }
        error.into()
    }

    /// Begins a segment behind what is known to be on disk, and makes that the end of the log.
    fn cut(&self, writer: &mut Writer, standing: Standing) -> Result<(), LogError> {
        let begun = self.begin_segment(writer, standing, 0)?;
        if let Err(error) = begun.file.sync() {
            return Err(self.failed(writer, Some(&begun), error));
        }
        let mut state = self.state.write();
        let before = state.follow(begun);
        state.standing = standing;
        drop(state);
        self.keep_open(Some(before));
        (writer.end, writer.tail_unknown) = (SECTOR, false);
        Ok(())
    }

    /// A segment that was closed: whoever follows the log is not far behind its end.
    fn keep_open(&self, closed: Option<(u64, Arc<dyn SegmentFile>)>) {
        if let Some((number, file)) = closed {
            self.opened.keep(number, file);
        }
    }

    /// Lets go of the segments in which nothing counts any more.
    fn drop_segments(&self) {
        let (dropped, oldest) = {
            let mut state = self.state.write();
            (state.drop_forgotten(), state.oldest())
        };
        self.opened.forget_before(oldest);
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
            let number = unknown.head.number;
            let contents = self.opened.get(number).and_then(|file| unknown.load(file.as_ref()));
            match contents {
                Ok(contents) => {
                    let contents = Arc::new(contents);
                    self.state.write().know(number, Arc::clone(&contents));
                    loaded.add(number, contents);
                }
                Err(error) if self.state.read().has(number) => return Err(error),
                // It was forgotten meanwhile.
                Err(_) => {}
            }
        }
    }

    fn read_part(&self, part: Part, entries: &mut Vec<Entry>) -> Result<(), LogError> {
        let Part { head, file, places } = part;
        let file = file.map_or_else(|| self.opened.get(head.number), Ok)?;
        let mut buffer = Vec::new();
        for (index, location) in places {
            let place = (LogIndex(index), location);
            entries.push(read_entry(file.as_ref(), &head, place, &mut buffer)?);
        }
        Ok(())
    }

    fn standing(&self) -> Standing {
        self.state.read().standing
    }
}

impl Writer {
    fn check_tail(&self) -> Result<(), LogError> {
        if self.tail_unknown { Err(rules::not_reopened()) } else { Ok(()) }
    }
}

impl LogStore for SegmentLog {
    fn first_index(&self) -> LogIndex {
        self.state.read().first()
    }

    fn last_index(&self) -> LogIndex {
        self.standing().last.0
    }

    fn term(&self, index: LogIndex) -> Result<Option<Term>, LogError> {
        self.look(|state, loaded| state.term_of(index, loaded))
    }

    fn read(&self, range: RangeInclusive<u64>, bytes_max: usize) -> Result<Vec<Entry>, LogError> {
        // Files are read afterwards: what was found in them stays there, whatever changes meanwhile.
        'looking: loop {
            let mut entries = Vec::new();
            for part in self.look(|state, loaded| state.plan(&range, bytes_max, loaded))? {
                let number = part.head.number;
                match self.read_part(part, &mut entries) {
                    Ok(()) => {}
                    Err(error) if self.state.read().has(number) => return Err(error),
                    // But for what is forgotten.
                    Err(_) => continue 'looking,
                }
            }
            return Ok(entries);
        }
    }

    fn first_since(&self, time: Timestamp) -> Result<LogIndex, LogError> {
        self.look(|state, loaded| Ok(state.first_since(time, loaded)))
    }

    fn first_since_about(&self, time: Timestamp) -> Result<LogIndex, LogError> {
        let state = self.state.read();
        Ok(match state.first_since(time, &Loaded::default()) {
            Looked::Found(first) => first,
            Looked::Unknown(segment) => state.first().max(LogIndex(segment.first)),
        })
    }

    fn hard_state(&self) -> HardState {
        self.standing().mark.hard_state
    }

    fn identity(&self) -> Option<u64> {
        let identity = self.standing().mark.identity;
        (identity != 0).then_some(identity)
    }

    fn set_identity(&self, identity: u64) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        if !rules::check_identity(self.identity(), identity)? {
            return Ok(());
        }
        let mut standing = self.standing();
        standing.mark.identity = identity;
        self.write(&mut writer, &[], standing)
    }

    fn append(&self, entries: &[Entry], hard_state: Option<HardState>) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let Standing { last, mark, time } = self.standing();
        rules::check_order(mark.compacted.0, last, entries)?;
        let last = entries.last().map_or(last, |entry| (entry.index, entry.term));
        let hard_state = hard_state.unwrap_or(mark.hard_state);
        rules::check_committed_stays(hard_state.commit, last.0)?;
        if entries.is_empty() && hard_state == mark.hard_state {
            return Ok(());
        }
        let time = newest_time(entries.iter().map(|entry| entry.timestamp), time);
        let mark = Mark { hard_state, ..mark };
        self.write(&mut writer, entries, Standing { last, mark, time })?;
        self.counts.syncs.fetch_add(1, Ordering::Relaxed);
        self.counts.entries.fetch_add(entries.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    fn compact(&self, through: LogIndex) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let mut standing = self.standing();
        if through > standing.last.0 {
            return Err(rules::nothing_to_forget(through));
        }
        // Whoever writes does not wait for a segment to be read, and nobody for one that cannot be.
        let known = self.state.read().known_up_to(through);
        if known.0 <= standing.mark.compacted.0 {
            return Ok(());
        }
        standing.mark.compacted = known;
        self.write(&mut writer, &[], standing)?;
        self.drop_segments();
        Ok(())
    }

    fn restart_after(&self, index: LogIndex, term: Term) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        writer.check_tail()?;
        let mut mark = self.standing().mark;
        rules::check_committed_stays(mark.hard_state.commit, index)?;
        // What a snapshot contains is committed.
        mark.hard_state.commit = index;
        mark.compacted = (index, term);
        let time = Timestamp::ZERO;
        self.cut(&mut writer, Standing { last: (index, term), mark, time })?;
        self.drop_segments();
        Ok(())
    }

    fn reopen(&self, keep_through: LogIndex) -> Result<(), LogError> {
        let mut writer = self.writer.lock();
        let mut standing = self.standing();
        let kept = standing.last.0.min(keep_through);
        if kept == standing.last.0 && !writer.tail_unknown {
            return Ok(());
        }
        standing.last = (kept, self.term(kept)?.unwrap_or_default());
        let commit = standing.mark.hard_state.commit;
        standing.mark.hard_state.commit = commit.min(kept);
        // What is acknowledged is known; what failed stays behind the end of its segment.
        self.cut(&mut writer, standing)
    }

    fn bytes_from(&self, first: LogIndex) -> u64 {
        self.state.read().bytes_from(first)
    }

    fn stats(&self) -> LogStats {
        let state = self.state.read();
        LogStats {
            first: state.first(),
            last: state.standing.last.0,
            disk_bytes: state.file_bytes(),
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
