//! Requests as they arrive, and every lie a message can tell.

use super::*;
use crate::{MsgRequest, QueryRequest};
use quire_bson::{DocBuf, doc};
use quire_errors::Code;

/// `{ping: 1, $db: "admin"}`
const PING: &str = "1e000000 10 70696e6700 01000000 02 24646200 06000000 61646d696e00 00";

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

/// A whole message from what follows its length.
fn framed(rest: &str) -> Vec<u8> {
    let rest = hex(rest);
    let mut message = i32::try_from(rest.len() + 4).unwrap().to_le_bytes().to_vec();
    message.extend_from_slice(&rest);
    message
}

/// An OP_MSG with these flags and sections, request id 7.
fn op_msg(flags: &str, sections: &str) -> Vec<u8> {
    framed(&format!("07000000 00000000 dd070000 {flags} {sections}"))
}

fn decoded(message: Vec<u8>) -> Result<Request, Rejected> {
    decode(message, DecodeLimits::default())
}

fn refusal(message: Vec<u8>) -> Refusal {
    match decoded(message) {
        Err(Rejected::Refused(refusal)) => refusal,
        other => panic!("expected a refusal: {other:?}"),
    }
}

#[test]
fn an_op_msg_is_sliced_into_its_command_and_database() {
    let request = decoded(op_msg("00000000", &format!("00 {PING}"))).unwrap();
    assert_eq!(request.request_id(), 7);
    assert_eq!(request.kind(), RequestKind::Msg);
    assert_eq!((request.command_name(), request.database()), ("ping", "admin"));
    assert_eq!(request.body().to_document(), doc! {"ping": 1, "$db": "admin"});
    assert!(!request.more_to_come() && !request.exhaust_allowed());
    assert_eq!(request.sequences().count(), 0);
    assert_eq!(request.compressor(), None);
}

#[test]
fn a_checksum_that_is_not_checked_is_passed_over_and_not_answered_with_one() {
    let limits = DecodeLimits { checksums: false, ..DecodeLimits::default() };
    for checksum in ["0b1bb50f", "00000000"] {
        let message = op_msg("01000000", &format!("00 {PING} {checksum}"));
        let request = decode(message, limits).unwrap();
        assert_eq!(request.command_name(), "ping");
        assert_eq!(request.reply_to(), ReplyTo::msg(7, Flags::NONE, None));
    }
}

#[test]
fn any_command_may_come_in_a_query_where_that_is_wanted() {
    let body = DocBuf::from(&doc! {"find": "c"});
    let query = QueryRequest {
        request_id: 1,
        flags: 4,
        namespace: "test.$cmd",
        number_to_return: -1,
        body: body.as_raw(),
    };
    let mut message = Vec::new();
    query.write(&mut message);
    assert_eq!(refusal(message.clone()).error.code(), Code::UnsupportedOpQueryCommand);
    let limits = DecodeLimits { old_op_codes: true, ..DecodeLimits::default() };
    let request = decode(message, limits).unwrap();
    assert_eq!((request.command_name(), request.database()), ("find", "test"));
    assert!(request.secondary_ok());
}

#[test]
fn an_op_msg_with_a_true_checksum_is_let_in() {
    // the last four bytes come from another implementation of CRC-32C
    let message = op_msg("01000000", &format!("00 {PING} 0b1bb50f"));
    assert_eq!(decoded(message).unwrap().command_name(), "ping");
}

#[test]
fn flags_that_may_be_ignored_are_and_known_ones_are_told() {
    let sections = format!("00 {PING}");
    for (flags, more_to_come, exhaust_allowed) in [
        ("00000000", false, false),
        ("02000000", true, false),
        ("00000100", false, true),
        ("02000100", true, true),
        ("0000feff", false, false),
    ] {
        let request = decoded(op_msg(flags, &sections)).unwrap();
        assert_eq!(request.more_to_come(), more_to_come, "{flags}");
        assert_eq!(request.exhaust_allowed(), exhaust_allowed, "{flags}");
    }
}

#[test]
fn document_sequences_come_before_or_after_the_body() {
    let sequence = "01 16000000 646f637300 0500000000 08000000 0a 7800 00";
    for sections in [format!("{sequence} 00 {PING}"), format!("00 {PING} {sequence}")] {
        let request = decoded(op_msg("00000000", &sections)).unwrap();
        let names: Vec<_> = request.sequences().map(|s| (s.name, s.documents.len())).collect();
        assert_eq!(names, [("docs", 2)]);
        let documents: Vec<_> =
            request.sequence("docs").unwrap().map(|d| d.to_document()).collect();
        assert_eq!(documents, [doc! {}, doc! {"x": null}]);
        assert!(request.sequence("other").is_none());
    }
}

#[test]
fn a_request_is_owned_and_may_move_to_another_thread() {
    fn assert_static_send<T: 'static + Send + Sync>() {}
    assert_static_send::<Request>();
    let message = op_msg("00000000", &format!("00 {PING}"));
    let request = decoded(message.clone()).unwrap();
    assert_eq!(request.into_buffer(), message);
}

#[test]
fn wrong_contents_are_answered_and_the_connection_goes_on() {
    let docs = "01 09000000 646f637300";
    let other = "01 0a000000 6f7468657200";
    let body_with_docs = "16000000 02 24646200 02000000 6100 0a 646f637300 00";
    let cases: &[(&str, String, Code)] = &[
        ("no section", String::new(), Code::Location(40587)),
        ("a sequence only", docs.into(), Code::Location(40587)),
        ("two bodies", format!("00 {PING} 00 {PING}"), Code::Location(40430)),
        ("a security token", format!("02 6100 00 {PING}"), Code::Unauthorized),
        ("section kind 3", format!("03 00 {PING}"), Code::Location(40432)),
        ("a sequence twice", format!("00 {PING} {docs} {docs}"), Code::Location(40431)),
        ("a field twice", format!("00 {body_with_docs} {docs}"), Code::Location(40433)),
        ("a sequence past the end", format!("00 {PING} 01 ff000000 61 00"), Code::Overflow),
        ("a sequence of -1 bytes", format!("00 {PING} 01 ffffffff 61 00"), Code::Overflow),
        ("a sequence of 3 bytes", format!("00 {PING} 01 03000000 61 00"), Code::Overflow),
        ("a sequence of 4 bytes", format!("00 {PING} 01 04000000 61 00"), Code::Overflow),
        ("a name without an end", format!("00 {PING} 01 06000000 6161"), Code::Overflow),
        ("a cut sequence length", format!("00 {PING} 01 0600"), Code::Overflow),
        ("a name not UTF-8", format!("00 {PING} 01 06000000 ff00"), Code::InvalidBSON),
        (
            "a document past its sequence",
            format!("00 {PING} 01 0b000000 6100 0800000000 {other}"),
            Code::InvalidBSON,
        ),
        ("a document of 4 bytes", "00 04000000".into(), Code::InvalidBSON),
        ("a document of -1 bytes", "00 ffffffff 00".into(), Code::InvalidBSON),
        ("a document past the end", "00 20000000 00".into(), Code::InvalidBSON),
        ("a document without its length", "00 0500".into(), Code::Overflow),
        ("an unknown type", "00 08000000 20 6100 00".into(), Code::InvalidBSON),
        ("a string not UTF-8", "00 0e000000 02 6100 02000000 ff00 00".into(), Code::InvalidBSON),
        ("no $db", "00 0500000000".into(), Code::Location(40571)),
        ("$db a number", "00 0e000000 10 24646200 01000000 00".into(), Code::Location(13111)),
        (
            "$db twice",
            "00 1b000000 02 24646200 02000000 6100 02 24646200 02000000 6200 00".into(),
            Code::Location(40413),
        ),
    ];
    for (what, sections, code) in cases {
        let refusal = refusal(op_msg("00000000", sections));
        assert_eq!(refusal.error.code(), *code, "{what}: {}", refusal.error);
        assert_eq!(refusal.reply_to, Some(ReplyTo::msg(7, Flags::NONE, None)), "{what}");
    }
}

#[test]
fn the_messages_of_refusals_are_those_clients_know() {
    for (sections, message) in [
        ("", "OP_MSG messages must have a body"),
        ("04", "Unknown section kind 4"),
        ("00 0500000000", "OP_MSG requests require a $db argument"),
        ("00 0e000000 10 24646200 01000000 00", "wrong type for field ($db) int != string"),
    ] {
        assert_eq!(refusal(op_msg("00000000", sections)).error.message(), message);
    }
}

#[test]
fn a_refused_message_whose_sender_does_not_listen_gets_no_answer() {
    assert_eq!(refusal(op_msg("02000000", "")).reply_to, None);
}

#[test]
fn a_message_too_short_for_its_checksum_is_answered() {
    for sections in ["", "00", "00000000"] {
        let refusal = refusal(op_msg("01000000", sections));
        assert_eq!(refusal.error.code(), Code::Location(51252), "{sections}");
    }
}

#[test]
fn breaches_of_protocol_close_the_connection() {
    let ping = format!("00 {PING}");
    let three = "01 09000000 646f637300 01 06000000 6100 01 06000000 6200";
    let cases: Vec<(&str, Vec<u8>, Violation)> = vec![
        ("a wrong checksum", op_msg("01000000", &format!("{ping} 00000000")), Violation::Checksum),
        ("required flag 2", op_msg("04000000", &ping), Violation::IllegalFlags(4)),
        ("required flag 15", op_msg("00800000", &ping), Violation::IllegalFlags(0x8000)),
        ("no flags", framed("07000000 00000000 dd070000"), Violation::Truncated("OP_MSG")),
        (
            "half the flags",
            framed("07000000 00000000 dd070000 0000"),
            Violation::Truncated("OP_MSG"),
        ),
        (
            "three sequences",
            op_msg("00000000", &format!("{ping} {three}")),
            Violation::TooManySequences,
        ),
        ("an unknown op code", framed("07000000 00000000 e7030000"), Violation::OpCode(999)),
        ("a reply", framed("07000000 00000000 01000000"), Violation::OpCode(1)),
        ("OP_INSERT", framed("07000000 00000000 d2070000"), Violation::LegacyOpCode("OP_INSERT")),
        ("OP_UPDATE", framed("07000000 00000000 d1070000"), Violation::LegacyOpCode("OP_UPDATE")),
        ("OP_DELETE", framed("07000000 00000000 d6070000"), Violation::LegacyOpCode("OP_DELETE")),
        (
            "OP_KILL_CURSORS",
            framed("07000000 00000000 d7070000"),
            Violation::LegacyOpCode("OP_KILL_CURSORS"),
        ),
    ];
    for (what, message, violation) in cases {
        assert_eq!(decoded(message), Err(Rejected::Closed(violation)), "{what}");
    }
}

#[test]
fn a_message_of_another_length_than_it_says_is_never_decoded() {
    let message = op_msg("00000000", &format!("00 {PING}"));
    for wrong in [&message[..message.len() - 1], &[message.as_slice(), &[0]].concat(), &[]] {
        let rejected = decoded(wrong.to_vec()).unwrap_err();
        assert!(matches!(rejected, Rejected::Closed(Violation::Length { .. })), "{rejected:?}");
    }
}

#[test]
fn a_message_over_the_connections_limit_is_closed() {
    let message = op_msg("00000000", &format!("00 {PING}"));
    let limits = |message_bytes_max| DecodeLimits { message_bytes_max, ..DecodeLimits::default() };
    assert!(decode(message.clone(), limits(51)).is_ok());
    assert!(matches!(decode(message, limits(50)), Err(Rejected::Closed(Violation::Length { .. }))));
}

#[test]
fn a_document_over_the_limit_is_named_by_its_size() {
    let length = 16 * 1024 * 1024 + 16 * 1024 + 1;
    let mut message = framed("07000000 00000000 dd070000 00000000 00");
    message.extend_from_slice(&i32::try_from(length).unwrap().to_le_bytes());
    message.resize(21 + length, 0);
    let total = i32::try_from(message.len()).unwrap();
    message[..4].copy_from_slice(&total.to_le_bytes());
    let error = refusal(message).error;
    assert_eq!(error.code(), Code::BSONObjectTooLarge);
    assert_eq!(
        error.message(),
        "BSONObj size: 16793601 (0x1004001) is invalid. Size must be between 0 and 16793600(16MB)"
    );
}

/// An OP_QUERY, request id 7.
fn op_query(
    namespace: &str,
    number_to_return: i32,
    flags: i32,
    body: &quire_bson::Document,
) -> Vec<u8> {
    let body = DocBuf::from(body);
    let mut message = Vec::new();
    let body = body.as_raw();
    QueryRequest { request_id: 7, flags, namespace, number_to_return, body }.write(&mut message);
    message
}

#[test]
fn an_op_query_is_sliced_into_its_command_and_database() {
    let message = framed(
        "07000000 00000000 d4070000 04000000 61646d696e2e24636d6400 00000000 ffffffff \
         13000000 10 69734d617374657200 01000000 00",
    );
    let request = decoded(message).unwrap();
    assert_eq!(request.kind(), RequestKind::Query);
    assert_eq!((request.command_name(), request.database()), ("isMaster", "admin"));
    assert!(request.secondary_ok());
    assert_eq!(request.reply_to(), ReplyTo::query(7, None));
}

#[test]
fn an_op_query_may_wrap_its_command() {
    for wrapper in ["$query", "query"] {
        let body = doc! {wrapper: {"ismaster": 1}, "$readPreference": {"mode": "secondary"}};
        let request = decoded(op_query("db.$cmd", 1, 0, &body)).unwrap();
        assert_eq!(request.body().to_document(), doc! {"ismaster": 1});
        assert_eq!(request.database(), "db");
        assert!(!request.secondary_ok());
    }
}

#[test]
fn every_command_of_the_handshake_may_come_in_an_op_query() {
    for name in ["hello", "isMaster", "ismaster", "saslStart", "saslContinue", "authenticate"] {
        let request = decoded(op_query("admin.$cmd", -1, 0, &doc! {name: 1})).unwrap();
        assert_eq!(request.command_name(), name);
    }
}

#[test]
fn other_op_queries_are_refused_in_an_op_reply() {
    let hello = doc! {"hello": 1};
    let cases = [
        (op_query("admin.$cmd", -1, 0, &doc! {"find": "c"}), Code::UnsupportedOpQueryCommand),
        (op_query("admin.$cmd", -1, 0, &doc! {}), Code::UnsupportedOpQueryCommand),
        (op_query("admin.$cmd", -1, 0, &doc! {"hello": 1, "$db": "x"}), Code::Location(40621)),
        (op_query("admin.$cmd", 0, 0, &hello), Code::Location(16979)),
        (op_query("admin.$cmd", -1, 64, &hello), Code::Location(18527)),
        (framed("07000000 00000000 d4070000 00000000 612e24636d64"), Code::Overflow),
        (framed("07000000 00000000 d4070000"), Code::Overflow),
    ];
    for (message, code) in cases {
        let refusal = refusal(message);
        assert_eq!(refusal.error.code(), code, "{}", refusal.error);
        assert_eq!(refusal.reply_to, Some(ReplyTo::query(7, None)));
    }
}

#[test]
fn an_unsupported_op_query_command_is_told_to_upgrade() {
    let error = refusal(op_query("admin.$cmd", -1, 0, &doc! {"find": "c"})).error;
    assert_eq!(
        (error.code().number(), error.code().name().as_ref()),
        (352, "UnsupportedOpQueryCommand")
    );
    assert_eq!(
        error.message(),
        "Unsupported OP_QUERY command: find. The client driver may require an upgrade. \
         For more details see https://dochub.mongodb.org/core/legacy-opcode-removal"
    );
}

#[test]
fn queries_and_get_mores_of_old_get_a_query_failure() {
    let get_more = framed("07000000 00000000 d5070000 00000000 612e6200 00000000 0000000000000000");
    for (message, name) in
        [(op_query("a.b", 0, 0, &doc! {}), "OP_QUERY"), (get_more, "OP_GET_MORE")]
    {
        let mut out = Vec::new();
        refusal(message).write(&mut out, 9).unwrap();
        let reply = crate::ClientReply::decode(out, DecodeLimits::default()).unwrap();
        assert_eq!((reply.header().op_code, reply.header().response_to), (1, 7));
        assert_eq!(reply.flags(), 2);
        let body = reply.body().to_document();
        assert_eq!(body.get_i32("code").unwrap(), 5_739_101);
        assert_eq!(body.get_f64("ok").unwrap(), 0.0);
        assert!(
            body.get_str("$err").unwrap().starts_with(&format!("{name} is no longer supported"))
        );
    }
}

#[test]
fn a_debug_line_of_a_request_shows_no_field_values() {
    let body = DocBuf::from(&doc! {"createUser": "u", "pwd": "secret", "$db": "admin"});
    let mut message = Vec::new();
    let body = body.as_raw();
    MsgRequest { request_id: 1, flags: Flags::NONE, body, sequences: &[] }.write(&mut message);
    let text = format!("{:?}", decoded(message).unwrap());
    assert!(text.contains("createUser") && !text.contains("secret"), "{text}");
}

#[test]
fn a_cut_message_never_decodes_to_a_request() {
    let whole = op_msg("00000000", &format!("01 0e000000 646f637300 0500000000 00 {PING}"));
    for length in 16..whole.len() {
        let mut cut = whole[..length].to_vec();
        cut[..4].copy_from_slice(&i32::try_from(length).unwrap().to_le_bytes());
        assert!(decoded(cut).is_err(), "{length}");
    }
    assert!(decoded(whole).is_ok());
}
