//! Cutting a stream of bytes into messages.
//!
//! Owns the connection's receive buffer. The buffer grows with what has been received, never with
//! what is merely announced, so that a thousand idle peers announcing 48 MB each cost nothing.

use crate::header::{HEADER_BYTES, message_length};
use crate::rejection::Violation;

/// How far a stream has come with its first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// At least this many bytes are missing.
    Missing(usize),
    /// The first message takes this many bytes.
    Complete(usize),
}

/// Tells whether `received` starts with a whole message.
pub fn progress(received: &[u8], message_bytes_max: usize) -> Result<Progress, Violation> {
    Ok(match message_length(received, message_bytes_max)? {
        None => Progress::Missing(HEADER_BYTES.saturating_sub(received.len())),
        Some(length) if length > received.len() => Progress::Missing(length - received.len()),
        Some(length) => Progress::Complete(length),
    })
}

/// The room for the first bytes of a connection, which is enough for a greeting. What sends more
/// keeps a larger buffer.
const FIRST_READ_BYTES: usize = 512;

/// The room that a read is given at least once there was more.
const READ_BYTES_MIN: usize = 4 * 1024;

/// The most room a read is given ahead of data; also the largest buffer kept between messages.
const READ_BYTES_MAX: usize = 64 * 1024;

/// The receive buffer of one connection.
///
/// In the ordinary rhythm of one request at a time no byte is copied and nothing is allocated: the
/// buffer itself becomes the message, and comes back by [`FrameBuffer::recycle`].
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    /// Where the first message not yet handed out begins.
    start: usize,
    spare: Vec<u8>,
}

impl FrameBuffer {
    pub fn new() -> FrameBuffer {
        FrameBuffer::default()
    }

    /// The buffer with room to append what the socket gives. Only append to it.
    pub fn room(&mut self) -> &mut Vec<u8> {
        if self.bytes.capacity() == 0 {
            self.bytes = std::mem::take(&mut self.spare);
        }
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        // A long message doubles its buffer as it arrives, up to its own length.
        let missing = match progress(&self.bytes, usize::MAX) {
            Ok(Progress::Missing(missing)) => missing,
            Ok(Progress::Complete(_)) | Err(_) => READ_BYTES_MIN,
        };
        if self.bytes.capacity() == 0 && missing <= FIRST_READ_BYTES {
            self.bytes.reserve_exact(FIRST_READ_BYTES);
        } else if self.bytes.capacity() - self.bytes.len() < missing.min(READ_BYTES_MIN) {
            let ahead_max = self.bytes.len().max(READ_BYTES_MAX);
            self.bytes.reserve_exact(missing.clamp(READ_BYTES_MIN, ahead_max));
        }
        &mut self.bytes
    }

    /// Cuts off the first message when it is complete.
    pub fn next_message(&mut self, message_bytes_max: usize) -> Result<Option<Vec<u8>>, Violation> {
        let received = self.bytes.get(self.start..).unwrap_or_default();
        let length = match progress(received, message_bytes_max)? {
            Progress::Missing(_) => return Ok(None),
            Progress::Complete(length) => length,
        };
        if self.start == 0 && length == self.bytes.len() {
            return Ok(Some(std::mem::replace(&mut self.bytes, std::mem::take(&mut self.spare))));
        }
        // More has arrived behind it: copy the message, so that each byte is copied once however
        // many messages came in one read.
        let mut message = std::mem::take(&mut self.spare);
        message.extend_from_slice(received.get(..length).unwrap_or_default());
        self.start += length;
        if self.start == self.bytes.len() {
            self.bytes.clear();
            self.start = 0;
        }
        Ok(Some(message))
    }

    /// The bytes received of the next message.
    pub fn pending_bytes(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Takes back the buffer of a message that is done with. Large ones are let go.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= READ_BYTES_MAX && self.spare.capacity() < buffer.capacity() {
            buffer.clear();
            self.spare = buffer;
        }
    }

    /// Frees what an idle connection does not need.
    pub fn shrink(&mut self) {
        self.spare = Vec::new();
        self.bytes.drain(..self.start);
        self.start = 0;
        self.bytes.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests;
