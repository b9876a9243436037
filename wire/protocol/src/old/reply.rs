//! OP_REPLY with the documents of a cursor.
//!
//! Owns making it of what `find` and `getMore` answer: their documents stand one behind the other, and
//! an error is a flag and a document of its own.

use quire_bson::{DocBuilder, RawDoc, RawValue};
use quire_errors::Code;

/// Bytes between the header and the documents.
pub(crate) const PREFIX_BYTES: usize = 20;

const CURSOR_NOT_FOUND: i32 = 1;
const QUERY_FAILURE: i32 = 1 << 1;
const AWAIT_CAPABLE: i32 = 1 << 3;

/// The cursor of an answer, and the documents in it.
pub(crate) fn batch(answer: RawDoc<'_>) -> Option<(i64, RawDoc<'_>)> {
    let cursor = answer.get("cursor")?.as_document()?;
    let RawValue::Int64(id) = cursor.get("id")? else { return None };
    let documents = cursor.get("firstBatch").or_else(|| cursor.get("nextBatch"))?;
    Some((id, documents.as_array()?))
}

/// Replaces the answer of a command, which ends the buffer from `at` on behind room for what stands
/// before the documents, by the documents of its cursor or its error.
pub(crate) fn unfold(out: &mut Vec<u8>, at: usize, starting_from: i32) {
    if out.len() < at.saturating_add(PREFIX_BYTES) {
        return;
    }
    let answer = out.split_off(at.saturating_add(PREFIX_BYTES));
    out.truncate(at);
    let answer = RawDoc::from_validated(&answer);
    let mut prefix = |flags: i32, id: i64, from: i32, count: i32| {
        out.extend_from_slice(&flags.to_le_bytes());
        out.extend_from_slice(&id.to_le_bytes());
        out.extend_from_slice(&from.to_le_bytes());
        out.extend_from_slice(&count.to_le_bytes());
    };
    if let Some((id, documents)) = batch(answer) {
        let count = i32::try_from(documents.iter().count()).unwrap_or(i32::MAX);
        prefix(AWAIT_CAPABLE, id, starting_from, count);
        let documents = documents.iter().filter_map(|element| element.value().as_document());
        documents.for_each(|document| out.extend_from_slice(document.as_bytes()));
        return;
    }
    let code = answer.get("code").and_then(|code| match code {
        RawValue::Int32(code) => Some(code),
        _ => None,
    });
    if code == Some(Code::CursorNotFound.number()) {
        return prefix(AWAIT_CAPABLE | CURSOR_NOT_FOUND, 0, 0, 0);
    }
    prefix(AWAIT_CAPABLE | QUERY_FAILURE, 0, 0, 1);
    let message = answer.get("errmsg").and_then(RawValue::as_str).unwrap_or_default();
    let mut error = DocBuilder::new();
    error.append_str("$err", message);
    if let Some(code) = code {
        error.append_i32("code", code);
    }
    error.append_f64("ok", 0.0);
    out.extend_from_slice(error.finish().as_bytes());
}
