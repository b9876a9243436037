use crate::header::{HEADER_BYTES, Header, MESSAGE_BYTES_MAX, OpCode};
use crate::rejection::{Refusal, Rejected, Violation};
use crate::reply::{set_length, write_reply};
use crate::request::{Request, RequestKind};
use crate::{DecodeLimits, decode};
use proptest::prelude::*;
use quire_bson::{DocBuf, Document, Limits, RawDoc, doc, validate};

/// A part of an old message.
enum Part {
    Int(i32),
    Long(i64),
    Name(&'static str),
    Doc(Document),
}
use Part::{Doc, Int, Long, Name};

fn message(op_code: OpCode, parts: &[Part]) -> Vec<u8> {
    let mut out = Vec::new();
    Header { message_bytes: 0, request_id: 7, response_to: 0, op_code: op_code.number() }
        .write(&mut out);
    for part in parts {
        match part {
            Int(n) => out.extend_from_slice(&n.to_le_bytes()),
            Long(n) => out.extend_from_slice(&n.to_le_bytes()),
            Name(name) => {
                out.extend_from_slice(name.as_bytes());
                out.push(0);
            }
            Doc(doc) => out.extend_from_slice(DocBuf::from(doc).as_bytes()),
        }
    }
    let bytes = out.len();
    set_length(&mut out, 0, bytes);
    out
}

fn served(message: Vec<u8>) -> Result<Request, Rejected> {
    decode(message, DecodeLimits { old_op_codes: true, ..DecodeLimits::default() })
}

fn refusal(message: Vec<u8>) -> Refusal {
    match served(message) {
        Err(Rejected::Refused(refusal)) => refusal,
        other => panic!("it gave {other:?}"),
    }
}

const STREAM: i32 = 1 << 6;

const OLD: &[OpCode] = &[
    OpCode::Query,
    OpCode::GetMore,
    OpCode::KillCursors,
    OpCode::Insert,
    OpCode::Update,
    OpCode::Delete,
];

#[test]
fn every_old_message_becomes_the_command_of_today() {
    let wrapped = doc! {
        "$query": {"a": 1}, "$orderby": {"a": -1}, "$hint": "a_1", "$comment": "why",
        "$maxTimeMS": 5, "$readPreference": {"mode": "nearest"},
    };
    let table = [
        (
            OpCode::Query,
            vec![Int(0), Name("d.c.e"), Int(0), Int(0), Doc(doc! {"a": 1})],
            doc! {"find": "c.e", "filter": {"a": 1}, "$db": "d"},
        ),
        (
            OpCode::Query,
            vec![Int(0b1011_0010), Name("d.c"), Int(3), Int(20), Doc(wrapped), Doc(doc! {"b": 1})],
            doc! {
                "find": "c", "filter": {"a": 1}, "sort": {"a": -1}, "hint": "a_1",
                "comment": "why", "maxTimeMS": 5, "$readPreference": {"mode": "nearest"},
                "projection": {"b": 1}, "skip": 3, "batchSize": 20, "tailable": true,
                "noCursorTimeout": true, "awaitData": true, "allowPartialResults": true,
                "$db": "d",
            },
        ),
        (
            OpCode::Query,
            vec![Int(0), Name("d.c"), Int(0), Int(-3), Doc(doc! {}), Doc(doc! {})],
            doc! {"find": "c", "filter": {}, "limit": 3_i64, "singleBatch": true, "$db": "d"},
        ),
        (
            OpCode::GetMore,
            vec![Int(0), Name("d.c"), Int(2), Long(1 << 40)],
            doc! {"getMore": 1_i64 << 40, "collection": "c", "batchSize": 2_i64, "$db": "d"},
        ),
        (
            OpCode::KillCursors,
            vec![Int(0), Int(2), Long(-5), Long(6)],
            doc! {"killCursors": "", "cursors": [-5_i64, 6_i64], "$db": "admin"},
        ),
        (
            OpCode::Insert,
            vec![Int(1), Name("d.c"), Doc(doc! {"_id": 1}), Doc(doc! {"_id": 2})],
            doc! {"insert": "c", "ordered": false, "$db": "d"},
        ),
        (
            OpCode::Update,
            vec![Int(0), Name("d.c"), Int(3), Doc(doc! {"a": 1}), Doc(doc! {"$set": {"a": 2}})],
            doc! {
                "update": "c",
                "updates": [
                    {"q": {"a": 1}, "u": {"$set": {"a": 2}}, "upsert": true, "multi": true},
                ],
                "$db": "d",
            },
        ),
        (
            OpCode::Delete,
            vec![Int(0), Name("d.c"), Int(1), Doc(doc! {"a": 1})],
            doc! {"delete": "c", "deletes": [{"q": {"a": 1}, "limit": 1}], "$db": "d"},
        ),
    ];
    for (op_code, parts, command) in table {
        let request = served(message(op_code, &parts)).unwrap();
        assert_eq!(request.body().to_document(), command, "{op_code:?}");
        assert_eq!(request.database(), command.get_str("$db").unwrap());
        assert_eq!(request.request_id(), 7);
        let reads = matches!(op_code, OpCode::Query | OpCode::GetMore);
        assert_eq!(request.more_to_come(), !reads, "{op_code:?}");
        assert_eq!(request.kind() == RequestKind::Unanswered, !reads, "{op_code:?}");
        let documents = request.sequence("documents").map_or(0, |documents| documents.len());
        assert_eq!(documents, if op_code == OpCode::Insert { 2 } else { 0 });
    }
}

#[test]
fn flags_of_a_query_tell_whether_a_secondary_may_answer_and_all_batches_are_wanted() {
    for (flags, secondary_ok, exhaust) in [(0, false, false), (4, true, false), (64, false, true)] {
        let parts = [Int(flags), Name("d.c"), Int(0), Int(0), Doc(doc! {})];
        let request = served(message(OpCode::Query, &parts)).unwrap();
        assert_eq!(request.secondary_ok(), secondary_ok);
        assert_eq!(request.kind(), RequestKind::Documents { exhaust, returned: 0 });
    }
}

#[test]
fn what_cannot_be_read_is_refused_by_those_that_answer() {
    let unknown = doc! {"$query": {}, "$explain": true};
    let table = [
        (OpCode::Query, vec![Int(0), Name("d"), Int(0), Int(0), Doc(doc! {})], true),
        (OpCode::Query, vec![Int(0), Name("d.c"), Int(0), Int(0), Doc(unknown)], true),
        (OpCode::Query, vec![Int(0), Name("d.c"), Int(0)], true),
        (OpCode::GetMore, vec![Int(0), Name("d.c"), Int(0), Int(1)], true),
        (OpCode::KillCursors, vec![Int(0), Int(2), Long(1)], false),
        (OpCode::KillCursors, vec![Int(0), Int(i32::MAX), Long(1)], false),
        (OpCode::Insert, vec![Int(0), Name("d.c")], false),
        (OpCode::Update, vec![Int(0), Name("d.c"), Int(0), Doc(doc! {})], false),
        (OpCode::Delete, vec![], false),
    ];
    for (op_code, parts, is_answered) in table {
        let refusal = refusal(message(op_code, &parts));
        assert_eq!(refusal.reply_to.is_some(), is_answered, "{op_code:?}");
        let mut out = Vec::new();
        refusal.write(&mut out, 1).unwrap();
        assert_eq!(!out.is_empty(), is_answered, "{op_code:?}");
    }
}

#[test]
fn old_op_codes_are_served_only_where_that_is_wanted() {
    let parts = [Int(0), Name("d.c"), Doc(doc! {"_id": 1})];
    let refused = decode(message(OpCode::Insert, &parts), DecodeLimits::default());
    assert_eq!(refused, Err(Rejected::Closed(Violation::LegacyOpCode("OP_INSERT"))));
}

/// What a query's client reads: flags, cursor, where the documents begin, and the documents.
fn reply(request: &Request, answer: &Document) -> (i32, i64, i32, Vec<Document>) {
    let mut out = vec![9; 3];
    write_reply(&mut out, request.reply_to(), 8, MESSAGE_BYTES_MAX, |reply| {
        for element in DocBuf::from(answer).as_raw() {
            reply.append_element(element);
        }
    })
    .unwrap();
    let message = &out[3..];
    let header = Header::parse(message, MESSAGE_BYTES_MAX).unwrap().unwrap();
    assert_eq!((header.message_bytes, header.response_to), (message.len(), request.request_id()));
    assert_eq!(header.op_code, OpCode::Reply.number());
    let int = |at: usize| i32::from_le_bytes(*message[at..].first_chunk().unwrap());
    let cursor = i64::from_le_bytes(*message[HEADER_BYTES + 4..].first_chunk().unwrap());
    let mut rest = &message[HEADER_BYTES + 20..];
    let mut documents = Vec::new();
    while !rest.is_empty() {
        let length = usize::try_from(i32::from_le_bytes(*rest.first_chunk().unwrap())).unwrap();
        documents.push(RawDoc::from_validated(&rest[..length]).to_document());
        rest = &rest[length..];
    }
    assert_eq!(usize::try_from(int(HEADER_BYTES + 16)).unwrap(), documents.len());
    (int(HEADER_BYTES), cursor, int(HEADER_BYTES + 12), documents)
}

#[test]
fn the_documents_of_a_cursor_and_errors_are_answered_in_the_old_form() {
    let parts = [Int(STREAM), Name("d.c"), Int(0), Int(2), Doc(doc! {})];
    let request = served(message(OpCode::Query, &parts)).unwrap();
    let batch = vec![doc! {"_id": 1}, doc! {"_id": 2}];
    let found = doc! {"cursor": {"firstBatch": batch.clone(), "id": 5_i64, "ns": "d.c"}, "ok": 1.0};
    assert_eq!(reply(&request, &found), (8, 5, 0, batch));
    let failed = doc! {"ok": 0.0, "errmsg": "no", "code": 2, "codeName": "BadValue"};
    let error = doc! {"$err": "no", "code": 2, "ok": 0.0};
    assert_eq!(reply(&request, &failed), (10, 0, 0, vec![error]));
    let gone = doc! {"ok": 0.0, "errmsg": "gone", "code": 43};
    assert_eq!(reply(&request, &gone), (9, 0, 0, vec![]));
}

#[test]
fn a_stream_goes_on_until_its_cursor_ends() {
    let parts = [Int(STREAM), Name("d.c.e"), Int(0), Int(2), Doc(doc! {})];
    let query = served(message(OpCode::Query, &parts)).unwrap();
    let answer = |field: &str, id: i64| {
        let batch = vec![doc! {"_id": 1}, doc! {"_id": 2}];
        DocBuf::from(&doc! {"cursor": {field: batch, "id": id, "ns": "d.c.e"}, "ok": 1.0})
    };
    let next = query.following(answer("firstBatch", 5).as_raw(), 30).unwrap();
    let command = doc! {"getMore": 5_i64, "collection": "c.e", "batchSize": 2, "$db": "d"};
    assert_eq!(next.body().to_document(), command);
    assert_eq!((next.request_id(), next.secondary_ok()), (30, true));
    let (_, cursor, from, _) = reply(&next, &answer("nextBatch", 5).as_raw().to_document());
    assert_eq!((cursor, from), (5, 2));
    let last = next.following(answer("nextBatch", 5).as_raw(), 31).unwrap();
    assert_eq!(last.kind(), RequestKind::Documents { exhaust: true, returned: 4 });
    assert!(last.following(answer("nextBatch", 0).as_raw(), 32).is_none());
    let parts = [Int(0), Name("d.c"), Int(0), Int(2), Doc(doc! {})];
    let plain = served(message(OpCode::Query, &parts)).unwrap();
    assert!(plain.following(answer("firstBatch", 5).as_raw(), 30).is_none());
}

proptest! {
    #[test]
    fn noise_behind_an_old_header_is_a_valid_request_or_refused(
        op_code in prop::sample::select(OLD),
        flags in any::<i32>(),
        noise in prop::collection::vec(any::<u8>(), 0..200),
        documents in prop::collection::vec(any::<i32>(), 0..3),
    ) {
        let mut parts = vec![Int(flags), Name("d.c"), Int(0), Int(0)];
        parts.extend(documents.iter().map(|n| Doc(doc! {"_id": n})));
        let mut bytes = message(op_code, &parts);
        bytes.extend_from_slice(&noise);
        let length = bytes.len();
        set_length(&mut bytes, 0, length);
        for cut in [length, length / 2, HEADER_BYTES + noise.len() % 24] {
            let mut bytes = bytes.get(..cut).unwrap_or(&bytes).to_vec();
            let length = bytes.len();
            set_length(&mut bytes, 0, length);
            match served(bytes) {
                Ok(request) => {
                    prop_assert!(validate(request.body().as_bytes(), Limits::default()).is_ok());
                    prop_assert!(["d", "admin"].contains(&request.database()));
                }
                Err(Rejected::Refused(refusal)) => {
                    prop_assert!(refusal.write(&mut Vec::new(), 1).is_ok());
                }
                Err(Rejected::Closed(violation)) => prop_assert!(false, "{}", violation),
            }
        }
    }
}
