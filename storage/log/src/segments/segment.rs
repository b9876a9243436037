//! One segment file and where its entries are.
//!
//! Owns reading frames back. Where the entries of a closed segment are is found out when the first of
//! them is wanted, so that opening a log takes the same time however long it is.

use super::files::SegmentFile;
use super::format::{self, ALIGN, FrameHead, HEAD, LENGTH, Mark, Position, SECTOR, SegmentHead};
use super::{damaged, unreadable};
use crate::encoding;
use crate::{Entry, LogError, LogIndex, Term};
use std::sync::{Arc, OnceLock};

/// Where an entry is in its file.
#[derive(Clone, Copy)]
pub(super) struct Location {
    offset: u32,
    bytes: u32,
    pub(super) term: Term,
}

/// The entries of a segment, without a gap.
#[derive(Clone, Default)]
pub(super) struct Contents {
    first: u64,
    at: Vec<Location>,
}

/// What a segment was found to hold.
pub(super) struct Scan {
    pub(super) contents: Contents,
    /// Where the next frame goes, and its number.
    pub(super) end: usize,
    pub(super) frame: u64,
    pub(super) last: Position,
    pub(super) mark: Mark,
}

pub(super) struct Segment {
    pub(super) head: SegmentHead,
    pub(super) file: Arc<dyn SegmentFile>,
    pub(super) bytes: u64,
    /// The first entry in it, and the one behind the last that counts: later segments may have
    /// replaced what is behind.
    pub(super) first: u64,
    pub(super) end: u64,
    /// The number of the frame behind its last one.
    pub(super) end_frame: u64,
    /// Its head is on disk, so that another segment may name it as the one before.
    pub(super) is_anchored: bool,
    contents: OnceLock<Contents>,
}

impl Location {
    /// The bytes it takes.
    pub(super) fn bytes(self) -> usize {
        self.bytes as usize
    }
}

impl Contents {
    /// Entries were written from `first` on; they replace what stood there.
    pub(super) fn put(&mut self, first: u64, at: impl IntoIterator<Item = Location>) {
        if self.at.is_empty() || first < self.first {
            self.at.clear();
            self.first = first;
        }
        let kept = usize::try_from(first - self.first).unwrap_or(usize::MAX);
        self.at.truncate(kept);
        self.at.extend(at);
    }

    fn location(&self, index: u64) -> Option<Location> {
        let place = usize::try_from(index.checked_sub(self.first)?).ok()?;
        self.at.get(place).copied()
    }

    fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

impl Segment {
    /// A segment that nothing was written to but its head.
    pub(super) fn begun(head: SegmentHead, file: Arc<dyn SegmentFile>, bytes: u64) -> Segment {
        let contents = OnceLock::from(Contents::default());
        Segment {
            head,
            file,
            bytes,
            first: u64::MAX,
            end: u64::MAX,
            end_frame: head.frame,
            is_anchored: false,
            contents,
        }
    }

    /// A segment that another one followed, which begins with `next`. Its entries count up to `end`.
    pub(super) fn closed(self, next: &SegmentHead, end: u64) -> Segment {
        let (first, end_frame) = (next.previous_first, next.frame);
        Segment { first, end, end_frame, is_anchored: true, contents: OnceLock::new(), ..self }
    }

    /// The newest segment, as it was found.
    pub(super) fn newest(self, scan: &Scan) -> Segment {
        let first = if scan.contents.is_empty() { u64::MAX } else { scan.contents.first };
        let contents = OnceLock::from(scan.contents.clone());
        Segment { first, end_frame: scan.frame, is_anchored: true, contents, ..self }
    }

    /// Entries were written to this, the newest segment.
    pub(super) fn wrote(&mut self, first: u64, at: Vec<Location>, next_frame: u64) {
        self.end_frame = next_frame;
        self.is_anchored = true;
        if at.is_empty() {
            return;
        }
        self.first = self.first.min(first);
        if let Some(contents) = self.contents.get_mut() {
            contents.put(first, at);
        }
    }

    pub(super) fn location(&self, index: LogIndex) -> Result<Location, LogError> {
        let missing = || damaged(format!("entry {index} is missing"));
        self.contents()?.location(index.0).ok_or_else(missing)
    }

    fn contents(&self) -> Result<&Contents, LogError> {
        if let Some(contents) = self.contents.get() {
            return Ok(contents);
        }
        let scan = scan(self.file.as_ref(), &self.head, Some(self.end_frame))?;
        Ok(self.contents.get_or_init(|| scan.contents))
    }

    pub(super) fn read(&self, index: LogIndex, buffer: &mut Vec<u8>) -> Result<Entry, LogError> {
        let Location { offset, bytes, .. } = self.location(index)?;
        buffer.resize(bytes as usize, 0);
        self.file.read_at(u64::from(offset), buffer)?;
        encoding::read_entry(index, buffer)
            .map_err(|why| unreadable(&format!("entry {index}"), why))
    }
}

/// Builds the bytes of one frame, which will stand at `offset` of its segment.
pub(super) fn write_frame(
    offset: usize,
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
        let place = u32::try_from(offset + length_at + LENGTH).map_err(|_| too_long())?;
        at.push(Location { offset: place, bytes, term: entry.term });
    }
    head.body_bytes = u32::try_from(out.len() - HEAD).map_err(|_| too_long())?;
    head.entries = u32::try_from(entries.len()).map_err(|_| too_long())?;
    head.first = entries.first().map_or(0, |entry| entry.index.0);
    head.zero_sectors = format::zero_sectors(offset + HEAD, &out[HEAD..]);
    out[..HEAD].copy_from_slice(&head.write());
    out.resize(head.stride(), 0);
    Ok(at)
}

/// Reads a segment from its first frame on: to the frame `until`, or to where the log ends.
///
/// What was written last and did not get to the disk as a whole is no part of the log: nobody was
/// told that it is there. A disk leaves zeros in its place, since there was nothing before; anything
/// else that does not hold was changed after it was written.
pub(super) fn scan(
    file: &dyn SegmentFile,
    head: &SegmentHead,
    until: Option<u64>,
) -> Result<Scan, LogError> {
    let length = file.bytes()?;
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_at(0, &mut bytes)?;
    let mut scan = Scan {
        contents: Contents::default(),
        end: SECTOR,
        frame: head.frame,
        last: head.last,
        mark: head.mark,
    };
    while until != Some(scan.frame) && scan.end + HEAD <= bytes.len() {
        let what = || format!("frame {} of segment {}", scan.frame, head.number);
        let found = FrameHead::read(&bytes[scan.end..]).map_err(|why| unreadable(&what(), why))?;
        let Some(frame) = found else { break };
        if frame.number != scan.frame {
            return Err(damaged(format!("{} is frame {}", what(), frame.number)));
        }
        let body_at = scan.end + HEAD;
        let body = bytes.get(body_at..body_at + frame.body_bytes as usize);
        let body = body.ok_or_else(|| damaged(format!("{} is longer than its file", what())))?;
        match read_body(&frame, body_at, body) {
            Ok(at) => {
                if let Some(last) = at.last() {
                    let index = frame.first + u64::from(frame.entries) - 1;
                    scan.last = (LogIndex(index), last.term);
                    scan.contents.put(frame.first, at);
                }
            }
            // Less of it is there than was written.
            Err(_)
                if until.is_none() && format::zero_sectors(body_at, body) > frame.zero_sectors =>
            {
                break;
            }
            Err(why) => return Err(unreadable(&what(), why)),
        }
        scan.mark = frame.mark;
        scan.end += frame.stride();
        scan.frame += 1;
    }
    if until.is_some_and(|until| until != scan.frame) {
        let (frame, segment) = (scan.frame, head.number);
        return Err(damaged(format!("frame {frame} of segment {segment} is missing")));
    }
    Ok(scan)
}

fn read_body(
    frame: &FrameHead,
    body_at: usize,
    body: &[u8],
) -> Result<Vec<Location>, encoding::Unreadable> {
    let too_short = encoding::Unreadable::Damaged("it is too short");
    let mut at = Vec::new();
    let mut rest = body;
    for index in (frame.first..).take(frame.entries as usize) {
        let (length, behind) = rest.split_first_chunk::<LENGTH>().ok_or(too_short)?;
        let bytes = u32::from_be_bytes(*length);
        let (value, behind) = behind.split_at_checked(bytes as usize).ok_or(too_short)?;
        let term = encoding::check_entry(LogIndex(index), value)?;
        let offset = body_at + (body.len() - rest.len()) + LENGTH;
        let offset = u32::try_from(offset).map_err(|_| too_short)?;
        at.push(Location { offset, bytes, term });
        rest = behind;
    }
    if rest.is_empty() { Ok(at) } else { Err(encoding::Unreadable::Damaged("it is too long")) }
}

/// A frame of so many bytes fits behind `end` in a segment of `bytes`.
pub(super) fn has_room(end: usize, stride: usize, bytes: u64) -> bool {
    debug_assert!(stride.is_multiple_of(ALIGN), "frames are aligned");
    (end + stride) as u64 <= bytes
}
