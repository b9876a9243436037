//! The bytes of segment files.
//!
//! Owns the two heads: the one at the start of a segment, which says where the log stood when the
//! segment was begun, and the one before each frame, which is what one append wrote. Numbers are
//! big-endian; a head ends with the CRC-32C of everything before it. What entries look like is
//! `encoding`'s.
//!
//! A segment is [`SECTOR`] bytes of head, then frames at multiples of [`ALIGN`], then zeros. A head
//! lies within one sector, which a disk writes wholly or not at all: so what stands where a frame is
//! expected is a valid head or zeros, and anything else is damage.
//!
//! What stands behind a frame's head is masked ([`mask`]), so that no sector of it is zeros, nor one
//! flipped bit away from zeros: a sector of zeros is one that was never written. And nobody can put
//! into an entry what looks like a frame.

use crate::encoding::Unreadable;
use crate::{HardState, LogIndex, Term, Timestamp};

/// What a disk writes as a whole.
pub(super) const SECTOR: usize = 512;

/// Frames begin at multiples of this, so that no head lies in two sectors.
pub(super) const ALIGN: usize = 128;

/// The bytes of a frame's head.
pub(super) const HEAD: usize = ALIGN;

/// The bytes before each entry: its length.
pub(super) const LENGTH: usize = 4;

const FORMAT: u8 = 1;
const SEGMENT_MAGIC: &[u8; 7] = b"QRSEGM\n";
const FRAME_MAGIC: &[u8; 7] = b"QRFRAM\n";

/// A place in the log and the term of the entry there.
pub(super) type Position = (LogIndex, Term);

/// What every frame says again, so that the last one is enough to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) hard_state: HardState,
    pub(super) compacted: Position,
    /// Zero while there is none.
    pub(super) identity: u64,
}

/// How a segment begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SegmentHead {
    pub(super) number: u64,
    /// The segment before it; zero if what is in earlier ones does not count.
    pub(super) previous: u64,
    /// The first entry that the segment before it holds; nothing if it holds none.
    pub(super) previous_first: u64,
    /// The number of its first frame.
    pub(super) frame: u64,
    /// The length of its file.
    pub(super) bytes: u64,
    /// What its frames are masked with.
    pub(super) salt: u64,
    /// Where the log ended before it.
    pub(super) last: Position,
    pub(super) mark: Mark,
    /// No entry before it is newer; zero if that is not known.
    pub(super) time: Timestamp,
}

/// How a frame begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// Frames are counted over all segments.
    pub(super) number: u64,
    pub(super) body_bytes: u32,
    pub(super) entries: u32,
    pub(super) first: u64,
    pub(super) mark: Mark,
}

impl SegmentHead {
    pub(super) fn write(&self) -> [u8; SECTOR] {
        let mut out = Numbers::begin(SEGMENT_MAGIC);
        for number in [self.number, self.previous, self.previous_first, self.frame] {
            out.push(number);
        }
        out.push(self.bytes);
        out.push(self.salt);
        out.push_position(self.last);
        out.push_mark(&self.mark);
        out.push(self.time.0);
        out.end()
    }

    /// `None` for a segment that was not begun.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<SegmentHead>, Unreadable> {
        let Some(mut numbers) = Taken::begin(SEGMENT_MAGIC, bytes, SECTOR)? else {
            return Ok(None);
        };
        Ok(Some(SegmentHead {
            number: numbers.take()?,
            previous: numbers.take()?,
            previous_first: numbers.take()?,
            frame: numbers.take()?,
            bytes: numbers.take()?,
            salt: numbers.take()?,
            last: numbers.take_position()?,
            mark: numbers.take_mark()?,
            time: Timestamp(numbers.take()?),
        }))
    }
}

impl FrameHead {
    pub(super) fn write(&self) -> [u8; HEAD] {
        let mut out = Numbers::begin(FRAME_MAGIC);
        out.push(self.number);
        out.push(u64::from(self.body_bytes) << 32 | u64::from(self.entries));
        out.push(self.first);
        out.push_mark(&self.mark);
        out.end()
    }

    /// `None` where nothing was written.
    pub(super) fn read(bytes: &[u8]) -> Result<Option<FrameHead>, Unreadable> {
        let Some(mut numbers) = Taken::begin(FRAME_MAGIC, bytes, HEAD)? else { return Ok(None) };
        let number = numbers.take()?;
        let lengths = numbers.take()?;
        Ok(Some(FrameHead {
            number,
            body_bytes: (lengths >> 32) as u32,
            entries: lengths as u32,
            first: numbers.take()?,
            mark: numbers.take_mark()?,
        }))
    }

    /// The bytes from this head to the next frame.
    pub(super) fn stride(&self) -> usize {
        (HEAD + self.body_bytes as usize).next_multiple_of(ALIGN)
    }
}

/// Masks what stands at `offset` of a segment with this salt, or takes the mask away: in each sector a
/// number of its own, over and over. It keeps no secrets; it is there so that what was written differs
/// from what never was, whatever clients have written.
pub(super) fn mask(salt: u64, offset: usize, bytes: &mut [u8]) {
    let mut offset = offset;
    let mut rest = bytes;
    while !rest.is_empty() {
        let sector_end = (offset / SECTOR + 1) * SECTOR;
        let (part, behind) = rest.split_at_mut(rest.len().min(sector_end - offset));
        let word = sector_mask(salt, offset / SECTOR).to_le_bytes();
        let mut word = word;
        word.rotate_left(offset % 8);
        let mut words = part.chunks_exact_mut(8);
        for eight in &mut words {
            eight.iter_mut().zip(word).for_each(|(byte, mask)| *byte ^= mask);
        }
        words.into_remainder().iter_mut().zip(word).for_each(|(byte, mask)| *byte ^= mask);
        offset = sector_end;
        rest = behind;
    }
}

/// Never zero. The mixing is that of `SplitMix64`.
fn sector_mask(salt: u64, sector: usize) -> u64 {
    let mut mixed = salt.wrapping_add((sector as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) | 1
}

/// Whether a sector behind the head's own holds nothing, of a frame that stands at `offset`: it never
/// got to the disk. What shares a sector with its head does so with that.
pub(super) fn lacks_a_sector(offset: usize, frame: &[u8]) -> bool {
    let shared = (offset / SECTOR + 1) * SECTOR - offset;
    frame.get(shared..).unwrap_or_default().chunks(SECTOR).any(is_zero)
}

pub(super) fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

struct Numbers<const BYTES: usize> {
    bytes: [u8; BYTES],
    used: usize,
}

impl<const BYTES: usize> Numbers<BYTES> {
    fn begin(magic: &[u8; 7]) -> Numbers<BYTES> {
        let mut bytes = [0; BYTES];
        bytes[..7].copy_from_slice(magic);
        bytes[7] = FORMAT;
        Numbers { bytes, used: 8 }
    }

    fn push(&mut self, number: u64) {
        self.bytes[self.used..self.used + 8].copy_from_slice(&number.to_be_bytes());
        self.used += 8;
    }

    fn push_position(&mut self, (index, term): Position) {
        self.push(index.0);
        self.push(term.0);
    }

    fn push_mark(&mut self, Mark { hard_state, compacted, identity }: &Mark) {
        self.push(hard_state.term.0);
        self.push(hard_state.vote);
        self.push(hard_state.commit.0);
        self.push_position(*compacted);
        self.push(*identity);
    }

    fn end(mut self) -> [u8; BYTES] {
        let checksum = crc32c::crc32c(&self.bytes[..BYTES - 4]);
        self.bytes[BYTES - 4..].copy_from_slice(&checksum.to_be_bytes());
        self.bytes
    }
}

struct Taken<'a>(&'a [u8]);

impl<'a> Taken<'a> {
    /// The numbers of a head whose checksum holds; `None` for one that is not there.
    fn begin(
        magic: &[u8; 7],
        bytes: &'a [u8],
        length: usize,
    ) -> Result<Option<Taken<'a>>, Unreadable> {
        let head = bytes.get(..length).ok_or(Unreadable::Damaged("it is too short"))?;
        if is_zero(head) {
            return Ok(None);
        }
        let Some((format, rest)) = head.strip_prefix(magic).and_then(<[u8]>::split_first) else {
            return Err(Unreadable::Damaged("it does not begin as it should"));
        };
        // Comes before the checksum, whose place a newer format may have moved.
        if *format > FORMAT {
            return Err(Unreadable::NewerFormat(*format));
        }
        let (covered, stored) = head.split_at(length - 4);
        if crc32c::crc32c(covered).to_be_bytes() != stored {
            return Err(Unreadable::Damaged("its checksum does not hold"));
        }
        Ok(Some(Taken(rest)))
    }

    fn take(&mut self) -> Result<u64, Unreadable> {
        let (number, rest) =
            self.0.split_first_chunk().ok_or(Unreadable::Damaged("it is too short"))?;
        self.0 = rest;
        Ok(u64::from_be_bytes(*number))
    }

    fn take_position(&mut self) -> Result<Position, Unreadable> {
        Ok((LogIndex(self.take()?), Term(self.take()?)))
    }

    fn take_mark(&mut self) -> Result<Mark, Unreadable> {
        let hard_state = HardState {
            term: Term(self.take()?),
            vote: self.take()?,
            commit: LogIndex(self.take()?),
        };
        Ok(Mark { hard_state, compacted: self.take_position()?, identity: self.take()? })
    }
}
