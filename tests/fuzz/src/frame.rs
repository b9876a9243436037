//! The wire protocol: a stream cut anywhere gives the same messages, each becomes a request or a
//! rejection, and neither takes more memory than the bytes received and one message.
//!
//! The first byte of an input chooses the limit of a message, whether old op codes are served, and how
//! the stream is cut; the rest is the stream.

use crate::memory::peak_growth;
use quire_bson::{Limits, RawDoc, validate};
use quire_protocol::{
    ClientReply, DecodeLimits, FrameBuffer, MESSAGE_BYTES_MAX, MsgRequest, Refusal, Rejected,
    Request, RequestKind, Violation, decode, write_reply,
};

/// What bookkeeping may take beside the bytes: read-ahead, codec tables, error texts.
const OVERHEAD_BYTES: usize = 512 * 1024;

/// Checks one input.
pub fn check(input: &[u8]) {
    let (&control, stream) = input.split_first().unwrap_or((&0, &[]));
    let message_bytes_max = if control & 1 == 0 { 64 * 1024 } else { MESSAGE_BYTES_MAX };
    let whole = messages(stream, message_bytes_max, None);
    let old_op_codes = control & 2 != 0;
    let limits = DecodeLimits { message_bytes_max, old_op_codes, ..DecodeLimits::default() };

    let (cut, growth) = peak_growth(|| messages(stream, message_bytes_max, Some(control)));
    assert_eq!(cut, whole, "how a stream is cut makes no difference");
    let allowed = 4 * stream.len() + OVERHEAD_BYTES;
    assert!(growth <= allowed, "framing {} bytes took {growth}", stream.len());

    let (messages, end) = whole;
    assert!(end.is_none_or(|violation| !violation.to_string().is_empty()));
    for message in messages {
        let allowed = 4 * message.len() + message_bytes_max + OVERHEAD_BYTES;
        let length = message.len();
        let (decoded, growth) = peak_growth(|| decode(message, limits));
        assert!(growth <= allowed, "decoding {length} bytes took {growth}");
        match decoded {
            Ok(request) => check_request(&request),
            Err(Rejected::Refused(refusal)) => check_refusal(&refusal),
            Err(Rejected::Closed(violation)) => {
                assert!(!violation.to_string().is_empty());
                break;
            }
        }
    }
}

/// The messages of a stream that arrives at once, or in pieces of the sizes that `cut` gives.
fn messages(
    stream: &[u8],
    message_bytes_max: usize,
    cut: Option<u8>,
) -> (Vec<Vec<u8>>, Option<Violation>) {
    let step = usize::from(cut.unwrap_or_default());
    let sizes =
        if cut.is_some() { vec![1, step + 1, 15, 37 * step + 1, 4096] } else { vec![usize::MAX] };
    let mut frames = FrameBuffer::new();
    let mut messages = Vec::new();
    let mut rest = stream;
    for size in sizes.into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, tail) = rest.split_at(size.min(rest.len()));
        rest = tail;
        let room = frames.room();
        assert!(room.capacity() > room.len(), "a read must have room");
        room.extend_from_slice(piece);
        loop {
            match frames.next_message(message_bytes_max) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
    }
    (messages, None)
}

fn check_request(request: &Request) {
    assert_valid(request.body());
    assert!(!request.database().contains('\0') || request.kind() == RequestKind::Msg);
    let sequences: Vec<(&str, Vec<RawDoc<'_>>)> =
        request.sequences().map(|s| (s.name, s.documents.collect())).collect();
    for ((name, documents), sequence) in sequences.iter().zip(request.sequences()) {
        assert_eq!(documents.len(), sequence.documents.len(), "counted as they are walked");
        assert_eq!(request.sequence(name).map(|found| found.len()), Some(documents.len()));
        documents.iter().for_each(|document| assert_valid(*document));
    }
    check_reply(request);
    if request.kind() == RequestKind::Msg {
        check_encoded_again(request, &sequences);
    }
}

/// A reply to any request can be read by a client.
fn check_reply(request: &Request) {
    let mut out = Vec::new();
    let written = write_reply(&mut out, request.reply_to(), 3, MESSAGE_BYTES_MAX, |reply| {
        reply.append_str("padding", &"x".repeat(300)).append_f64("ok", 1.0);
    });
    assert_eq!(written, Ok(()));
    let reply = ClientReply::decode(out, DecodeLimits::default());
    let reply = reply.unwrap_or_else(|fault| panic!("own reply is unreadable: {fault}"));
    assert_eq!(reply.header().response_to, request.request_id());
    assert_eq!(reply.body().count(), 2);
}

/// A request that is written out again is the same request.
fn check_encoded_again(request: &Request, sequences: &[(&str, Vec<RawDoc<'_>>)]) {
    let sequences: Vec<(&str, &[RawDoc<'_>])> =
        sequences.iter().map(|(name, documents)| (*name, documents.as_slice())).collect();
    let mut out = Vec::new();
    let again = MsgRequest {
        request_id: request.request_id(),
        flags: request.flags(),
        body: request.body(),
        sequences: &sequences,
    };
    again.write(&mut out);
    let again = decode(out, DecodeLimits::default());
    let again = again.unwrap_or_else(|rejected| panic!("own request is rejected: {rejected:?}"));
    assert_eq!(again.body().as_bytes(), request.body().as_bytes());
    assert_eq!(again.database(), request.database());
    assert_eq!(again.sequences().count(), sequences.len());
}

fn check_refusal(refusal: &Refusal) {
    let mut out = Vec::new();
    assert!(refusal.write(&mut out, 3).is_ok());
    if refusal.reply_to.is_none() {
        assert!(out.is_empty());
        return;
    }
    let reply = ClientReply::decode(out, DecodeLimits::default());
    let reply = reply.unwrap_or_else(|fault| panic!("own refusal is unreadable: {fault}"));
    let code = reply.body().get("code").map(|code| code.to_bson());
    assert_eq!(code.and_then(|code| code.as_i32()), Some(refusal.error.code().number()));
}

fn assert_valid(document: RawDoc<'_>) {
    assert!(validate(document.as_bytes(), Limits::default()).is_ok());
}
