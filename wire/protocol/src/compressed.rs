//! OP_COMPRESSED: a message in a shorter coat.
//!
//! Owns the wrapper's layout and its defences. What an announced length may make this process allocate
//! is decided here, before a single byte is decompressed.
//!
//! | at | after the header |
//! |---|---|
//! | 16 | int32 op code of the message inside |
//! | 20 | int32 length of what was compressed: the inner message without its header |
//! | 24 | byte, compressor id |
//! | 25 | compressed bytes |

use crate::compressor::Compressor;
use crate::decode::DecodeLimits;
use crate::header::{HEADER_BYTES, Header, OpCode, i32_at};
use crate::rejection::Violation;

/// Where the compressed bytes begin in a message.
const PAYLOAD_AT: usize = HEADER_BYTES + 9;

/// What compression made of one message, headers aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compression {
    pub compressor: Compressor,
    pub plain_bytes: usize,
    pub compressed_bytes: usize,
}

/// Decompresses a whole message into the message it stands for, with a header as if it had come
/// uncompressed.
pub(crate) fn open(
    message: &[u8],
    outer: Header,
    limits: DecodeLimits,
) -> Result<(Vec<u8>, Compression), Violation> {
    let truncated = Violation::Truncated("OP_COMPRESSED");
    let (Some(op_code), Some(claimed), Some(&id), Some(payload)) = (
        i32_at(message, HEADER_BYTES),
        i32_at(message, HEADER_BYTES + 4),
        message.get(PAYLOAD_AT - 1),
        message.get(PAYLOAD_AT..),
    ) else {
        return Err(truncated);
    };
    if op_code == OpCode::Compressed.number() {
        return Err(Violation::NestedCompression);
    }
    let compressor = Compressor::from_id(id)
        .filter(|&compressor| limits.compressors.contains(compressor))
        .ok_or(Violation::Compressor(id))?;
    let length = usize::try_from(claimed)
        .ok()
        .filter(|&n| n <= limits.message_bytes_max.saturating_sub(HEADER_BYTES))
        .ok_or(Violation::DecompressedLength(claimed))?;
    let broken = Violation::Decompression { claimed: length };
    if !compressor.can_yield(payload.len(), length) {
        return Err(broken);
    }
    let inner = Header { message_bytes: HEADER_BYTES + length, op_code, ..outer };
    // One byte of room more lets a stream that goes on too long be told from one that ends.
    let mut out = Vec::with_capacity(inner.message_bytes + 1);
    inner.write(&mut out);
    compressor.decompress(payload, &mut out, length).ok_or(broken)?;
    Ok((out, Compression { compressor, plain_bytes: length, compressed_bytes: payload.len() }))
}

/// Replaces the whole message at the end of `out`, which starts at `start` and has `header`, by its
/// compressed form; `None` when it stays as it is, because that would not be shorter.
pub(crate) fn close(
    out: &mut Vec<u8>,
    start: usize,
    header: Header,
    compressor: Compressor,
) -> Option<Compression> {
    let payload = out.get(start.saturating_add(HEADER_BYTES)..).unwrap_or_default();
    let plain_bytes = payload.len();
    let announced = i32::try_from(plain_bytes).ok()?;
    let compressed = compressor.compress(payload)?;
    let message_bytes = PAYLOAD_AT + compressed.len();
    if message_bytes >= header.message_bytes {
        return None;
    }
    out.truncate(start);
    Header { message_bytes, op_code: OpCode::Compressed.number(), ..header }.write(out);
    out.extend_from_slice(&header.op_code.to_le_bytes());
    out.extend_from_slice(&announced.to_le_bytes());
    out.push(compressor.id());
    out.extend_from_slice(&compressed);
    Some(Compression { compressor, plain_bytes, compressed_bytes: compressed.len() })
}

#[cfg(test)]
mod tests;
