//! One segment and where its entries are.
//!
//! Owns building frames and reading them back. Where the entries of a closed segment are is found out
//! when one of them is wanted, so that opening a log takes the same time however long it is. Its file
//! is opened for that, and not before.

use super::contents::{Contents, Location};
use super::files::{SegmentFile, file_name};
use super::format::{self, ALIGN, FrameHead, HEAD, LENGTH, Mark, Position, SECTOR, SegmentHead};
use super::reading::{Pieces, remains};
use super::{damaged, unreadable};
use crate::encoding;
use crate::{Entry, LogError, LogIndex, Timestamp};
use std::sync::Arc;

/// Where the log stands at the end of a segment.
#[derive(Clone, Copy, Default)]
pub(super) struct Standing {
    pub(super) last: Position,
    pub(super) mark: Mark,
    /// No entry is newer; zero if that is not known.
    pub(super) time: Timestamp,
}

/// What a segment was found to hold.
pub(super) struct Scan {
    pub(super) contents: Contents,
    /// Where the last frame begins, if there is one.
    pub(super) last_frame: Option<usize>,
    /// Where the next frame goes, and its number.
    pub(super) end: usize,
    pub(super) frame: u64,
    pub(super) standing: Standing,
}

/// What is always known of a segment.
#[derive(Clone, Copy)]
pub(super) struct Segment {
    pub(super) head: SegmentHead,
    /// The first entry in it, and the one behind the last that counts: later segments may have
    /// replaced what is behind.
    pub(super) first: u64,
    pub(super) end: u64,
    /// The number of the frame behind its last one.
    pub(super) end_frame: u64,
}

/// A segment that is not written to any more.
pub(super) struct Closed {
    pub(super) segment: Segment,
    /// Shared with whoever reads; remembered for some.
    pub(super) contents: Option<Arc<Contents>>,
}

/// The segment that is written to. Its contents are nobody else's, so that they can grow in place.
pub(super) struct Newest {
    pub(super) segment: Segment,
    pub(super) file: Arc<dyn SegmentFile>,
    pub(super) contents: Contents,
}

impl Segment {
    /// A segment that nothing was written to but its head.
    pub(super) fn begun(head: SegmentHead) -> Segment {
        Segment { head, first: u64::MAX, end: u64::MAX, end_frame: head.frame }
    }

    /// A segment that another one followed, which begins with `next`. Its entries count up to `end`.
    pub(super) fn closed(self, next: &SegmentHead, end: u64) -> Segment {
        Segment { first: next.previous_first, end, end_frame: next.frame, ..self }
    }

    pub(super) fn holds(&self, index: u64) -> bool {
        self.first <= index && index < self.end
    }

    /// Finds out where the entries of a closed segment are.
    pub(super) fn load(&self, file: &dyn SegmentFile) -> Result<Contents, LogError> {
        Ok(scan(file, &self.head, Some(self.end_frame))?.contents)
    }

    /// The entry before this segment and its term, if it counts: neither this segment nor a later one
    /// replaced it.
    pub(super) fn before(&self) -> Option<Position> {
        let before = self.head.last.0.0;
        (before < self.first && before < self.end).then_some(self.head.last)
    }

    /// About how many bytes the entries in it take, from one on to before another: exactly known
    /// where its contents are, else its share of the file.
    pub(super) fn bytes_of(&self, contents: Option<&Contents>, from: u64, end: u64) -> u64 {
        let (from, end) = (from.max(self.first), end.min(self.end));
        if from >= end {
            return 0;
        }
        match contents {
            Some(contents) => contents.bytes(from, end),
            None => {
                let (part, all) = (u128::from(end - from), u128::from(self.end - self.first));
                u64::try_from(u128::from(self.head.bytes) * part / all.max(1)).unwrap_or(u64::MAX)
            }
        }
    }
}

impl Newest {
    pub(super) fn begun(head: SegmentHead, file: Arc<dyn SegmentFile>) -> Newest {
        Newest { segment: Segment::begun(head), file, contents: Contents::default() }
    }

    /// The newest segment, as it was found.
    pub(super) fn found(head: SegmentHead, file: Arc<dyn SegmentFile>, scan: Scan) -> Newest {
        let first = scan.contents.first().unwrap_or(u64::MAX);
        let segment = Segment { first, end_frame: scan.frame, ..Segment::begun(head) };
        Newest { segment, file, contents: scan.contents }
    }

    /// Entries were written to it, or none.
    pub(super) fn wrote(&mut self, first: u64, at: Vec<Location>, next_frame: u64) {
        self.segment.end_frame = next_frame;
        if !at.is_empty() {
            self.segment.first = self.segment.first.min(first);
            self.contents.put(first, at);
        }
    }
}

/// Reads one entry, for which the buffer is used.
pub(super) fn read_entry(
    file: &dyn SegmentFile,
    head: &SegmentHead,
    (index, location): (LogIndex, Location),
    buffer: &mut Vec<u8>,
) -> Result<Entry, LogError> {
    let Location { offset, bytes, .. } = location;
    buffer.resize(bytes as usize, 0);
    file.read_at(u64::from(offset), buffer)?;
    format::mask(head.salt, offset as usize, buffer);
    let what = || format!("entry {index} in {}", file_name(head.number));
    encoding::read_entry(index, buffer).map_err(|why| unreadable(&what(), why))
}

/// Builds the bytes of one frame, which will stand at `offset` of a segment with this salt.
pub(super) fn build_frame(
    (offset, salt): (usize, u64),
    mut head: FrameHead,
    entries: &[Entry],
    out: &mut Vec<u8>,
) -> Result<Vec<Location>, LogError> {
    out.clear();
    out.resize(HEAD, 0);
    let mut at = Vec::with_capacity(entries.len());
    let too_long = || LogError::Io("more was to be written at once than a frame holds".into());
    for entry in entries {
        let length_at = out.len();
        out.extend_from_slice(&[0; LENGTH]);
        encoding::write_entry(entry, out);
        let bytes = u32::try_from(out.len() - length_at - LENGTH).map_err(|_| too_long())?;
        out[length_at..length_at + LENGTH].copy_from_slice(&bytes.to_be_bytes());
        let offset = u32::try_from(offset + length_at + LENGTH).map_err(|_| too_long())?;
        at.push(Location { offset, bytes, term: entry.term, time: entry.timestamp });
    }
    head.body_bytes = u32::try_from(out.len() - HEAD).map_err(|_| too_long())?;
    head.entries = u32::try_from(entries.len()).map_err(|_| too_long())?;
    head.first = entries.first().map_or(0, |entry| entry.index.0);
    out[..HEAD].copy_from_slice(&head.write());
    out.resize(head.stride(), 0);
    format::mask(salt, offset + HEAD, &mut out[HEAD..]);
    Ok(at)
}

/// Reads a segment from its first frame on: to the frame `until`, or to where the log ends.
///
/// What was written last and did not get to the disk as a whole is no part of the log: nobody was
/// told that it is there. A disk leaves zeros in its place, since there was nothing before; anything
/// else that does not hold was changed after it was written. And only the last frame can be one that
/// nobody was told of: each was on disk before the next was written.
pub(super) fn scan(
    file: &dyn SegmentFile,
    head: &SegmentHead,
    until: Option<u64>,
) -> Result<Scan, LogError> {
    let mut pieces = Pieces::new(file, head.bytes);
    let mut scan = Scan {
        contents: Contents::default(),
        last_frame: None,
        end: SECTOR,
        frame: head.frame,
        standing: Standing { last: head.last, mark: head.mark, time: head.time },
    };
    while until != Some(scan.frame) {
        let what = || format!("frame {} in {}", scan.frame, file_name(head.number));
        let Some(bytes) = pieces.get(scan.end, HEAD)? else { break };
        let found = FrameHead::read(bytes).map_err(|why| unreadable(&what(), why))?;
        let Some(frame) = found else { break };
        if frame.number != scan.frame {
            return Err(damaged(format!("{} is frame {}", what(), frame.number)));
        }
        let whole = pieces.get(scan.end, frame.stride())?;
        let whole = whole.ok_or_else(|| damaged(format!("{} is longer than its file", what())))?;
        match read_body(&frame, (scan.end, head.salt), whole) {
            Ok(at) => scan.put(&frame, at),
            // Less of it is there than was written.
            Err(_) if until.is_none() && format::lacks_a_sector(scan.end, whole) => break,
            Err(why) => return Err(unreadable(&what(), why)),
        }
    }
    if until.is_some_and(|until| until != scan.frame) {
        return Err(missing(scan.frame, head));
    }
    if until.is_none() {
        let behind = remains(&mut pieces, scan.end)?;
        if behind.frames.iter().any(|number| *number > scan.frame) {
            return Err(missing(scan.frame, head));
        }
    }
    Ok(scan)
}

impl Scan {
    fn put(&mut self, frame: &FrameHead, at: Vec<Location>) {
        if let Some(last) = at.last() {
            let before_last = at.len() as u64 - 1;
            self.standing.last = (LogIndex(frame.first.saturating_add(before_last)), last.term);
            self.standing.time = newest_time(at.iter().map(|at| at.time), self.standing.time);
            self.contents.put(frame.first, at);
        }
        self.standing.mark = frame.mark;
        self.last_frame = Some(self.end);
        self.end += frame.stride();
        self.frame += 1;
    }
}

/// The time of the newest entry once these follow, some of which have none.
pub(super) fn newest_time(
    times: impl DoubleEndedIterator<Item = Timestamp>,
    before: Timestamp,
) -> Timestamp {
    times.rev().find(|time| *time != Timestamp::ZERO).unwrap_or(before)
}

fn missing(frame: u64, head: &SegmentHead) -> LogError {
    damaged(format!("frame {frame} in {} is missing or cut short", file_name(head.number)))
}

/// The entries of a frame, which stands at `offset`.
fn read_body(
    frame: &FrameHead,
    (offset, salt): (usize, u64),
    whole: &[u8],
) -> Result<Vec<Location>, encoding::Unreadable> {
    let too_short = encoding::Unreadable::Damaged("it is too short");
    let body_at = offset + HEAD;
    let body = whole.get(HEAD..).and_then(|body| body.get(..frame.body_bytes as usize));
    let mut body = body.ok_or(too_short)?.to_vec();
    format::mask(salt, body_at, &mut body);
    let mut at = Vec::new();
    let mut rest = &body[..];
    for index in (frame.first..).take(frame.entries as usize) {
        let (length, behind) = rest.split_first_chunk::<LENGTH>().ok_or(too_short)?;
        let bytes = u32::from_be_bytes(*length);
        let (value, behind) = behind.split_at_checked(bytes as usize).ok_or(too_short)?;
        let (term, time) = encoding::check_entry(LogIndex(index), value)?;
        let offset = body_at + (body.len() - rest.len()) + LENGTH;
        let offset = u32::try_from(offset).map_err(|_| too_short)?;
        at.push(Location { offset, bytes, term, time });
        rest = behind;
    }
    if rest.is_empty() { Ok(at) } else { Err(encoding::Unreadable::Damaged("it is too long")) }
}

/// A frame of so many bytes fits behind `end` in a segment of `bytes`.
pub(super) fn has_room(end: usize, stride: usize, bytes: u64) -> bool {
    debug_assert!(stride.is_multiple_of(ALIGN), "frames are aligned");
    (end + stride) as u64 <= bytes
}
