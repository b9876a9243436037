//! Whole requests: decoded, planned, carried out over an engine in memory, and answered in bytes.
//!
//! Owns the requests, in the form in which drivers send them, and the check that each was answered
//! as it should be.

use crate::node::Node;
use quire_bson::{DocBuf, Document, RawDoc, RawValue, as_exact_i64, doc};
use quire_protocol::{Flags, MsgRequest};

const DOCUMENTS: i64 = 1000;
const SCANNED: i64 = 10_000;

/// What stands for an `_id` in a message that is used again.
const PLACEHOLDER: i64 = 0x1122_3344_5566_7788;

/// The body of a message that is not compressed, behind header, flags and the section's kind.
const BODY_AT: usize = 16 + 4 + 1;

/// `findOne` by `_id` among documents of 1 KiB.
pub(crate) fn find(times: u32) -> Result<(), String> {
    let mut node = loaded(DOCUMENTS, large)?;
    let message = |id| {
        let filter = doc! { "_id": id };
        message(doc! { "find": "c", "filter": filter, "limit": 1, "singleBatch": true }, &[])
    };
    let messages: Vec<Vec<u8>> = (0..DOCUMENTS).map(message).collect();
    for message in messages.iter().cycle().take(times as usize) {
        let reply = body(node.answer(message)?)?;
        expect(first_batch(reply) == 1, "one document is found")?;
    }
    Ok(())
}

/// `insertOne` of 1 KiB.
pub(crate) fn insert(times: u32) -> Result<(), String> {
    let mut node = loaded(DOCUMENTS, large)?;
    let document = DocBuf::from(&large(PLACEHOLDER));
    let insert = doc! { "insert": "c", "ordered": true };
    let mut message = message(insert, &[("documents", &[document.as_raw()])]);
    let placeholder = PLACEHOLDER.to_le_bytes();
    let at = message.windows(8).position(|bytes| bytes == placeholder);
    let at = at.ok_or("the message has no _id")?;
    for time in 0..i64::from(times) {
        if let Some(id) = message.get_mut(at..at + 8) {
            id.copy_from_slice(&(DOCUMENTS + time).to_le_bytes());
        }
        let reply = body(node.answer(&message)?)?;
        expect(number(reply, "n") == Some(1), "one document is inserted")?;
    }
    Ok(())
}

/// `updateOne` by `_id` with `$inc`.
pub(crate) fn update(times: u32) -> Result<(), String> {
    let mut node = loaded(DOCUMENTS, large)?;
    let message = |id| {
        let statement = DocBuf::from(&doc! { "q": { "_id": id }, "u": { "$inc": { "n": 1 } } });
        let update = doc! { "update": "c", "ordered": true };
        message(update, &[("updates", &[statement.as_raw()])])
    };
    let messages: Vec<Vec<u8>> = (0..DOCUMENTS).map(message).collect();
    for message in messages.iter().cycle().take(times as usize) {
        let reply = body(node.answer(message)?)?;
        expect(number(reply, "nModified") == Some(1), "one document is modified")?;
    }
    Ok(())
}

/// A filter on three fields over 10,000 documents, of which one fits.
pub(crate) fn scan(times: u32) -> Result<(), String> {
    let mut node = loaded(SCANNED, small)?;
    let filter = doc! { "status": "closed", "age": { "$gt": 45 }, "qty": 9_999 };
    let message = message(doc! { "find": "c", "filter": filter }, &[]);
    for _ in 0..times {
        let reply = body(node.answer(&message)?)?;
        expect(first_batch(reply) == 1, "one document fits")?;
    }
    Ok(())
}

fn large(id: i64) -> Document {
    let mut document = doc! { "_id": id, "n": 0_i64 };
    for field in 0..10 {
        document.insert(format!("field{field}"), "abcdefghij".repeat(9));
    }
    document
}

fn small(id: i64) -> Document {
    doc! {
        "_id": id, "user": format!("user{id:08}"), "status": "closed", "age": 46, "qty": id,
        "price": 9.5, "created": 1_767_225_600_000_i64, "city": "Porto",
        "email": "someone@example.org", "note": "gift express fragile return invoice pickup ".repeat(2),
    }
}

fn loaded(count: i64, document: fn(i64) -> Document) -> Result<Node, String> {
    let mut node = Node::new()?;
    let documents: Vec<DocBuf> = (0..count).map(|id| DocBuf::from(&document(id))).collect();
    for batch in documents.chunks(1000) {
        let views: Vec<RawDoc<'_>> = batch.iter().map(DocBuf::as_raw).collect();
        let message = message(doc! { "insert": "c" }, &[("documents", &views)]);
        let n = number(body(node.answer(&message)?)?, "n");
        expect(n == i64::try_from(batch.len()).ok(), "all documents are inserted")?;
    }
    Ok(node)
}

/// A command as a driver sends it.
fn message(mut command: Document, sequences: &[(&str, &[RawDoc<'_>])]) -> Vec<u8> {
    let session = quire_bson::Bson::Binary(quire_bson::Binary {
        subtype: quire_bson::BinarySubtype::Uuid,
        bytes: vec![7; 16],
    });
    command.insert("lsid", doc! { "id": session });
    command.insert("$db", "test");
    let body = DocBuf::from(&command);
    let mut message = Vec::new();
    MsgRequest { request_id: 1, flags: Flags::NONE, body: body.as_raw(), sequences }
        .write(&mut message);
    message
}

/// The document of a reply that says success.
fn body(reply: &[u8]) -> Result<RawDoc<'_>, String> {
    let body = RawDoc::from_validated(reply.get(BODY_AT..).unwrap_or_default());
    match number(body, "ok") {
        Some(1) => Ok(body),
        _ => Err(format!("a request failed: {body:?}")),
    }
}

fn first_batch(reply: RawDoc<'_>) -> usize {
    let cursor = reply.get("cursor").and_then(RawValue::as_document);
    let batch = cursor.and_then(|cursor| cursor.get("firstBatch")).and_then(RawValue::as_array);
    batch.map_or(0, RawDoc::count)
}

fn number(reply: RawDoc<'_>, field: &str) -> Option<i64> {
    reply.get(field).and_then(as_exact_i64)
}

fn expect(holds: bool, what: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("not so: {what}")) }
}
