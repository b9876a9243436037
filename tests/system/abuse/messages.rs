//! The broken messages, byte by byte, and what becomes of each.

use Outcome::{Closed, Code};
use quire_bson::{DocBuf, Document, doc};
use quire_protocol::{Compressor, Flags, compress};
use quire_tests::message;

/// What the server does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Outcome {
    /// Ends the connection without an answer.
    Closed,
    /// Answers with this error, and the connection goes on.
    Code(i32),
}

pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) bytes: fn() -> Vec<u8>,
    pub(super) outcome: Outcome,
}

const fn case(name: &'static str, outcome: Outcome, bytes: fn() -> Vec<u8>) -> Case {
    Case { name, bytes, outcome }
}

const OP_REPLY: i32 = 1;
const OP_INSERT: i32 = 2002;
const OP_QUERY: i32 = 2004;
const OP_GET_MORE: i32 = 2005;
const OP_COMPRESSED: i32 = 2012;
const OP_MSG: i32 = 2013;

pub(super) const CASES: &[Case] = &[
    case("a length below a header's", Closed, || with_length(ping(), 15)),
    case("a length of zero", Closed, || with_length(ping(), 0)),
    case("a negative length", Closed, || with_length(ping(), -1)),
    case("the smallest length", Closed, || with_length(ping(), i32::MIN)),
    case("a length above the limit", Closed, || with_length(ping(), 48_000_001)),
    case("the largest length", Closed, || with_length(ping(), i32::MAX)),
    case("an op code that never was", Closed, || framed(1234, &[0; 8])),
    case("an op code that has gone", Closed, || framed(OP_INSERT, &[0; 8])),
    case("a reply as a request", Closed, || framed(OP_REPLY, &[0; 20])),
    case("an old getMore", Code(5_739_101), || framed(OP_GET_MORE, &[0; 32])),
    case("an old find", Code(5_739_101), || query("test.c", 0, 1, &doc! { "a": 1 })),
    case("an old command that is no handshake", Code(352), || {
        query("test.$cmd", 0, 1, &doc! { "find": "c" })
    }),
    case("an old command that wants two answers", Code(16979), || {
        query("test.$cmd", 0, 2, &doc! { "hello": 1 })
    }),
    case("no flags", Closed, || framed(OP_MSG, &[0; 3])),
    case("a flag nobody knows", Closed, || msg(1 << 2, &[body(&ping_command())])),
    case("a checksum that is wrong", Closed, || {
        let mut bytes = msg(1, &[body(&ping_command())]);
        bytes.extend([1, 2, 3, 4]);
        let length = i32::try_from(bytes.len()).expect("short");
        with_length(bytes, length)
    }),
    case("no section at all", Code(40587), || msg(0, &[])),
    case("two bodies", Code(40430), || msg(0, &[body(&ping_command()), body(&ping_command())])),
    case("a section of kind 2", Code(13), || msg(0, &[vec![2], body(&ping_command())])),
    case("a section of kind 3", Code(40432), || msg(0, &[vec![3]])),
    case("a sequence without a body", Code(40587), || msg(0, &[sequence("documents", &[])])),
    case("a sequence twice", Code(40431), || {
        msg(0, &[body(&insert_command()), sequence("documents", &[]), sequence("documents", &[])])
    }),
    case("three sequences", Closed, || {
        msg(
            0,
            &[body(&insert_command()), sequence("a", &[]), sequence("b", &[]), sequence("c", &[])],
        )
    }),
    case("a sequence that is a field too", Code(40433), || {
        let command = doc! { "insert": "c", "documents": [{ "a": 1 }], "$db": "test" };
        msg(0, &[body(&command), sequence("documents", &[doc! { "a": 1 }])])
    }),
    case("a sequence longer than its message", Code(15), || {
        let mut section = sequence("documents", &[doc! { "a": 1 }]);
        section[1..5].copy_from_slice(&1_000_000_i32.to_le_bytes());
        msg(0, &[body(&insert_command()), section])
    }),
    case("a sequence of a negative length", Code(15), || {
        let mut section = sequence("documents", &[doc! { "a": 1 }]);
        section[1..5].copy_from_slice(&(-1_i32).to_le_bytes());
        msg(0, &[body(&insert_command()), section])
    }),
    case("no database", Code(40571), || msg(0, &[body(&doc! { "ping": 1 })])),
    case("a database that is no string", Code(13111), || {
        msg(0, &[body(&doc! { "ping": 1, "$db": 1 })])
    }),
    case("two databases", Code(40413), || {
        let pair = ["a", "b"].map(|name| element(0x02, "$db", &string(name))).concat();
        msg(0, &[raw_body(&[element(0x10, "ping", &1_i32.to_le_bytes()), pair].concat())])
    }),
    case("an empty database name", Code(73), || msg(0, &[body(&doc! { "ping": 1, "$db": "" })])),
    case("a command nobody knows", Code(59), || {
        msg(0, &[body(&doc! { "unheardOf": 1, "$db": "admin" })])
    }),
    case("an empty command", Code(59), || msg(0, &[body(&doc! { "$db": "admin" })])),
    case("a document longer than its message", Code(22), || {
        let mut section = body(&ping_command());
        section[1..5].copy_from_slice(&1_000_i32.to_le_bytes());
        msg(0, &[section])
    }),
    case("a document without its end", Code(22), || {
        let mut section = body(&ping_command());
        *section.last_mut().expect("bytes") = 1;
        msg(0, &[section])
    }),
    case("a type nobody knows", Code(22), || msg(0, &[raw_body(&element(0x42, "a", &[]))])),
    case("a string without its end", Code(22), || {
        msg(0, &[raw_body(&element(0x02, "a", &[2, 0, 0, 0, b'x', b'y']))])
    }),
    case("a string of a negative length", Code(22), || {
        msg(0, &[raw_body(&element(0x02, "a", &[255, 255, 255, 255, 0]))])
    }),
    case("a boolean that is neither", Code(22), || msg(0, &[raw_body(&element(0x08, "a", &[7]))])),
    case("nesting beyond the limit", Code(15), || msg(0, &[nested(201)])),
    case("nesting beyond any limit", Code(15), || msg(0, &[nested(100_000)])),
    case("a compressor nobody knows", Closed, || compressed(OP_MSG, 100, 9, b"data")),
    case("a compressed length above the limit", Closed, || {
        compressed(OP_MSG, 48_000_000, 2, b"data")
    }),
    case("a negative compressed length", Closed, || compressed(OP_MSG, -1, 2, b"data")),
    case("a compressed length that is too long", Closed, || lying(1)),
    case("a compressed length that is too short", Closed, || lying(-1)),
    case("compressed rubbish", Closed, || compressed(OP_MSG, 100, 1, &[0xFF; 50])),
    case("compression within compression", Closed, || compressed(OP_COMPRESSED, 100, 0, &[0; 100])),
    case("compression without a header", Closed, || framed(OP_COMPRESSED, &[0; 4])),
    case("a thousand times larger when opened", Code(22), bomb),
    case("more writes than a batch may hold", Code(16), || {
        let documents: Vec<Document> = (0..100_001).map(|_| doc! {}).collect();
        msg(0, &[body(&insert_command()), sequence("documents", &documents)])
    }),
    case("more about a client than may be told", Code(185), || {
        let driver = doc! { "name": "x".repeat(600), "version": "1" };
        let client = doc! { "driver": driver, "os": { "type": "Linux" } };
        msg(0, &[body(&doc! { "hello": 1, "client": client, "$db": "admin" })])
    }),
];

fn ping_command() -> Document {
    doc! { "ping": 1, "$db": "admin" }
}

fn insert_command() -> Document {
    doc! { "insert": "c", "$db": "test" }
}

fn ping() -> Vec<u8> {
    message(1, Flags::NONE, DocBuf::from(&ping_command()).as_raw())
}

fn with_length(mut bytes: Vec<u8>, length: i32) -> Vec<u8> {
    bytes[..4].copy_from_slice(&length.to_le_bytes());
    bytes
}

/// A message of any kind with its true length.
fn framed(op_code: i32, payload: &[u8]) -> Vec<u8> {
    let length = i32::try_from(16 + payload.len()).expect("short");
    let header = [length, 1, 0, op_code].map(i32::to_le_bytes).concat();
    [&header, payload].concat()
}

fn msg(flags: u32, sections: &[Vec<u8>]) -> Vec<u8> {
    framed(OP_MSG, &[flags.to_le_bytes().to_vec(), sections.concat()].concat())
}

fn query(namespace: &str, flags: i32, to_return: i32, document: &Document) -> Vec<u8> {
    let mut payload = flags.to_le_bytes().to_vec();
    payload.extend(namespace.as_bytes());
    payload.push(0);
    payload.extend(0_i32.to_le_bytes());
    payload.extend(to_return.to_le_bytes());
    payload.extend(DocBuf::from(document).as_bytes());
    framed(OP_QUERY, &payload)
}

/// A section of kind 0.
fn body(document: &Document) -> Vec<u8> {
    [&[0], DocBuf::from(document).as_bytes()].concat()
}

/// A section of kind 0 around these elements.
fn raw_body(elements: &[u8]) -> Vec<u8> {
    [&[0], wrapped(elements).as_slice()].concat()
}

fn wrapped(elements: &[u8]) -> Vec<u8> {
    let length = i32::try_from(elements.len() + 5).expect("short");
    [&length.to_le_bytes(), elements, &[0]].concat()
}

fn element(tag: u8, key: &str, value: &[u8]) -> Vec<u8> {
    [&[tag], key.as_bytes(), &[0], value].concat()
}

fn string(text: &str) -> Vec<u8> {
    let length = i32::try_from(text.len() + 1).expect("short");
    [&length.to_le_bytes(), text.as_bytes(), &[0]].concat()
}

/// Documents within documents; built from the inside with every length known before.
fn nested(levels: usize) -> Vec<u8> {
    // An innermost document of 5 bytes, and 8 more around each level: tag, key, length, end.
    let mut bytes = vec![0];
    for level in (0..=levels).rev() {
        let length = i32::try_from(5 + level * 8).expect("short");
        bytes.extend(length.to_le_bytes());
        if level > 0 {
            bytes.extend([0x03, b'a', 0]);
        }
    }
    bytes.extend(vec![0; levels + 1]);
    bytes
}

/// A section of kind 1.
fn sequence(name: &str, documents: &[Document]) -> Vec<u8> {
    let mut content = name.as_bytes().to_vec();
    content.push(0);
    for document in documents {
        content.extend(DocBuf::from(document).as_bytes());
    }
    let length = i32::try_from(content.len() + 4).expect("short");
    [&[1], length.to_le_bytes().as_slice(), &content].concat()
}

fn compressed(op_code: i32, claimed: i32, compressor: u8, data: &[u8]) -> Vec<u8> {
    let fields = [op_code.to_le_bytes(), claimed.to_le_bytes()].concat();
    framed(OP_COMPRESSED, &[&fields, [compressor].as_slice(), data].concat())
}

/// A sound compressed message that claims to be longer or shorter than it is.
fn lying(by: i32) -> Vec<u8> {
    let filler = doc! { "ping": 1, "filler": "x".repeat(1000), "$db": "admin" };
    let mut bytes = msg(0, &[body(&filler)]);
    compress(&mut bytes, 0, Compressor::Zlib);
    let at = 20;
    let claimed = bytes[at..].first_chunk().map(|bytes| i32::from_le_bytes(*bytes)).expect("short");
    bytes[at..at + 4].copy_from_slice(&(claimed + by).to_le_bytes());
    bytes
}

/// Forty megabytes of zeros, which are not a document.
fn bomb() -> Vec<u8> {
    let mut bytes = framed(OP_MSG, &vec![0; 40_000_000]);
    compress(&mut bytes, 0, Compressor::Zlib);
    assert!(bytes.len() < 100_000, "{}", bytes.len());
    bytes
}
