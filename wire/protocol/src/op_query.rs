//! OP_QUERY, as far as it lives on: the handshake.
//!
//! Owns the layout of a legacy query and the list of commands that may still come in one. Some drivers
//! greet with it because they cannot know yet how old the server is; everything else is refused, unless
//! the server is to be one of old, which took any command.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | flags |
//! | | full collection name NUL: `<db>.$cmd` |
//! | 4, 4 | number to skip, number to return |
//! | | the command document |

use crate::cursor::Cursor;
use crate::header::HEADER_BYTES;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::ops::Range;

/// The commands that may come in an OP_QUERY.
const ALLOWED: &[&str] = &[
    "hello",
    "isMaster",
    "ismaster",
    "_isSelf",
    "authenticate",
    "buildInfo",
    "buildinfo",
    "saslContinue",
    "saslStart",
];

/// What follows the database in the namespace of a command.
const COMMAND_COLLECTION: &str = ".$cmd";

/// Reads may go to a secondary.
const SECONDARY_OK: i32 = 1 << 2;
const EXHAUST: i32 = 1 << 6;

/// A command in a legacy query, as offsets into its message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CommandQuery {
    pub(crate) database: Range<usize>,
    pub(crate) body: Range<usize>,
    pub(crate) secondary_ok: bool,
}

/// What a legacy query is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Query {
    Command(CommandQuery),
    /// A query on a collection, which only versions before 5.1 answer ([`crate::old`]).
    Collection,
}

/// Slices a whole message, header included.
pub(crate) fn parse(message: &[u8], any_command: bool) -> Result<Query> {
    let mut cursor = Cursor::new(message, HEADER_BYTES);
    let flags = cursor.int32()?;
    let namespace = cursor.cstring()?;
    let text = text(message, &namespace);
    let Some(database) = text.strip_suffix(COMMAND_COLLECTION) else {
        return Ok(Query::Collection);
    };
    let database = namespace.start..namespace.start + database.len();
    let _to_skip = cursor.int32()?;
    let to_return = cursor.int32()?;
    if !matches!(to_return, 1 | -1) {
        let message =
            format!("Bad numberToReturn ({to_return}) for $cmd type ns - can only be 1 or -1");
        return Err(CommandError::location(16979, message));
    }
    if flags & EXHAUST != 0 {
        let message = format!("The 'exhaust' OP_QUERY flag is invalid for commands: {text}");
        return Err(CommandError::location(18527, message));
    }
    let outer = cursor.document()?;
    let body = unwrapped(message, outer);
    refuse_unless_allowed(document(message, &body), any_command)?;
    Ok(Query::Command(CommandQuery { database, body, secondary_ok: flags & SECONDARY_OK != 0 }))
}

/// The command inside `{$query: command, $readPreference: ...}`, or the document itself.
fn unwrapped(message: &[u8], outer: Range<usize>) -> Range<usize> {
    let Some(first) = document(message, &outer).nth(0) else {
        return outer;
    };
    let wraps = matches!(first.key_bytes(), b"$query" | b"query");
    let (true, RawValue::Document(inner)) = (wraps, first.value()) else {
        return outer;
    };
    // int32 length, type tag, key and NUL stand before the value of a first element
    let start = outer.start + 4 + 1 + first.key_bytes().len() + 1;
    start..start + inner.as_bytes().len()
}

fn refuse_unless_allowed(command: RawDoc<'_>, any_command: bool) -> Result<()> {
    let name = command.nth(0).map(|field| field.key()).unwrap_or_default();
    if !any_command && !ALLOWED.contains(&name) {
        let message = format!(
            "Unsupported OP_QUERY command: {name}. The client driver may require an upgrade. \
             For more details see https://dochub.mongodb.org/core/legacy-opcode-removal"
        );
        return Err(CommandError::new(Code::UnsupportedOpQueryCommand, message));
    }
    if command.get("$db").is_some() {
        return Err(CommandError::location(40621, "$db is not allowed in OP_QUERY requests"));
    }
    Ok(())
}

fn document<'a>(message: &'a [u8], range: &Range<usize>) -> RawDoc<'a> {
    RawDoc::from_validated(message.get(range.clone()).unwrap_or_default())
}

fn text<'a>(message: &'a [u8], range: &Range<usize>) -> &'a str {
    let bytes = message.get(range.clone()).unwrap_or_default();
    std::str::from_utf8(bytes).unwrap_or_default()
}
