//! Finding the log in the files that are there.
//!
//! Owns opening: the newest segment is read through, because that is where a crash can have left
//! something; of those before it only the heads, of which one is open at a time.

use super::files::{SegmentFile, SegmentFiles, file_name};
use super::format::{ALIGN, SECTOR, SegmentHead};
use super::preparing::Prepared;
use super::reading::{Pieces, Remains, remains};
use super::segment::{Newest, Segment, Standing, scan};
use super::{damaged, new_salt, unreadable};
use crate::LogError;
use std::collections::{BTreeMap, BTreeSet};
use std::io;

pub(super) struct Found {
    /// Those before the newest, oldest first.
    pub(super) older: Vec<Segment>,
    pub(super) newest: Newest,
    pub(super) end: usize,
    pub(super) next_frame: u64,
    /// No file has this number or a greater one.
    pub(super) next_number: u64,
    /// A file that was prepared and not begun.
    pub(super) spare: Option<Prepared>,
    pub(super) standing: Standing,
}

/// Finds the log, or begins one where there is none.
pub(super) fn open(files: &dyn SegmentFiles, segment_bytes: u64) -> Result<Found, LogError> {
    let numbers = files.list()?;
    let next_number = numbers.iter().max().map_or(1, |newest| newest.saturating_add(1));
    let (mut begun, mut blank) = (BTreeMap::new(), BTreeSet::new());
    for number in &numbers {
        match read_head(*number, files.open(*number)?.as_ref())? {
            Some(head) => drop(begun.insert(*number, head)),
            None => drop(blank.insert(*number)),
        }
    }
    let newest_number = begun.keys().last().copied().unwrap_or(0);
    let spare = keep_a_spare(files, blank, newest_number, segment_bytes)?;
    // What was given up must not come back, above all not a segment newer than the newest.
    files.sync_names()?;
    let Some((number, head)) = begun.pop_last() else {
        let first = begin(files, spare, next_number, segment_bytes)?;
        return Ok(Found { next_number: next_number.saturating_add(1), ..first });
    };
    let file = files.open(number)?;
    let found = scan(file.as_ref(), &head, None)?;
    settle(file.as_ref(), &head, found.last_frame, found.end)?;
    let (end, next_frame, standing) = (found.end, found.frame, found.standing);
    let newest = Newest::found(head, file, found);
    let older = chain(&newest.segment, &mut begun, &standing)?;
    for number in begun.into_keys() {
        files.remove(number)?;
    }
    Ok(Found { older, newest, end, next_frame, next_number, spare, standing })
}

/// The segments before the newest in which something counts, oldest first.
fn chain(
    newest: &Segment,
    begun: &mut BTreeMap<u64, SegmentHead>,
    standing: &Standing,
) -> Result<Vec<Segment>, LogError> {
    let mut next = newest.head;
    // What later segments wrote took the place of what stood in earlier ones, and so did the end that
    // the log was cut back to.
    let mut end = newest.first;
    let mut segments = Vec::new();
    let first = standing.mark.compacted.0.next().0;
    loop {
        end = end.min(next.last.0.0.saturating_add(1));
        if end <= first {
            break;
        }
        let missing = || damaged(format!("{} is missing", file_name(next.previous)));
        let head = begun.remove(&next.previous).ok_or_else(missing)?;
        let segment = Segment::begun(head).closed(&next, end);
        end = end.min(segment.first);
        next = head;
        segments.push(segment);
    }
    segments.reverse();
    Ok(segments)
}

/// Of the files that were not begun the last whole one is kept, and the others are removed: they were
/// not prepared to the end, or hold the first frame of a segment whose head did not get to the disk.
fn keep_a_spare(
    files: &dyn SegmentFiles,
    blank: BTreeSet<u64>,
    newest_number: u64,
    segment_bytes: u64,
) -> Result<Option<Prepared>, LogError> {
    let mut spare: Option<Prepared> = None;
    for number in blank {
        let file = files.open(number)?;
        let bytes = file.bytes()?;
        let mut useless = Some(number);
        if number > newest_number {
            let Remains { end, frames } = remains(&mut Pieces::new(file.as_ref(), bytes), 0)?;
            if frames.len() > 1 {
                let name = file_name(number);
                return Err(damaged(format!("the head of {name} is missing, and frames are not")));
            }
            if end.is_none() && bytes == segment_bytes {
                useless = spare.replace((number, file)).map(|(before, _)| before);
            }
        }
        if let Some(useless) = useless {
            files.remove(useless)?;
        }
    }
    Ok(spare)
}

fn begin(
    files: &dyn SegmentFiles,
    spare: Option<Prepared>,
    next_number: u64,
    segment_bytes: u64,
) -> Result<Found, LogError> {
    let (number, file) = match spare {
        Some(spare) => spare,
        None => (next_number, files.create(next_number, segment_bytes)?),
    };
    let (bytes, salt) = (segment_bytes, new_salt());
    let head = SegmentHead { number, frame: 1, bytes, salt, ..SegmentHead::default() };
    file.write_at(0, &head.write())?;
    file.sync()?;
    Ok(Found {
        older: Vec::new(),
        newest: Newest::begun(head, file),
        end: SECTOR,
        next_frame: 1,
        next_number,
        spare: None,
        standing: Standing::default(),
    })
}

/// `None` for a file that was not begun.
fn read_head(number: u64, file: &dyn SegmentFile) -> Result<Option<SegmentHead>, LogError> {
    let bytes = file.bytes()?;
    let mut sector = [0; SECTOR];
    if bytes < SECTOR as u64 {
        return Ok(None);
    }
    file.read_at(0, &mut sector)?;
    let what = || format!("the head of {}", file_name(number));
    let head = SegmentHead::read(&sector).map_err(|why| unreadable(&what(), why))?;
    match head {
        Some(head) if head.number != number => {
            Err(damaged(format!("{} is that of {}", what(), file_name(head.number))))
        }
        Some(head) if head.bytes != bytes => {
            let name = file_name(number);
            Err(damaged(format!("{name} has {bytes} bytes instead of {}", head.bytes)))
        }
        head => Ok(head),
    }
}

/// Makes the newest segment what it was found to be. What an append left that did not come to its end
/// is taken away. The last frame is written once more, with the segment's head if there is no frame
/// before it: whoever wrote it may have failed to sync it, after which a sync of the cache's pages
/// alone would say that they are on disk, and others will be told that the frame is here.
fn settle(
    file: &dyn SegmentFile,
    head: &SegmentHead,
    last_frame: Option<usize>,
    end: usize,
) -> Result<(), LogError> {
    let unsure = match last_frame {
        None | Some(SECTOR) => 0,
        Some(last_frame) => last_frame,
    };
    let mut pieces = Pieces::new(file, head.bytes);
    copy_onto_itself(file, &mut pieces, unsure, end)?;
    if let Some(behind) = remains(&mut pieces, end)?.end {
        clear(file, end, behind)?;
    }
    file.sync()?;
    Ok(())
}

fn copy_onto_itself(
    file: &dyn SegmentFile,
    pieces: &mut Pieces<'_>,
    from: usize,
    to: usize,
) -> io::Result<()> {
    for at in (from..to).step_by(COPIED) {
        let bytes = COPIED.min(to - at);
        let piece = pieces.get(at, bytes)?.ok_or(io::ErrorKind::UnexpectedEof)?;
        file.write_at(at as u64, piece)?;
    }
    Ok(())
}

fn clear(file: &dyn SegmentFile, from: usize, to: usize) -> io::Result<()> {
    debug_assert!(from >= SECTOR && from.is_multiple_of(ALIGN), "frames are aligned");
    let zeros = vec![0; COPIED.min(to - from)];
    for at in (from..to).step_by(COPIED) {
        file.write_at(at as u64, &zeros[..COPIED.min(to - at)])?;
    }
    Ok(())
}

/// Bytes that are written at once.
const COPIED: usize = 256 << 10;
