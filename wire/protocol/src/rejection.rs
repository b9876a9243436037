//! What becomes of a message that is not a request: answered with an error, or the end.
//!
//! Owns the line between the two, drawn where mongod draws it: a message whose frame can be trusted
//! and whose content is wrong is answered, a peer that does not speak the protocol is cut off.

use crate::compressed::Compression;
use crate::header::MESSAGE_BYTES_MAX;
use crate::reply::{OpenReply, ReplyTo, ReplyTooLarge};
use quire_bson::DocBuilder;
use quire_errors::{Code, CommandError};

/// A message that is not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// Answer with this error and go on with the connection.
    Refused(Refusal),
    /// Close the connection without an answer.
    Closed(Violation),
}

impl From<Violation> for Rejected {
    fn from(violation: Violation) -> Rejected {
        Rejected::Closed(violation)
    }
}

/// Breaches of protocol after which the connection is closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("message length {length} is not within 16 and {message_bytes_max}")]
    Length { length: i32, message_bytes_max: usize },
    #[error("an HTTP request on the port of the native protocol")]
    Http,
    #[error("Message type {0} is not supported.")]
    OpCode(i32),
    #[error("{0} is no longer supported")]
    LegacyOpCode(&'static str),
    #[error("{0} message is too short for its fixed fields")]
    Truncated(&'static str),
    #[error("Message contains illegal flags value: Ob{0:032b}")]
    IllegalFlags(u32),
    #[error("Too many document sequences in OP_MSG")]
    TooManySequences,
    #[error("OP_MSG checksum does not match contents")]
    Checksum,
    #[error("Compression algorithm specified in message is not available: {0}")]
    Compressor(u8),
    #[error("Decompressed message would be larger than maximum message size: {0}")]
    DecompressedLength(i32),
    #[error("compressed data does not hold exactly the {claimed} bytes it announces")]
    Decompression { claimed: usize },
    #[error("a compressed message inside a compressed message")]
    NestedCompression,
}

impl Violation {
    /// The code that goes with it into the log.
    pub fn code(&self) -> Code {
        match self {
            Violation::IllegalFlags(_) => Code::IllegalOpMsgFlag,
            Violation::TooManySequences => Code::TooManyDocumentSequences,
            Violation::Checksum => Code::ChecksumMismatch,
            Violation::Compressor(_) => Code::InternalError,
            Violation::DecompressedLength(_) | Violation::Decompression { .. } => Code::BadValue,
            Violation::Length { .. }
            | Violation::Http
            | Violation::OpCode(_)
            | Violation::LegacyOpCode(_)
            | Violation::Truncated(_)
            | Violation::NestedCompression => Code::ProtocolError,
        }
    }
}

/// What to send before closing when [`Violation::Http`] ended the connection.
pub const HTTP_ANSWER: &[u8] = b"HTTP/1.0 200 OK\r\nConnection: close\r\n\
    Content-Type: text/plain\r\nContent-Length: 85\r\n\r\n\
    It looks like you are trying to access MongoDB over HTTP on the native driver port.\r\n";

/// An error that answers a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where the answer goes; `None` when the sender asked for none (`moreToCome`).
    pub reply_to: Option<ReplyTo>,
    pub error: CommandError,
    shape: Shape,
}

/// Two generations of error documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// `{ok: 0, errmsg, code, codeName}`
    Command,
    /// `{$err, code, ok: 0}`, for the op codes that queried before commands did.
    QueryFailure,
}

impl Refusal {
    pub(crate) fn command(reply_to: Option<ReplyTo>, error: CommandError) -> Refusal {
        Refusal { reply_to, error, shape: Shape::Command }
    }

    /// The answer to a legacy op code that has one; `op` is its name.
    pub(crate) fn query_failure(reply_to: ReplyTo, op: &str) -> Refusal {
        let error = CommandError::location(
            5_739_101,
            format!(
                "{op} is no longer supported. The client driver may require an upgrade. \
                 For more details see https://dochub.mongodb.org/core/legacy-opcode-removal"
            ),
        );
        Refusal::failed_query(reply_to, error)
    }

    /// The answer to a query of old that cannot be read.
    pub(crate) fn failed_query(reply_to: ReplyTo, error: CommandError) -> Refusal {
        Refusal { reply_to: Some(reply_to.failing()), error, shape: Shape::QueryFailure }
    }

    /// The same for a message that nothing answers.
    pub(crate) fn unsent(self) -> Refusal {
        Refusal { reply_to: None, ..self }
    }

    /// Appends the answer to `out`; nothing when none is wanted. Gives what compression made
    /// of it.
    pub fn write(
        &self,
        out: &mut Vec<u8>,
        response_id: i32,
    ) -> Result<Option<Compression>, ReplyTooLarge> {
        let Some(reply_to) = self.reply_to else {
            return Ok(None);
        };
        let open = OpenReply::begin(out, reply_to, response_id, false);
        let mut builder = DocBuilder::in_buffer(std::mem::take(out));
        self.append_fields(&mut builder);
        *out = builder.finish_buffer();
        open.finish(out, MESSAGE_BYTES_MAX)
    }

    fn append_fields(&self, doc: &mut DocBuilder) {
        let code = self.error.code();
        match self.shape {
            Shape::Command => doc
                .append_f64("ok", 0.0)
                .append_str("errmsg", self.error.message())
                .append_i32("code", code.number())
                .append_str("codeName", &code.name()),
            Shape::QueryFailure => doc
                .append_str("$err", self.error.message())
                .append_i32("code", code.number())
                .append_f64("ok", 0.0),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_http_answer_announces_its_true_length() {
        let text = std::str::from_utf8(HTTP_ANSWER).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{}", body.len());
    }

    #[test]
    fn illegal_flags_are_shown_bit_by_bit() {
        let text = Violation::IllegalFlags(0b101).to_string();
        assert_eq!(
            text,
            "Message contains illegal flags value: Ob00000000000000000000000000000101"
        );
    }

    #[test]
    fn a_refusal_without_a_reader_writes_nothing() {
        let mut out = vec![7];
        Refusal::command(None, CommandError::bad_value("no")).write(&mut out, 1).unwrap();
        assert_eq!(out, [7]);
    }
}
