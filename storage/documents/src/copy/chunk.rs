//! The bytes of a chunk.
//!
//! | part | bytes |
//! |---|---|
//! | format | 1, now always 1 |
//! | format of the store it was read from | u32 |
//! | position of the copy: index, term, timestamp | u64 each |
//! | number of the chunk, from 0 | u64 |
//! | kind | 1: 1 pairs, 2 end |
//! | of pairs: space, key, value; again and again | u8, `bytes`, `bytes` |
//! | of the end: number of pairs, their bytes, CRC-32C of all of these bytes in order | u64, u64, u32 |
//! | CRC-32C of everything before it | u32 |
//!
//! The shapes are those of [`crate::codec`]. The position stands in every chunk, so that chunks of
//! two copies are never taken for one.

use crate::codec::{Malformed, Reader, Writer};
use crate::open::FORMAT_VERSION;
use quire_keys::KeySpace;
use quire_log::{Applied, LogIndex, Term, Timestamp};

const FORMAT: u8 = 1;
const PAIRS: u8 = 1;
const END: u8 = 2;
const CHECKSUM_BYTES: usize = 4;

/// What a pair takes besides its key and value, at most.
pub(super) const PAIR_OVERHEAD_BYTES: usize = 11;

/// Why bytes are not a chunk that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("its checksum does not hold")]
    Checksum,
    #[error("it was read from a store of format {0}, this version knows {FORMAT_VERSION}")]
    StoreFormat(u32),
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// What was sent, or has arrived, so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) pairs: u64,
    pub(super) bytes: u64,
    pub(super) digest: u32,
}

impl Totals {
    /// The totals after `pairs` more, whose bytes are `body`.
    pub(super) fn with(self, pairs: u64, body: &[u8]) -> Totals {
        Totals {
            pairs: self.pairs.saturating_add(pairs),
            bytes: self.bytes.saturating_add(body.len() as u64),
            digest: crc32c::crc32c_append(self.digest, body),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'a> {
    /// Pairs one behind the other; see [`pairs`].
    Pairs(&'a [u8]),
    End(Totals),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk<'a> {
    pub(super) applied: Applied,
    pub(super) number: u64,
    pub(super) content: Content<'a>,
}

/// A key of some space and its value.
pub(super) type Pair<'a> = (KeySpace, &'a [u8], &'a [u8]);

/// Appends a pair to a body.
pub(super) fn put_pair((space, key, value): Pair<'_>, body: &mut Writer) {
    body.u8(space.number());
    body.bytes(key);
    body.bytes(value);
}

/// Takes a body apart.
pub(super) fn pairs(body: &[u8]) -> impl Iterator<Item = Result<Pair<'_>, Malformed>> {
    let mut input = Reader::new(body);
    let mut failed = false;
    std::iter::from_fn(move || {
        if failed || input.end().is_ok() {
            return None;
        }
        let pair = read_pair(&mut input);
        failed = pair.is_err();
        Some(pair)
    })
}

fn read_pair<'a>(input: &mut Reader<'a>) -> Result<Pair<'a>, Malformed> {
    let number = input.u8()?;
    let space = KeySpace::ALL.into_iter().find(|space| space.number() == number);
    Ok((space.ok_or(Malformed::Tag(number))?, input.bytes()?, input.bytes()?))
}

impl<'a> Chunk<'a> {
    pub(super) fn encode(&self) -> Vec<u8> {
        let room = match self.content {
            Content::Pairs(body) => body.len(),
            Content::End(_) => 0,
        };
        let mut out = Writer::with_capacity(room.saturating_add(64));
        out.u8(FORMAT);
        out.u32(FORMAT_VERSION);
        out.u64(self.applied.index.0);
        out.u64(self.applied.term.0);
        out.u64(self.applied.timestamp.0);
        out.u64(self.number);
        match self.content {
            Content::Pairs(body) => {
                out.u8(PAIRS);
                out.raw(body);
            }
            Content::End(totals) => {
                out.u8(END);
                out.u64(totals.pairs);
                out.u64(totals.bytes);
                out.u32(totals.digest);
            }
        }
        let mut bytes = out.finish();
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads a chunk. Nothing in it is believed before its checksum was compared; only the format
    /// comes before that, because a newer one may keep the checksum elsewhere.
    pub(super) fn decode(bytes: &'a [u8]) -> Result<Chunk<'a>, Unusable> {
        match bytes.first() {
            Some(&FORMAT) => {}
            Some(&other) => return Err(Malformed::Format(other).into()),
            None => return Err(Malformed::Short.into()),
        }
        let (body, checksum) =
            bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Malformed::Short)?;
        if u32::from_le_bytes(*checksum) != crc32c::crc32c(body) {
            return Err(Unusable::Checksum);
        }
        let mut input = Reader::new(body);
        input.u8()?;
        let store_format = input.u32()?;
        if store_format != FORMAT_VERSION {
            return Err(Unusable::StoreFormat(store_format));
        }
        let applied = Applied {
            index: LogIndex(input.u64()?),
            term: Term(input.u64()?),
            timestamp: Timestamp(input.u64()?),
        };
        let number = input.u64()?;
        let content = match input.u8()? {
            PAIRS => Content::Pairs(input.rest()),
            END => {
                let totals =
                    Totals { pairs: input.u64()?, bytes: input.u64()?, digest: input.u32()? };
                input.end()?;
                Content::End(totals)
            }
            other => return Err(Malformed::Tag(other).into()),
        };
        Ok(Chunk { applied, number, content })
    }
}
