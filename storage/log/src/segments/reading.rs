//! Reading a file from front to back in pieces.
//!
//! Owns the memory for it, which is bounded by a piece and by what one frame says of its length, and
//! never by the length of the file.

use super::files::SegmentFile;
use super::format::{ALIGN, FrameHead};
use std::io;

const PIECE: usize = 256 << 10;

pub(super) struct Pieces<'a> {
    file: &'a dyn SegmentFile,
    length: u64,
    /// Where in the file the held bytes begin.
    start: u64,
    held: Vec<u8>,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(file: &'a dyn SegmentFile, length: u64) -> Pieces<'a> {
        Pieces { file, length, start: 0, held: Vec::new() }
    }

    /// So many bytes from an offset on; `None` if the file ends before.
    pub(super) fn get(&mut self, offset: usize, bytes: usize) -> io::Result<Option<&[u8]>> {
        let offset = offset as u64;
        let left = self.length.saturating_sub(offset);
        if (bytes as u64) > left {
            return Ok(None);
        }
        let held_end = self.start + self.held.len() as u64;
        if offset < self.start || offset + bytes as u64 > held_end {
            let piece = usize::try_from(left).unwrap_or(usize::MAX).min(PIECE.max(bytes));
            self.held.resize(piece, 0);
            self.file.read_at(offset, &mut self.held)?;
            self.start = offset;
        }
        let from = usize::try_from(offset - self.start).unwrap_or(usize::MAX);
        Ok(self.held.get(from..from.saturating_add(bytes)))
    }
}

/// What stands where nothing is expected.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Remains {
    /// Behind the last byte that is not zero; nothing if there is none.
    pub(super) end: Option<usize>,
    /// Numbers of the frames that begin there.
    pub(super) frames: Vec<u64>,
}

/// Frames that are told at most: more do not say more.
const FRAMES_MAX: usize = 4;

/// Looks through a file from `offset` on.
pub(super) fn remains(pieces: &mut Pieces<'_>, offset: usize) -> io::Result<Remains> {
    let mut found = Remains::default();
    let mut at = offset;
    while let Some(block) = pieces.get(at, ALIGN)? {
        if let Some(last) = block.iter().rposition(|byte| *byte != 0) {
            found.end = Some(at + last + 1);
            let head = FrameHead::read(block).ok().flatten();
            if found.frames.len() < FRAMES_MAX {
                found.frames.extend(head.map(|head| head.number));
            }
        }
        at += ALIGN;
    }
    Ok(found)
}
