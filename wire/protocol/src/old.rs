//! The op codes from before OP_MSG, as the commands that took their place.
//!
//! Owns their layouts. Such a message is written out again as what a client of today would have sent
//! instead, so that nobody behind knows of them; [`reply`] gives what comes back its old form. Only a
//! server that is to be one of old takes them.
//!
//! | op code | after the header, integers being int32 |
//! |---|---|
//! | OP_QUERY | flags, name NUL, number to skip, number to return, query, fields or nothing |
//! | OP_GET_MORE | zero, name NUL, number to return, cursor id as int64 |
//! | OP_KILL_CURSORS | zero, number of ids, ids as int64 |
//! | OP_INSERT | flags, name NUL, documents to the end |
//! | OP_UPDATE | zero, name NUL, flags, selector, update |
//! | OP_DELETE | zero, name NUL, flags, selector |

pub(crate) mod reply;

#[cfg(test)]
mod tests;

use crate::client::MsgRequest;
use crate::cursor::Cursor;
use crate::header::{HEADER_BYTES, Header, OpCode};
use crate::op_msg::Flags;
use crate::request::RequestKind;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// What a query's flags switch on in `find`.
const QUERY_FLAGS: &[(i32, &str)] = &[
    (1 << 1, "tailable"),
    (1 << 3, "oplogReplay"),
    (1 << 4, "noCursorTimeout"),
    (1 << 5, "awaitData"),
    (1 << 7, "allowPartialResults"),
];
const SECONDARY_OK: i32 = 1 << 2;
const EXHAUST: i32 = 1 << 6;

/// The fields beside `$query`, and what `find` calls them.
const MODIFIERS: &[(&str, &str)] = &[
    ("$orderby", "sort"),
    ("orderby", "sort"),
    ("$hint", "hint"),
    ("$min", "min"),
    ("$max", "max"),
    ("$returnKey", "returnKey"),
    ("$showDiskLoc", "showRecordId"),
    ("$showRecordId", "showRecordId"),
    ("$comment", "comment"),
    ("$maxTimeMS", "maxTimeMS"),
    ("$readPreference", "$readPreference"),
];

/// More ids than this nobody kills at once.
const IDS_MAX: i32 = 30_000;

/// Documents of one insert.
const DOCUMENTS_MAX: usize = 100_000;

/// A message in today's form.
pub(crate) struct Translated {
    pub(crate) message: Vec<u8>,
    pub(crate) kind: RequestKind,
    pub(crate) secondary_ok: bool,
}

/// What a message becomes.
struct Command<'a> {
    database: &'a str,
    body: DocBuilder,
    documents: Vec<RawDoc<'a>>,
    kind: RequestKind,
    secondary_ok: bool,
}

/// Whether nothing answers this op code, not even an error.
pub(crate) fn is_unanswered(op_code: OpCode) -> bool {
    !matches!(op_code, OpCode::Query | OpCode::GetMore)
}

/// Translates a whole message, header included.
pub(crate) fn translate(message: &[u8], header: Header, op_code: OpCode) -> Result<Translated> {
    let mut cursor = Cursor::new(message, HEADER_BYTES);
    let first = cursor.int32()?;
    let command = match op_code {
        OpCode::Query => query(message, first, &mut cursor)?,
        OpCode::GetMore => get_more(message, &mut cursor)?,
        OpCode::KillCursors => kill_cursors(&mut cursor)?,
        OpCode::Insert => insert(message, first, &mut cursor)?,
        OpCode::Update => update(message, &mut cursor)?,
        OpCode::Delete => delete(message, &mut cursor)?,
        OpCode::Reply | OpCode::Compressed | OpCode::Msg => {
            return Err(CommandError::internal("not an old op code"));
        }
    };
    Ok(written(command, header.request_id))
}

/// The getMore that goes on with a stream of documents, as the answer to reply `request_id`.
pub(crate) fn following(
    database: &str,
    collection: &str,
    id: i64,
    batch_size: Option<RawValue<'_>>,
    request_id: i32,
) -> Vec<u8> {
    let mut body = DocBuilder::new();
    body.append_i64("getMore", id).append_str("collection", collection);
    if let Some(size) = batch_size {
        body.append("batchSize", size);
    }
    let kind = RequestKind::Documents { exhaust: true, returned: 0 };
    let documents = Vec::new();
    written(Command { database, body, documents, kind, secondary_ok: true }, request_id).message
}

fn written(command: Command<'_>, request_id: i32) -> Translated {
    let Command { database, mut body, documents, kind, secondary_ok } = command;
    body.append_str("$db", database);
    let body: DocBuf = body.finish();
    let sequence = [("documents", documents.as_slice())];
    let sequences = if documents.is_empty() { &[][..] } else { &sequence[..] };
    let flags = Flags::NONE.with(Flags::MORE_TO_COME, kind == RequestKind::Unanswered);
    let mut message = Vec::new();
    MsgRequest { request_id, flags, body: body.as_raw(), sequences }.write(&mut message);
    Translated { message, kind, secondary_ok }
}

/// The database and the collection of a full name.
fn names<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Result<(&'a str, &'a str)> {
    let range = cursor.cstring()?;
    let bytes = message.get(range).unwrap_or_default();
    let name = std::str::from_utf8(bytes).unwrap_or_default();
    name.split_once('.').ok_or_else(|| {
        CommandError::new(Code::InvalidNamespace, format!("Invalid namespace specified '{name}'"))
    })
}

fn document<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Result<RawDoc<'a>> {
    let range = cursor.document()?;
    Ok(RawDoc::from_validated(message.get(range).unwrap_or_default()))
}

fn query<'a>(message: &'a [u8], flags: i32, cursor: &mut Cursor<'a>) -> Result<Command<'a>> {
    let (database, collection) = names(message, cursor)?;
    let (skip, wanted) = (cursor.int32()?, cursor.int32()?);
    let asked = document(message, cursor)?;
    let fields = if cursor.at_end() { None } else { Some(document(message, cursor)?) };
    let mut body = DocBuilder::new();
    body.append_str("find", collection);
    append_query(&mut body, asked)?;
    if let Some(fields) = fields.filter(|fields| fields.nth(0).is_some()) {
        body.append("projection", RawValue::Document(fields));
    }
    if skip != 0 {
        body.append_i32("skip", skip);
    }
    match wanted {
        0 => {}
        // That one asks for one batch and no cursor is as old as the protocol.
        1 | ..0 => {
            body.append_i64("limit", i64::from(wanted).abs()).append_bool("singleBatch", true);
        }
        _ => _ = body.append_i32("batchSize", wanted),
    }
    for (_, name) in QUERY_FLAGS.iter().filter(|(bit, _)| flags & bit != 0) {
        body.append_bool(name, true);
    }
    let kind = RequestKind::Documents { exhaust: flags & EXHAUST != 0, returned: 0 };
    let secondary_ok = flags & SECONDARY_OK != 0;
    Ok(Command { database, body, documents: Vec::new(), kind, secondary_ok })
}

/// A filter alone, or a filter under `$query` with more beside it.
fn append_query(body: &mut DocBuilder, asked: RawDoc<'_>) -> Result<()> {
    let wraps = |first: &str| matches!(first, "$query" | "query");
    let wrapped = asked.nth(0).filter(|first| wraps(first.key()));
    let Some(filter) = wrapped.and_then(|first| first.value().as_document()) else {
        body.append("filter", RawValue::Document(asked));
        return Ok(());
    };
    body.append("filter", RawValue::Document(filter));
    for element in asked.iter().skip(1) {
        let known = MODIFIERS.iter().find(|(old, _)| *old == element.key());
        let Some((_, name)) = known else {
            return Err(CommandError::failed_to_parse(format!(
                "Unrecognized field '{}' in an OP_QUERY.",
                element.key()
            )));
        };
        body.append(name, element.value());
    }
    Ok(())
}

fn get_more<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Command<'a>> {
    let (database, collection) = names(message, cursor)?;
    let (wanted, id) = (cursor.int32()?, int64(cursor)?);
    let mut body = DocBuilder::new();
    body.append_i64("getMore", id).append_str("collection", collection);
    if wanted != 0 {
        body.append_i64("batchSize", i64::from(wanted).abs());
    }
    let kind = RequestKind::Documents { exhaust: false, returned: 0 };
    // Whoever opened the cursor was allowed to.
    Ok(Command { database, body, documents: Vec::new(), kind, secondary_ok: true })
}

fn kill_cursors<'a>(cursor: &mut Cursor<'a>) -> Result<Command<'a>> {
    let count = cursor.int32()?;
    if !(1..=IDS_MAX).contains(&count) {
        return Err(CommandError::failed_to_parse(format!("cannot kill {count} cursors at once")));
    }
    let ids = (0..count).map(|_| int64(cursor)).collect::<Result<Vec<_>>>()?;
    let mut body = DocBuilder::new();
    // The old form names no collection.
    body.append_str("killCursors", "").append_array("cursors", |array| {
        for id in ids {
            array.push(RawValue::Int64(id));
        }
    });
    Ok(unanswered("admin", body, Vec::new()))
}

fn insert<'a>(message: &'a [u8], flags: i32, cursor: &mut Cursor<'a>) -> Result<Command<'a>> {
    const GOES_ON: i32 = 1;
    let (database, collection) = names(message, cursor)?;
    let mut documents = vec![document(message, cursor)?];
    while !cursor.at_end() {
        if documents.len() >= DOCUMENTS_MAX {
            // The command of today takes no more at once either.
            let message = format!("Write batch sizes must be between 1 and {DOCUMENTS_MAX}.");
            return Err(CommandError::new(Code::InvalidLength, message));
        }
        documents.push(document(message, cursor)?);
    }
    let mut body = DocBuilder::new();
    body.append_str("insert", collection).append_bool("ordered", flags & GOES_ON == 0);
    Ok(unanswered(database, body, documents))
}

fn update<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Command<'a>> {
    const UPSERT: i32 = 1;
    const MULTI: i32 = 1 << 1;
    let (database, collection) = names(message, cursor)?;
    let flags = cursor.int32()?;
    let (selector, change) = (document(message, cursor)?, document(message, cursor)?);
    let mut statement = DocBuilder::new();
    statement.append("q", RawValue::Document(selector)).append("u", RawValue::Document(change));
    statement.append_bool("upsert", flags & UPSERT != 0);
    statement.append_bool("multi", flags & MULTI != 0);
    Ok(one_statement("update", database, collection, "updates", statement))
}

fn delete<'a>(message: &'a [u8], cursor: &mut Cursor<'a>) -> Result<Command<'a>> {
    const SINGLE: i32 = 1;
    let (database, collection) = names(message, cursor)?;
    let flags = cursor.int32()?;
    let selector = document(message, cursor)?;
    let mut statement = DocBuilder::new();
    statement.append("q", RawValue::Document(selector));
    statement.append_i32("limit", i32::from(flags & SINGLE != 0));
    Ok(one_statement("delete", database, collection, "deletes", statement))
}

fn one_statement<'a>(
    command: &str,
    database: &'a str,
    collection: &str,
    list: &str,
    statement: DocBuilder,
) -> Command<'a> {
    let statement = statement.finish();
    let mut body = DocBuilder::new();
    body.append_str(command, collection);
    body.append_array(list, |array| _ = array.push_doc(statement.as_raw()));
    unanswered(database, body, Vec::new())
}

fn unanswered<'a>(database: &'a str, body: DocBuilder, documents: Vec<RawDoc<'a>>) -> Command<'a> {
    let kind = RequestKind::Unanswered;
    Command { database, body, documents, kind, secondary_ok: false }
}

fn int64(cursor: &mut Cursor<'_>) -> Result<i64> {
    let (low, high) = (cursor.int32()?, cursor.int32()?);
    Ok(i64::from(high) << 32 | i64::from(low.cast_unsigned()))
}
