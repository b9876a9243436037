//! The other end of the wire: encoding requests, decoding replies.
//!
//! Owns what tests, benchmarks and members of one replica set need to talk to a server. Replies are
//! checked as strictly as requests are.

use crate::compressed;
use crate::compressor::Compressor;
use crate::cursor::Cursor;
use crate::decode::DecodeLimits;
use crate::header::{HEADER_BYTES, Header, OpCode, i32_at};
use crate::op_msg::{self, Fault, Flags};
use crate::rejection::Violation;
use crate::reply::set_length;
use quire_bson::RawDoc;
use quire_errors::CommandError;
use std::ops::Range;

/// An OP_MSG request to encode.
#[derive(Clone, Copy, Debug)]
pub struct MsgRequest<'a> {
    pub request_id: i32,
    /// With [`Flags::CHECKSUM_PRESENT`] a checksum is appended.
    pub flags: Flags,
    /// The command, `$db` included.
    pub body: RawDoc<'a>,
    pub sequences: &'a [(&'a str, &'a [RawDoc<'a>])],
}

impl MsgRequest<'_> {
    /// Appends the message to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        header(self.request_id, OpCode::Msg).write(out);
        out.extend_from_slice(&self.flags.bits().to_le_bytes());
        out.push(0);
        out.extend_from_slice(self.body.as_bytes());
        for (name, documents) in self.sequences {
            out.push(1);
            let section = out.len();
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(name.as_bytes());
            out.push(0);
            for document in *documents {
                out.extend_from_slice(document.as_bytes());
            }
            let section_bytes = out.len() - section;
            set_length(out, section, section_bytes);
        }
        let message_bytes = out.len() - start + op_msg::checksum_bytes(self.flags);
        set_length(out, start, message_bytes);
        if self.flags.contains(Flags::CHECKSUM_PRESENT) {
            op_msg::append_checksum(out, start);
        }
    }
}

/// An OP_QUERY command to encode, as old handshakes send.
#[derive(Clone, Copy, Debug)]
pub struct QueryRequest<'a> {
    pub request_id: i32,
    pub flags: i32,
    /// `<database>.$cmd`
    pub namespace: &'a str,
    pub number_to_return: i32,
    pub body: RawDoc<'a>,
}

impl QueryRequest<'_> {
    /// Appends the message to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        header(self.request_id, OpCode::Query).write(out);
        out.extend_from_slice(&self.flags.to_le_bytes());
        out.extend_from_slice(self.namespace.as_bytes());
        out.push(0);
        out.extend_from_slice(&0i32.to_le_bytes());
        out.extend_from_slice(&self.number_to_return.to_le_bytes());
        out.extend_from_slice(self.body.as_bytes());
        let message_bytes = out.len() - start;
        set_length(out, start, message_bytes);
    }
}

fn header(request_id: i32, op_code: OpCode) -> Header {
    Header { message_bytes: 0, request_id, response_to: 0, op_code: op_code.number() }
}

/// Compresses the whole message that starts at `start` and ends the buffer, if that makes it shorter.
pub fn compress(out: &mut Vec<u8>, start: usize, compressor: Compressor) {
    let message = out.get(start..).unwrap_or_default();
    if let Ok(Some(header)) = Header::parse(message, usize::MAX) {
        compressed::close(out, start, header, compressor);
    }
}

/// A message that is not a reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    #[error(transparent)]
    Violation(#[from] Violation),
    #[error("invalid reply: {0}")]
    Invalid(#[from] CommandError),
}

impl From<Fault> for ReplyFault {
    fn from(fault: Fault) -> ReplyFault {
        match fault {
            Fault::Refused(error) => ReplyFault::Invalid(error),
            Fault::Fatal(violation) => ReplyFault::Violation(violation),
        }
    }
}

/// A decoded reply that owns its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientReply {
    message: Vec<u8>,
    header: Header,
    flags: u32,
    body: Range<usize>,
    compressor: Option<Compressor>,
}

impl ClientReply {
    /// Decodes a whole OP_MSG or OP_REPLY message, compressed or not.
    pub fn decode(message: Vec<u8>, limits: DecodeLimits) -> Result<ClientReply, ReplyFault> {
        let outer = parse_header(&message, limits)?;
        let (message, compressor) = if outer.op_code == OpCode::Compressed.number() {
            let (inner, compression) = compressed::open(&message, outer, limits)?;
            (inner, Some(compression.compressor))
        } else {
            (message, None)
        };
        let header = parse_header(&message, limits)?;
        let (flags, body) = match OpCode::from_number(header.op_code) {
            Some(OpCode::Msg) => {
                let flags = op_msg::flags(&message)?;
                (flags.bits(), op_msg::sections(&message, flags, true)?.body)
            }
            Some(OpCode::Reply) => op_reply(&message)?,
            _ => return Err(Violation::OpCode(header.op_code).into()),
        };
        Ok(ClientReply { message, header, flags, body, compressor })
    }

    pub fn header(&self) -> Header {
        self.header
    }

    /// The flag bits of the OP_MSG or OP_REPLY.
    pub fn flags(&self) -> u32 {
        self.flags
    }

    /// True when the server sends another reply to the same request.
    pub fn more_to_come(&self) -> bool {
        self.header.op_code == OpCode::Msg.number() && self.flags & Flags::MORE_TO_COME.bits() != 0
    }

    pub fn body(&self) -> RawDoc<'_> {
        RawDoc::from_validated(self.message.get(self.body.clone()).unwrap_or_default())
    }

    /// What the reply was compressed with.
    pub fn compressor(&self) -> Option<Compressor> {
        self.compressor
    }
}

fn parse_header(message: &[u8], limits: DecodeLimits) -> Result<Header, Violation> {
    let header = Header::parse(message, limits.message_bytes_max)?;
    header
        .filter(|header| header.message_bytes == message.len())
        .ok_or(Violation::Truncated("reply"))
}

/// The flags and the first document of an OP_REPLY.
fn op_reply(message: &[u8]) -> Result<(u32, Range<usize>), ReplyFault> {
    let flags = i32_at(message, HEADER_BYTES).ok_or(Violation::Truncated("OP_REPLY"))?;
    // flags, cursor id, starting from and number returned stand before the documents
    let mut cursor = Cursor::new(message, HEADER_BYTES + 20);
    Ok((flags.cast_unsigned(), cursor.document()?))
}
