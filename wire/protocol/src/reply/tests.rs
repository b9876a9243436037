//! Replies byte by byte, and what a client reads from them.

use super::*;
use crate::header::MESSAGE_BYTES_MAX;
use crate::{ClientReply, DecodeLimits};
use quire_bson::doc;

/// `{ok: 1.0}`
const OK: &str = "11000000 01 6f6b00 000000000000f03f 00";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn ok(doc: &mut DocBuilder) {
    doc.append_f64("ok", 1.0);
}

fn written(reply_to: ReplyTo) -> Vec<u8> {
    let mut out = Vec::new();
    write_reply(&mut out, reply_to, 9, MESSAGE_BYTES_MAX, ok).unwrap();
    out
}

#[test]
fn an_op_msg_reply_has_these_bytes() {
    let expected = hex(&format!("26000000 09000000 07000000 dd070000 00000000 00 {OK}"));
    assert_eq!(written(ReplyTo::msg(7, Flags::NONE, None)), expected);
}

#[test]
fn a_request_with_a_checksum_is_answered_with_one() {
    // the last four bytes come from another implementation of CRC-32C
    let expected = hex(&format!("2a000000 09000000 07000000 dd070000 01000000 00 {OK} da31c4ce"));
    assert_eq!(written(ReplyTo::msg(7, Flags::CHECKSUM_PRESENT, None)), expected);
}

#[test]
fn an_op_reply_has_these_bytes() {
    let expected = hex(&format!(
        "35000000 09000000 07000000 01000000 08000000 0000000000000000 00000000 01000000 {OK}"
    ));
    assert_eq!(written(ReplyTo::query(7, None)), expected);
}

#[test]
fn replies_to_pipelined_requests_stand_one_behind_the_other() {
    let mut out = written(ReplyTo::msg(7, Flags::CHECKSUM_PRESENT, None));
    let first = out.len();
    write_reply(&mut out, ReplyTo::msg(8, Flags::NONE, None), 10, MESSAGE_BYTES_MAX, ok).unwrap();
    let second = ClientReply::decode(out.split_off(first), DecodeLimits::default()).unwrap();
    assert_eq!((second.header().request_id, second.header().response_to), (10, 8));
    let first = ClientReply::decode(out, DecodeLimits::default()).unwrap();
    assert_eq!((first.header().request_id, first.header().response_to), (9, 7));
}

#[test]
fn an_exhaust_stream_announces_more_and_each_reply_answers_the_last() {
    let reply_to = ReplyTo::msg(7, Flags::EXHAUST_ALLOWED, None);
    let mut out = Vec::new();
    let open = OpenReply::begin(&mut out, reply_to, 9, true);
    out.extend_from_slice(&hex(OK));
    open.finish(&mut out, MESSAGE_BYTES_MAX).unwrap();
    let first = ClientReply::decode(out, DecodeLimits::default()).unwrap();
    assert!(first.more_to_come());

    let mut out = Vec::new();
    write_reply(&mut out, reply_to.following(9), 10, MESSAGE_BYTES_MAX, ok).unwrap();
    let last = ClientReply::decode(out, DecodeLimits::default()).unwrap();
    assert!(!last.more_to_come());
    assert_eq!((last.header().response_to, last.body().to_document()), (9, doc! {"ok": 1.0}));
}

#[test]
fn a_reply_over_the_limit_leaves_the_buffer_as_it_was() {
    let reply_to = ReplyTo::msg(7, Flags::CHECKSUM_PRESENT, None);
    let mut out = vec![1, 2, 3];
    let result = write_reply(&mut out, reply_to, 9, 41, ok);
    assert_eq!(result, Err(ReplyTooLarge { reply_bytes: 42 }));
    assert_eq!(out, [1, 2, 3]);
    assert_eq!(write_reply(&mut out, reply_to, 9, 42, ok), Ok(()));
    assert_eq!(out.len(), 3 + 42);
}
