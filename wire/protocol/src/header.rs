//! The sixteen bytes every message starts with.
//!
//! Owns the header's layout and the bounds of a message's length. The length is checked before
//! anything is allocated for the message.
//!
//! | at | int32, little-endian |
//! |---|---|
//! | 0 | length of the whole message, this header included |
//! | 4 | request id, chosen by the sender |
//! | 8 | response to: the request id this message answers, else 0 |
//! | 12 | op code |

use crate::rejection::Violation;

/// The length of the header.
pub const HEADER_BYTES: usize = 16;

/// The longest message MongoDB accepts, its header included (`maxMessageSizeBytes` in `hello`).
pub const MESSAGE_BYTES_MAX: usize = 48_000_000;

/// `GET ` read as a length: a browser or health check that speaks HTTP to this port.
const HTTP_GET: i32 = i32::from_le_bytes(*b"GET ");

/// The op codes this crate can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum OpCode {
    Reply = 1,
    Update = 2001,
    Insert = 2002,
    Query = 2004,
    GetMore = 2005,
    Delete = 2006,
    KillCursors = 2007,
    Compressed = 2012,
    Msg = 2013,
}

impl OpCode {
    /// The op code of a number.
    pub fn from_number(number: i32) -> Option<OpCode> {
        Some(match number {
            1 => OpCode::Reply,
            2001 => OpCode::Update,
            2002 => OpCode::Insert,
            2004 => OpCode::Query,
            2005 => OpCode::GetMore,
            2006 => OpCode::Delete,
            2007 => OpCode::KillCursors,
            2012 => OpCode::Compressed,
            2013 => OpCode::Msg,
            _ => return None,
        })
    }

    /// The number on the wire.
    pub fn number(self) -> i32 {
        self as i32
    }
}

/// A message header. The op code is kept as a number because any number can arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub message_bytes: usize,
    pub request_id: i32,
    pub response_to: i32,
    pub op_code: i32,
}

impl Header {
    /// Reads the header at the start of `bytes`; `None` while fewer than sixteen have arrived.
    pub fn parse(bytes: &[u8], message_bytes_max: usize) -> Result<Option<Header>, Violation> {
        let Some(message_bytes) = message_length(bytes, message_bytes_max)? else {
            return Ok(None);
        };
        let (Some(request_id), Some(response_to), Some(op_code)) =
            (i32_at(bytes, 4), i32_at(bytes, 8), i32_at(bytes, 12))
        else {
            return Ok(None);
        };
        Ok(Some(Header { message_bytes, request_id, response_to, op_code }))
    }

    /// Appends the header. A length beyond int32 cannot come from this crate, whose messages are
    /// bounded by [`MESSAGE_BYTES_MAX`].
    pub fn write(self, out: &mut Vec<u8>) {
        let length = i32::try_from(self.message_bytes).unwrap_or(i32::MAX);
        for field in [length, self.request_id, self.response_to, self.op_code] {
            out.extend_from_slice(&field.to_le_bytes());
        }
    }
}

/// The length a message announces, checked as soon as its four bytes are there.
pub(crate) fn message_length(
    bytes: &[u8],
    message_bytes_max: usize,
) -> Result<Option<usize>, Violation> {
    let Some(length) = i32_at(bytes, 0) else {
        return Ok(None);
    };
    if length == HTTP_GET {
        return Err(Violation::Http);
    }
    match usize::try_from(length) {
        Ok(n) if (HEADER_BYTES..=message_bytes_max).contains(&n) => Ok(Some(n)),
        _ => Err(Violation::Length { length, message_bytes_max }),
    }
}

/// A little-endian int32 at `at`.
pub(crate) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(i32::from_le_bytes(four.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes_of(length: i32) -> Vec<u8> {
        let mut bytes = length.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0, 0xDD, 0x07, 0, 0]);
        bytes
    }

    #[test]
    fn a_header_is_read_and_written_alike() {
        let bytes = bytes_of(16);
        let header = Header::parse(&bytes, MESSAGE_BYTES_MAX).unwrap().unwrap();
        assert_eq!((header.request_id, header.response_to, header.op_code), (1, 2, 2013));
        let mut out = Vec::new();
        header.write(&mut out);
        assert_eq!(out, bytes);
    }

    #[test]
    fn a_length_outside_the_bounds_is_refused_with_four_bytes_read() {
        for length in [i32::MIN, -1, 0, 15, 48_000_001, i32::MAX] {
            let bytes = &bytes_of(length)[..4];
            let expected = Violation::Length { length, message_bytes_max: MESSAGE_BYTES_MAX };
            assert_eq!(Header::parse(bytes, MESSAGE_BYTES_MAX), Err(expected), "{length}");
        }
    }

    #[test]
    fn the_shortest_and_the_longest_message_are_let_in() {
        for length in [16, 48_000_000] {
            let header = Header::parse(&bytes_of(length), MESSAGE_BYTES_MAX).unwrap().unwrap();
            assert_eq!(header.message_bytes, usize::try_from(length).unwrap());
        }
    }

    #[test]
    fn an_incomplete_header_asks_for_more() {
        for n in 0..16 {
            assert_eq!(Header::parse(&bytes_of(16)[..n], MESSAGE_BYTES_MAX), Ok(None), "{n}");
        }
    }

    #[test]
    fn an_http_request_is_recognised() {
        assert_eq!(Header::parse(b"GET / HTTP/1.1\r\n", 48_000_000), Err(Violation::Http));
    }

    #[test]
    fn every_op_code_keeps_its_number() {
        for number in [1, 2001, 2002, 2004, 2005, 2006, 2007, 2012, 2013] {
            assert_eq!(OpCode::from_number(number).map(OpCode::number), Some(number));
        }
        for number in [0, -1, 2, 1000, 2003, 2010, 2011, 2014, i32::MAX] {
            assert_eq!(OpCode::from_number(number), None);
        }
    }
}
