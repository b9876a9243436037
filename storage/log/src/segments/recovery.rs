//! Finding the log in the files that are there.
//!
//! Owns opening: the newest segment is read through, because that is where a crash can have left
//! something; of those before it only the heads.

use super::files::{SegmentFile, SegmentFiles};
use super::format::{self, Mark, Position, SECTOR, SegmentHead};
use super::segment::{Segment, scan};
use super::{damaged, unreadable};
use crate::LogError;
use std::collections::BTreeMap;
use std::io;

pub(super) struct Found {
    /// Oldest first.
    pub(super) segments: Vec<Segment>,
    pub(super) end: usize,
    pub(super) next_frame: u64,
    /// No file has this number or a greater one.
    pub(super) next_number: u64,
    pub(super) last: Position,
    pub(super) mark: Mark,
}

/// Finds the log, or begins one where there is none.
pub(super) fn open(files: &dyn SegmentFiles, segment_bytes: u64) -> Result<Found, LogError> {
    let numbers = files.list()?;
    let next_number = numbers.iter().max().map_or(1, |newest| newest.saturating_add(1));
    let mut begun = BTreeMap::new();
    for number in &numbers {
        match read_head(files, *number)? {
            Some(found) => {
                begun.insert(*number, found);
            }
            // Prepared and not needed yet, or not even prepared to the end.
            None => files.remove(*number)?,
        }
    }
    let Some((_, newest)) = begun.pop_last() else {
        return begin(files, next_number, segment_bytes);
    };
    let found = scan(newest.file.as_ref(), &newest.head, None)?;
    clear_behind(newest.file.as_ref(), found.end)?;
    let mut next = newest.head;
    let newest = newest.newest(&found);
    // What later segments wrote took the place of what stood in earlier ones.
    let mut written_later = newest.first;
    let mut segments = vec![newest];
    let first = found.mark.compacted.0.next().0;
    loop {
        let end = next.last.0.0.saturating_add(1).min(written_later);
        if end <= first {
            break;
        }
        let missing = || damaged(format!("segment {} is missing", next.previous));
        let segment = begun.remove(&next.previous).ok_or_else(missing)?.closed(&next, end);
        written_later = written_later.min(segment.first);
        next = segment.head;
        segments.push(segment);
    }
    for number in begun.into_keys() {
        files.remove(number)?;
    }
    segments.reverse();
    Ok(Found {
        segments,
        end: found.end,
        next_frame: found.frame,
        next_number,
        last: found.last,
        mark: found.mark,
    })
}

fn begin(files: &dyn SegmentFiles, number: u64, segment_bytes: u64) -> Result<Found, LogError> {
    let (last, mark) = (Position::default(), Mark::default());
    let head = SegmentHead { number, frame: 1, ..SegmentHead::default() };
    let file = files.create(number, segment_bytes)?;
    let written = file.write_at(0, &head.write()).and_then(|()| file.sync());
    written?;
    let mut first = Segment::begun(head, file, segment_bytes);
    first.is_anchored = true;
    Ok(Found {
        segments: vec![first],
        end: SECTOR,
        next_frame: 1,
        next_number: number.saturating_add(1),
        last,
        mark,
    })
}

/// `None` for a file that was not begun.
fn read_head(files: &dyn SegmentFiles, number: u64) -> Result<Option<Segment>, LogError> {
    let file = files.open(number)?;
    let bytes = file.bytes()?;
    if bytes < SECTOR as u64 {
        return Ok(None);
    }
    let mut sector = [0; SECTOR];
    file.read_at(0, &mut sector)?;
    let what = || format!("the head of segment {number}");
    let head = SegmentHead::read(&sector).map_err(|why| unreadable(&what(), why))?;
    match head {
        Some(head) if head.number != number => {
            Err(damaged(format!("{} is that of segment {}", what(), head.number)))
        }
        head => Ok(head.map(|head| Segment::begun(head, file, bytes))),
    }
}

/// What an append left that did not come to its end is taken away, and what was found is synced: it
/// may be the end of an attempt whose sync failed, and others will be told that it is here.
fn clear_behind(file: &dyn SegmentFile, end: usize) -> io::Result<()> {
    let length = usize::try_from(file.bytes()?).unwrap_or(usize::MAX);
    let mut rest = vec![0; length.saturating_sub(end)];
    file.read_at(end as u64, &mut rest)?;
    if let Some(last) = rest.iter().rposition(|byte| *byte != 0) {
        file.write_at(end as u64, &vec![0; last + 1])?;
    }
    debug_assert!(end >= SECTOR && end.is_multiple_of(format::ALIGN), "frames are aligned");
    file.sync()
}
