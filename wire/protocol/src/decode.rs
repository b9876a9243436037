//! From the bytes of one message to a request, or to what becomes of it instead.
//!
//! Owns the order of the checks: length, compression, op code, flags and checksum, sections, and at
//! last the fields that address the request (`$db`).

use crate::compressed;
use crate::compressed::Compression;
use crate::compressor::{Compressor, Compressors};
use crate::header::{Header, MESSAGE_BYTES_MAX, OpCode};
use crate::old::{self, Translated};
use crate::op_msg::{self, Fault, Flags};
use crate::op_query::{self, Query};
use crate::rejection::{Refusal, Rejected, Violation};
use crate::reply::ReplyTo;
use crate::request::{Request, RequestKind};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result as CommandResult};
use std::ops::Range;

/// What a connection lets in. A connection that has not authenticated lets in less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The longest message, also after decompression, header included.
    pub message_bytes_max: usize,
    /// The compressors whose messages are opened at all.
    pub compressors: Compressors,
    /// Whether checksums are checked, and answered with one; if not, they are passed over.
    pub checksums: bool,
    /// Whether the op codes from before OP_MSG are served. Without that, some commands of a handshake
    /// may come in an OP_QUERY, and nothing else.
    pub old_op_codes: bool,
}

impl Default for DecodeLimits {
    fn default() -> DecodeLimits {
        DecodeLimits {
            message_bytes_max: MESSAGE_BYTES_MAX,
            compressors: Compressors::ALL,
            checksums: true,
            old_op_codes: false,
        }
    }
}

/// Decodes one whole message, as [`crate::FrameBuffer`] cuts it.
pub fn decode(message: Vec<u8>, limits: DecodeLimits) -> Result<Request, Rejected> {
    let header = whole_header(&message, limits)?;
    if header.op_code == OpCode::Compressed.number() {
        let (message, compression) = compressed::open(&message, header, limits)?;
        let header = whole_header(&message, limits)?;
        decode_plain(message, header, Some(compression), limits)
    } else {
        decode_plain(message, header, None, limits)
    }
}

/// The header of a message that must be exactly as long as it says.
fn whole_header(message: &[u8], limits: DecodeLimits) -> Result<Header, Violation> {
    let header = Header::parse(message, limits.message_bytes_max)?;
    header.filter(|header| header.message_bytes == message.len()).ok_or(Violation::Length {
        length: i32::try_from(message.len()).unwrap_or(i32::MAX),
        message_bytes_max: limits.message_bytes_max,
    })
}

fn decode_plain(
    message: Vec<u8>,
    header: Header,
    compression: Option<Compression>,
    limits: DecodeLimits,
) -> Result<Request, Rejected> {
    let op_code = OpCode::from_number(header.op_code).ok_or(Violation::OpCode(header.op_code))?;
    match op_code {
        OpCode::GetMore
        | OpCode::Insert
        | OpCode::Update
        | OpCode::Delete
        | OpCode::KillCursors
            if limits.old_op_codes =>
        {
            decode_old(&message, header, op_code, compression, limits)
        }
        OpCode::Msg => decode_msg(message, header, compression, limits.checksums),
        OpCode::Query => decode_query(message, header, compression, limits),
        OpCode::GetMore => {
            let reply_to = ReplyTo::query(header.request_id, compressor(compression));
            Err(Rejected::Refused(Refusal::query_failure(reply_to, "OP_GET_MORE")))
        }
        OpCode::Insert => Err(Violation::LegacyOpCode("OP_INSERT").into()),
        OpCode::Update => Err(Violation::LegacyOpCode("OP_UPDATE").into()),
        OpCode::Delete => Err(Violation::LegacyOpCode("OP_DELETE").into()),
        OpCode::KillCursors => Err(Violation::LegacyOpCode("OP_KILL_CURSORS").into()),
        OpCode::Compressed => Err(Violation::NestedCompression.into()),
        OpCode::Reply => Err(Violation::OpCode(header.op_code).into()),
    }
}

fn compressor(compression: Option<Compression>) -> Option<Compressor> {
    compression.map(|compression| compression.compressor)
}

fn decode_msg(
    message: Vec<u8>,
    header: Header,
    compression: Option<Compression>,
    checksums: bool,
) -> Result<Request, Rejected> {
    let sent = op_msg::flags(&message)?;
    let flags = if checksums { sent } else { sent.without(Flags::CHECKSUM_PRESENT) };
    let refuse = |error| {
        let reply_to = ReplyTo::msg(header.request_id, flags, compressor(compression));
        let wanted = !flags.contains(Flags::MORE_TO_COME);
        Rejected::Refused(Refusal::command(wanted.then_some(reply_to), error))
    };
    let sections = op_msg::sections(&message, sent, checksums).map_err(|fault| match fault {
        Fault::Refused(error) => refuse(error),
        Fault::Fatal(violation) => Rejected::Closed(violation),
    })?;
    op_msg::refuse_field_twice(&message, &sections).map_err(refuse)?;
    let database = database(&message, &sections.body).map_err(refuse)?;
    Ok(Request {
        request_id: header.request_id,
        kind: RequestKind::Msg,
        flags,
        secondary_ok: false,
        body: sections.body,
        database,
        sequences: sections.sequences,
        compression,
        message,
    })
}

fn decode_query(
    message: Vec<u8>,
    header: Header,
    compression: Option<Compression>,
    limits: DecodeLimits,
) -> Result<Request, Rejected> {
    let reply_to = ReplyTo::query(header.request_id, compressor(compression));
    let query = op_query::parse(&message, limits.old_op_codes)
        .map_err(|error| Rejected::Refused(Refusal::command(Some(reply_to), error)))?;
    match query {
        Query::Collection if limits.old_op_codes => {
            decode_old(&message, header, OpCode::Query, compression, limits)
        }
        Query::Collection => Err(Rejected::Refused(Refusal::query_failure(reply_to, "OP_QUERY"))),
        Query::Command(command) => Ok(Request {
            request_id: header.request_id,
            kind: RequestKind::Query,
            flags: Flags::NONE,
            secondary_ok: command.secondary_ok,
            body: command.body,
            database: command.database,
            sequences: Vec::new(),
            compression,
            message,
        }),
    }
}

/// A message of an old op code, as the one that is sent instead today.
fn decode_old(
    message: &[u8],
    header: Header,
    op_code: OpCode,
    compression: Option<Compression>,
    limits: DecodeLimits,
) -> Result<Request, Rejected> {
    let reply_to = ReplyTo::query(header.request_id, compressor(compression));
    let refuse = |error| {
        let refusal = Refusal::failed_query(reply_to, error);
        Rejected::Refused(if old::is_unanswered(op_code) { refusal.unsent() } else { refusal })
    };
    let translated = old::translate(message, header, op_code).map_err(refuse)?;
    let header = whole_header(&translated.message, limits)?;
    let request = decode_msg(translated.message, header, compression, false)?;
    let Translated { kind, secondary_ok, .. } = translated;
    Ok(Request { kind, secondary_ok, ..request })
}

/// Where the value of `$db` stands in the message. It must be there once and be a string.
fn database(message: &[u8], body: &Range<usize>) -> CommandResult<Range<usize>> {
    let document = RawDoc::from_validated(message.get(body.clone()).unwrap_or_default());
    // elements begin after the document's length
    let mut at = body.start + 4;
    let mut found = None;
    for field in document.iter() {
        let value_at = at + 1 + field.key_bytes().len() + 1;
        at = value_at + field.value_bytes().len();
        if field.key_bytes() != b"$db" {
            continue;
        }
        if found.is_some() {
            let message = "BSON field '$db' is a duplicate field";
            return Err(CommandError::location(40413, message));
        }
        let RawValue::String(text) = field.value() else {
            let type_name = field.value().type_name();
            let message = format!("wrong type for field ($db) {type_name} != string");
            return Err(CommandError::location(13111, message));
        };
        // an int32 length stands before the text
        found = Some(value_at + 4..value_at + 4 + text.len());
    }
    found.ok_or_else(|| CommandError::location(40571, "OP_MSG requests require a $db argument"))
}

#[cfg(test)]
mod tests;
