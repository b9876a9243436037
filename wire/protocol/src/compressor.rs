//! The compressors: their ids and names on the wire, and their codecs.
//!
//! Owns every call into a compression library. A decompressor writes into room made for exactly the
//! announced length, and never reports success for any other.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// A compressor by its id on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Compressor {
    /// Copies. For testing; never negotiated.
    Noop = 0,
    Snappy = 1,
    Zlib = 2,
    Zstd = 3,
}

/// Commands that carry secrets or come before compression is agreed on.
const NEVER_COMPRESSED: &[&str] = &[
    "hello",
    "isMaster",
    "ismaster",
    "saslStart",
    "saslContinue",
    "getnonce",
    "authenticate",
    "createUser",
    "updateUser",
    "copydbSaslStart",
    "copydbgetnonce",
    "copydb",
];

impl Compressor {
    const ALL: [Compressor; 4] =
        [Compressor::Noop, Compressor::Snappy, Compressor::Zlib, Compressor::Zstd];

    pub fn from_id(id: u8) -> Option<Compressor> {
        Compressor::ALL.into_iter().find(|compressor| compressor.id() == id)
    }

    /// The compressor `hello` calls `name`.
    pub fn from_name(name: &str) -> Option<Compressor> {
        Compressor::ALL.into_iter().find(|compressor| compressor.name() == name)
    }

    pub fn id(self) -> u8 {
        self as u8
    }

    pub fn name(self) -> &'static str {
        match self {
            Compressor::Noop => "noop",
            Compressor::Snappy => "snappy",
            Compressor::Zlib => "zlib",
            Compressor::Zstd => "zstd",
        }
    }

    /// False for the commands whose requests and replies always travel uncompressed.
    pub fn may_carry(command: &str) -> bool {
        !NEVER_COMPRESSED.contains(&command)
    }

    /// False when no input of `input` bytes can decompress to `output` bytes: an announced length
    /// that cannot be true is refused before anything is allocated for it.
    pub(crate) fn can_yield(self, input: usize, output: usize) -> bool {
        // Snappy's densest element makes 64 bytes of 3, deflate's 258 bytes of 2 bits. Zstandard
        // has no such bound; its output is written into reserved, untouched memory.
        let ratio_max = match self {
            Compressor::Noop => 1,
            Compressor::Snappy => 22,
            Compressor::Zlib => 1_032,
            Compressor::Zstd => usize::MAX,
        };
        output <= input.saturating_mul(ratio_max)
    }

    /// The compressed form; `None` when the library fails.
    pub(crate) fn compress(self, input: &[u8]) -> Option<Vec<u8>> {
        match self {
            Compressor::Noop => Some(input.to_vec()),
            Compressor::Snappy => snap::raw::Encoder::new().compress_vec(input).ok(),
            Compressor::Zlib => compress_zlib(input),
            Compressor::Zstd => zstd::bulk::compress(input, zstd::DEFAULT_COMPRESSION_LEVEL).ok(),
        }
    }

    /// Appends the decompressed form of `input`, which must be exactly `length` bytes long.
    pub(crate) fn decompress(self, input: &[u8], out: &mut Vec<u8>, length: usize) -> Option<()> {
        let start = out.len();
        match self {
            Compressor::Noop => out.extend_from_slice(input),
            Compressor::Snappy => decompress_snappy(input, out, length)?,
            Compressor::Zlib => decompress_zlib(input, out, length)?,
            Compressor::Zstd => decompress_zstd(input, out, length)?,
        }
        (out.len() == start.checked_add(length)?).then_some(())
    }
}

fn decompress_snappy(input: &[u8], out: &mut Vec<u8>, length: usize) -> Option<()> {
    if snap::raw::decompress_len(input).ok()? != length {
        return None;
    }
    let start = out.len();
    out.resize(start.checked_add(length)?, 0);
    let written = snap::raw::Decoder::new().decompress(input, out.get_mut(start..)?).ok()?;
    (written == length).then_some(())
}

fn decompress_zlib(input: &[u8], out: &mut Vec<u8>, length: usize) -> Option<()> {
    out.reserve_exact(length.checked_add(1)?);
    let mut codec = Decompress::new(true);
    let status = codec.decompress_vec(input, out, FlushDecompress::Finish).ok()?;
    let all_read = usize::try_from(codec.total_in()).ok()? == input.len();
    (status == Status::StreamEnd && all_read).then_some(())
}

fn compress_zlib(input: &[u8]) -> Option<Vec<u8>> {
    // deflate's stored blocks cost five bytes each 16 KiB or more; a little room beyond suffices
    let mut out = Vec::with_capacity(input.len() + input.len() / 1_000 + 64);
    let mut codec = Compress::new(Compression::default(), true);
    let status = codec.compress_vec(input, &mut out, FlushCompress::Finish).ok()?;
    (status == Status::StreamEnd).then_some(out)
}

fn decompress_zstd(input: &[u8], out: &mut Vec<u8>, length: usize) -> Option<()> {
    let start = out.len();
    out.reserve_exact(length);
    let mut room = std::io::Cursor::new(out);
    room.set_position(u64::try_from(start).ok()?);
    let mut codec = zstd::bulk::Decompressor::new().ok()?;
    codec.decompress_to_buffer(input, &mut room).ok()?;
    Some(())
}

/// A set of compressors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compressors(u8);

impl Compressors {
    pub const NONE: Compressors = Compressors(0);
    pub const ALL: Compressors = Compressors(0b1111);

    pub fn contains(self, compressor: Compressor) -> bool {
        self.0 & (1 << compressor.id()) != 0
    }
}

impl FromIterator<Compressor> for Compressors {
    fn from_iter<I: IntoIterator<Item = Compressor>>(compressors: I) -> Compressors {
        compressors
            .into_iter()
            .fold(Compressors::NONE, |set, compressor| Compressors(set.0 | (1 << compressor.id())))
    }
}

#[cfg(test)]
mod tests;
