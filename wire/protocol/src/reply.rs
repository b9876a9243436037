//! Writing replies into the connection's buffer.
//!
//! Owns the layout of OP_MSG and OP_REPLY answers: the header goes out first, the body is written
//! behind it in place, lengths, checksum and compression follow when it is complete.

use crate::compressed::{self, Compression};
use crate::compressor::Compressor;
use crate::header::{HEADER_BYTES, Header, OpCode};
use crate::old;
use crate::op_msg::{self, Flags};
use quire_bson::DocBuilder;

/// OP_REPLY's flags.
const QUERY_FAILURE: i32 = 1 << 1;
const AWAIT_CAPABLE: i32 = 1 << 3;

/// What an answer must know of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    response_to: i32,
    form: Form,
    compressor: Option<Compressor>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Msg {
        checksum: bool,
    },
    Reply {
        flags: i32,
    },
    /// An OP_REPLY that is made of a cursor's documents, so many of which were answered before.
    Documents {
        starting_from: i32,
    },
}

impl ReplyTo {
    /// An OP_MSG answer, with a checksum when the request had one.
    pub fn msg(request_id: i32, request: Flags, compressor: Option<Compressor>) -> ReplyTo {
        let checksum = request.contains(Flags::CHECKSUM_PRESENT);
        ReplyTo { response_to: request_id, form: Form::Msg { checksum }, compressor }
    }

    /// An OP_REPLY answer.
    pub fn query(request_id: i32, compressor: Option<Compressor>) -> ReplyTo {
        let form = Form::Reply { flags: AWAIT_CAPABLE };
        ReplyTo { response_to: request_id, form, compressor }
    }

    /// An OP_REPLY with the documents of a cursor.
    pub(crate) fn documents(
        request_id: i32,
        starting_from: i32,
        compressor: Option<Compressor>,
    ) -> ReplyTo {
        ReplyTo { response_to: request_id, form: Form::Documents { starting_from }, compressor }
    }

    /// The next answer of an exhaust stream answers the one before it.
    #[must_use]
    pub fn following(self, response_id: i32) -> ReplyTo {
        ReplyTo { response_to: response_id, ..self }
    }

    /// The same answer with OP_REPLY's failure flag; OP_MSG has none.
    pub(crate) fn failing(self) -> ReplyTo {
        match self.form {
            Form::Msg { .. } => self,
            Form::Reply { .. } | Form::Documents { .. } => {
                ReplyTo { form: Form::Reply { flags: QUERY_FAILURE }, ..self }
            }
        }
    }
}

/// A reply is longer than a message may be; the buffer is as it was before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reply of {reply_bytes} bytes is longer than a message may be")]
pub struct ReplyTooLarge {
    pub reply_bytes: usize,
}

/// A reply whose body is being written. Between [`OpenReply::begin`] and [`OpenReply::finish`]
/// exactly one BSON document is appended to the buffer.
#[derive(Debug)]
#[must_use = "a reply that is not finished has no length"]
pub struct OpenReply {
    start: usize,
    header: Header,
    flags: Flags,
    /// The body's documents are to stand in its place; so many were answered before.
    unfolds: Option<i32>,
    compressor: Option<Compressor>,
}

impl OpenReply {
    /// Appends everything that stands before the body. `more_to_come` announces a further reply to
    /// the same request and means nothing in an OP_REPLY.
    pub fn begin(
        out: &mut Vec<u8>,
        reply_to: ReplyTo,
        response_id: i32,
        more_to_come: bool,
    ) -> OpenReply {
        let start = out.len();
        let op_code = match reply_to.form {
            Form::Msg { .. } => OpCode::Msg,
            Form::Reply { .. } | Form::Documents { .. } => OpCode::Reply,
        };
        let header = Header {
            message_bytes: 0,
            request_id: response_id,
            response_to: reply_to.response_to,
            op_code: op_code.number(),
        };
        header.write(out);
        let mut unfolds = None;
        let flags = match reply_to.form {
            Form::Msg { checksum } => {
                let flags = Flags::NONE
                    .with(Flags::CHECKSUM_PRESENT, checksum)
                    .with(Flags::MORE_TO_COME, more_to_come);
                out.extend_from_slice(&flags.bits().to_le_bytes());
                out.push(0);
                flags
            }
            Form::Reply { flags } => {
                out.extend_from_slice(&flags.to_le_bytes());
                // cursor id 0, starting from 0, one document
                out.extend_from_slice(&[0; 12]);
                out.extend_from_slice(&1i32.to_le_bytes());
                Flags::NONE
            }
            Form::Documents { starting_from } => {
                out.extend_from_slice(&[0; old::reply::PREFIX_BYTES]);
                unfolds = Some(starting_from);
                Flags::NONE
            }
        };
        OpenReply { start, header, flags, unfolds, compressor: reply_to.compressor }
    }

    /// Completes the reply. One that would be longer than `message_bytes_max` is taken out of the
    /// buffer again, so that an error can be answered instead. Gives what compression made of it.
    pub fn finish(
        self,
        out: &mut Vec<u8>,
        message_bytes_max: usize,
    ) -> Result<Option<Compression>, ReplyTooLarge> {
        let OpenReply { start, mut header, flags, unfolds, compressor } = self;
        if let Some(starting_from) = unfolds {
            old::reply::unfold(out, start.saturating_add(HEADER_BYTES), starting_from);
        }
        let reply_bytes = out.len().saturating_sub(start) + op_msg::checksum_bytes(flags);
        if reply_bytes > message_bytes_max {
            out.truncate(start);
            return Err(ReplyTooLarge { reply_bytes });
        }
        header.message_bytes = reply_bytes;
        set_length(out, start, reply_bytes);
        if flags.contains(Flags::CHECKSUM_PRESENT) {
            op_msg::append_checksum(out, start);
        }
        Ok(compressor.and_then(|compressor| compressed::close(out, start, header, compressor)))
    }
}

/// Appends a whole reply whose body `fill` writes.
pub fn write_reply(
    out: &mut Vec<u8>,
    reply_to: ReplyTo,
    response_id: i32,
    message_bytes_max: usize,
    fill: impl FnOnce(&mut DocBuilder),
) -> Result<(), ReplyTooLarge> {
    let open = OpenReply::begin(out, reply_to, response_id, false);
    let mut builder = DocBuilder::in_buffer(std::mem::take(out));
    fill(&mut builder);
    *out = builder.finish_buffer();
    open.finish(out, message_bytes_max).map(|_| ())
}

/// Patches the length of the message that starts at `start`.
pub(crate) fn set_length(out: &mut [u8], start: usize, message_bytes: usize) {
    let length = i32::try_from(message_bytes).unwrap_or(i32::MAX);
    if let Some(field) = out.get_mut(start..start.saturating_add(4)) {
        field.copy_from_slice(&length.to_le_bytes());
    }
}

#[cfg(test)]
mod tests;
