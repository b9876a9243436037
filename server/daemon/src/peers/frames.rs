//! Messages in a stream of bytes, once a connection is a link.
//!
//! Owns the form `length (32 bits, big end first) | bytes`. A frame without bytes says only that the
//! sender is alive. Memory grows with what arrived, not with what was announced.

use quire_consensus::MESSAGE_BYTES_MAX;

const LENGTH_BYTES: usize = 4;
/// The room a read is given at least.
const READ_BYTES_MIN: usize = 16 << 10;
/// The largest buffer kept between frames.
const KEPT_BYTES_MAX: usize = 1 << 20;

/// A frame that is longer than any message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong(pub(super) usize);

/// Appends one frame; false if no frame may be so long.
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let Some(length) = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MESSAGE_BYTES_MAX)
    else {
        return false;
    };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    true
}

/// The receive buffer of one link.
#[derive(Debug, Default)]
pub(super) struct Frames {
    bytes: Vec<u8>,
    /// Where the first frame not yet handed out begins.
    start: usize,
}

impl Frames {
    /// Begins with what was read behind the handshake.
    pub(super) fn starting_with(bytes: Vec<u8>) -> Frames {
        Frames { bytes, start: 0 }
    }

    /// The next frame's bytes, if it is whole.
    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, TooLong> {
        let Some(length) = self.announced() else { return Ok(None) };
        if length > MESSAGE_BYTES_MAX {
            return Err(TooLong(length));
        }
        let from = self.start.saturating_add(LENGTH_BYTES);
        let to = from.saturating_add(length);
        if self.bytes.len() < to {
            return Ok(None);
        }
        self.start = to;
        Ok(self.bytes.get(from..to))
    }

    fn announced(&self) -> Option<usize> {
        let (length, _) = self.bytes.get(self.start..)?.split_first_chunk::<LENGTH_BYTES>()?;
        usize::try_from(u32::from_be_bytes(*length)).ok()
    }

    /// The buffer with room to append what the socket gives. Only append to it.
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        if self.start > 0 {
            self.bytes.drain(..self.start);
            self.start = 0;
        }
        if self.bytes.is_empty() && self.bytes.capacity() > KEPT_BYTES_MAX {
            self.bytes = Vec::new();
        }
        // A long frame doubles its buffer as it arrives.
        if self.bytes.capacity().saturating_sub(self.bytes.len()) < READ_BYTES_MIN {
            self.bytes.reserve_exact(self.bytes.len().max(READ_BYTES_MIN));
        }
        &mut self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let sent: Vec<Vec<u8>> = [0, 1, 5, 70_000, 0, 3].map(|n| vec![n as u8; n]).into();
        let mut stream = Vec::new();
        for frame in &sent {
            assert!(append(&mut stream, frame));
        }
        for step in [1, 2, 3, 7, 4096, stream.len()] {
            let mut frames = Frames::default();
            let mut received = Vec::new();
            for piece in stream.chunks(step) {
                frames.room().extend_from_slice(piece);
                while let Some(frame) = frames.next().expect("none is too long") {
                    received.push(frame.to_vec());
                }
            }
            assert!(received == sent, "{step} bytes at a time");
        }
    }

    #[test]
    fn a_frame_may_be_as_long_as_a_message_and_no_longer() {
        let announce = |length: usize| {
            let mut frames = Frames::default();
            let length = u32::try_from(length).expect("fits");
            frames.room().extend_from_slice(&length.to_be_bytes());
            frames.next().map(|frame| frame.map(<[u8]>::to_vec))
        };
        assert_eq!(announce(MESSAGE_BYTES_MAX), Ok(None));
        assert_eq!(announce(MESSAGE_BYTES_MAX + 1), Err(TooLong(MESSAGE_BYTES_MAX + 1)));
        assert_eq!(announce(u32::MAX as usize), Err(TooLong(u32::MAX as usize)));
        assert!(!append(&mut Vec::new(), &vec![0; MESSAGE_BYTES_MAX + 1]));
    }

    #[test]
    fn memory_is_taken_for_what_arrived_and_given_back() {
        let mut frames = Frames::default();
        let long = 8 << 20;
        frames.room().extend_from_slice(&u32::try_from(long).expect("fits").to_be_bytes());
        assert!(frames.room().capacity() < 64 << 10, "announced is not arrived");
        frames.room().extend_from_slice(&vec![1; long]);
        assert_eq!(frames.next().expect("whole").map(<[u8]>::len), Some(long));
        assert!(frames.room().capacity() < 64 << 10, "nothing is kept of a long frame");
    }
}
