//! Compressed messages in both directions, and the bombs among them.

use super::*;
use crate::compressor::Compressors;
use crate::op_msg::Flags;
use crate::reply::ReplyTo;
use crate::{
    ClientReply, MESSAGE_BYTES_MAX, MsgRequest, Rejected, Request, compress, decode, write_reply,
};
use quire_bson::{DocBuf, Document, doc};

const COMPRESSING: [Compressor; 3] = [Compressor::Snappy, Compressor::Zlib, Compressor::Zstd];

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn wrapped(op_code: i32, claimed: i32, compressor: u8, payload: &[u8]) -> Vec<u8> {
    let header = Header {
        message_bytes: PAYLOAD_AT + payload.len(),
        request_id: 7,
        response_to: 0,
        op_code: OpCode::Compressed.number(),
    };
    let mut message = Vec::new();
    header.write(&mut message);
    message.extend_from_slice(&op_code.to_le_bytes());
    message.extend_from_slice(&claimed.to_le_bytes());
    message.push(compressor);
    message.extend_from_slice(payload);
    message
}

fn request(body: &Document, flags: Flags, compressor: Compressor) -> Request {
    let body = DocBuf::from(body);
    let mut message = Vec::new();
    let body = body.as_raw();
    MsgRequest { request_id: 7, flags, body, sequences: &[] }.write(&mut message);
    compress(&mut message, 0, compressor);
    decode(message, DecodeLimits::default()).unwrap()
}

fn decoded(message: Vec<u8>) -> Result<Request, Rejected> {
    decode(message, DecodeLimits::default())
}

fn padded(name: &str) -> Document {
    doc! {name: 1, "padding": "a".repeat(1000), "$db": "admin"}
}

#[test]
fn a_message_compressed_by_another_zlib_is_opened() {
    let payload = hex("789c6360000239201628c8cc4b676004b29854529218d8808cc494dccc3c06060043dd04d9");
    let request = decoded(wrapped(2013, 35, 2, &payload)).unwrap();
    assert_eq!((request.command_name(), request.database()), ("ping", "admin"));
    assert_eq!((request.request_id(), request.compressor()), (7, Some(Compressor::Zlib)));
}

#[test]
fn a_message_inside_noop_is_opened() {
    let payload = hex("00000000 00 1e000000 1070696e6700010000000224646200 0600000061646d696e0000");
    let request = decoded(wrapped(2013, 35, 0, &payload)).unwrap();
    assert_eq!(request.compressor(), Some(Compressor::Noop));
}

#[test]
fn a_request_and_its_reply_travel_in_the_same_compressor() {
    for compressor in COMPRESSING {
        for flags in [Flags::NONE, Flags::CHECKSUM_PRESENT] {
            let request = request(&padded("ping"), flags, compressor);
            assert_eq!(request.compressor(), Some(compressor));
            assert_eq!(request.body().to_document(), padded("ping"));

            let mut out = vec![0xAA];
            write_reply(&mut out, request.reply_to(), 9, MESSAGE_BYTES_MAX, |reply| {
                reply.append_str("padding", &"b".repeat(1000)).append_f64("ok", 1.0);
            })
            .unwrap();
            let message = out.split_off(1);
            assert!(message.len() < 200, "{compressor:?} made {}", message.len());
            let reply = ClientReply::decode(message, DecodeLimits::default()).unwrap();
            assert_eq!(reply.compressor(), Some(compressor));
            assert_eq!((reply.header().request_id, reply.header().response_to), (9, 7));
            assert_eq!(reply.body().get("ok").and_then(|ok| ok.to_bson().as_f64()), Some(1.0));
            assert_eq!(out, [0xAA], "what stood in the buffer before is left alone");
        }
    }
}

#[test]
fn a_reply_that_compression_would_lengthen_stays_as_it_is() {
    let request = request(&padded("ping"), Flags::NONE, Compressor::Snappy);
    let mut out = Vec::new();
    write_reply(&mut out, request.reply_to(), 9, MESSAGE_BYTES_MAX, |reply| {
        reply.append_f64("ok", 1.0);
    })
    .unwrap();
    let reply = ClientReply::decode(out, DecodeLimits::default()).unwrap();
    assert_eq!(reply.compressor(), None);
}

#[test]
fn commands_with_secrets_are_answered_uncompressed() {
    for name in ["hello", "isMaster", "saslStart", "saslContinue", "authenticate", "createUser"] {
        let request = request(&padded(name), Flags::NONE, Compressor::Zlib);
        assert_eq!(request.compressor(), Some(Compressor::Zlib));
        assert_eq!(request.reply_to(), ReplyTo::msg(7, Flags::NONE, None), "{name}");
    }
}

#[test]
fn lengths_that_lie_close_the_connection() {
    let plain = vec![0; 4096];
    for compressor in [Compressor::Noop, Compressor::Snappy, Compressor::Zlib, Compressor::Zstd] {
        let payload = compressor.compress(&plain).unwrap();
        for claimed in [0, 1, 4095, 4097, 100_000, 47_999_984] {
            let message = wrapped(2013, claimed, compressor.id(), &payload);
            let claimed = usize::try_from(claimed).unwrap();
            assert_eq!(
                decoded(message),
                Err(Rejected::Closed(Violation::Decompression { claimed })),
                "{compressor:?}"
            );
        }
        for claimed in [-1, i32::MIN, 47_999_985, 48_000_000, i32::MAX] {
            let message = wrapped(2013, claimed, compressor.id(), &payload);
            let violation = Violation::DecompressedLength(claimed);
            assert_eq!(decoded(message), Err(Rejected::Closed(violation)), "{compressor:?}");
        }
    }
}

#[test]
fn damaged_payloads_close_the_connection() {
    let plain: Vec<u8> = (0..=255).cycle().take(4096).collect();
    for compressor in COMPRESSING {
        let payload = compressor.compress(&plain).unwrap();
        let with_tail = [payload.as_slice(), &[0]].concat();
        for damaged in [&payload[..payload.len() - 1], &payload[1..], &with_tail, &[]] {
            let message = wrapped(2013, 4096, compressor.id(), damaged);
            let violation = Violation::Decompression { claimed: 4096 };
            assert_eq!(decoded(message), Err(Rejected::Closed(violation)), "{compressor:?}");
        }
    }
}

#[test]
fn compression_inside_compression_closes_the_connection() {
    let message = wrapped(OpCode::Compressed.number(), 1, 0, &[0]);
    assert_eq!(decoded(message), Err(Rejected::Closed(Violation::NestedCompression)));
}

#[test]
fn an_op_code_that_is_unknown_stays_unknown_inside_compression() {
    let rejected = decoded(wrapped(999, 1, 0, &[0]));
    assert_eq!(rejected, Err(Rejected::Closed(Violation::OpCode(999))));
}

#[test]
fn a_cut_wrapper_closes_the_connection() {
    let whole = wrapped(2013, 0, 0, &[]);
    for length in 16..PAYLOAD_AT {
        let mut cut = whole[..length].to_vec();
        cut[0] = u8::try_from(length).unwrap();
        let violation = Violation::Truncated("OP_COMPRESSED");
        assert_eq!(decoded(cut), Err(Rejected::Closed(violation)), "{length}");
    }
}

#[test]
fn only_the_compressors_a_connection_lets_in_are_opened() {
    let message = wrapped(2013, 35, 2, &Compressor::Zlib.compress(&[0; 35]).unwrap());
    let limits = DecodeLimits { compressors: Compressors::NONE, ..DecodeLimits::default() };
    let closed = Err(Rejected::Closed(Violation::Compressor(2)));
    assert_eq!(decode(message.clone(), limits), closed);
    let limits = DecodeLimits {
        compressors: [Compressor::Snappy, Compressor::Zstd].into_iter().collect(),
        ..DecodeLimits::default()
    };
    assert_eq!(decode(message, limits), closed);
    for id in [4, 99, 255] {
        let rejected = decoded(wrapped(2013, 0, id, &[]));
        assert_eq!(rejected, Err(Rejected::Closed(Violation::Compressor(id))));
    }
}

#[test]
fn the_limit_of_a_connection_holds_for_what_comes_out() {
    let payload = Compressor::Zlib.compress(&[0; 5000]).unwrap();
    let limits = DecodeLimits { message_bytes_max: 4096, ..DecodeLimits::default() };
    let rejected = decode(wrapped(2013, 5000, 2, &payload), limits);
    assert_eq!(rejected, Err(Rejected::Closed(Violation::DecompressedLength(5000))));
}
