//! What is remembered of a session: which statements of its last numbered command were carried out,
//! and what they did.
//!
//! Owns the form of that record. It is written by the entries of the very writes it tells of, so it
//! is there exactly if they are, on every node and after every crash. A record is a header and, when
//! a command took more than one entry, further parts, so that an entry never rewrites what the
//! entries before it have recorded.
//!
//! | of a header | bytes |
//! |---|---|
//! | format | 1, now always 1 |
//! | number of the command | i64 |
//! | revision of the last write, term of its entry, wall clock | u64, u64, i64 |
//! | how many further parts there are | u32 |
//! | statements of the first entry, unless they are a part | statements |
//!
//! A part is the format and its statements. Statements are a `len`, and then of each the first id as
//! u32, a `len` of how many ids, the tag of the result, and what the result holds.

mod read;
#[cfg(test)]
mod tests;

use crate::codec::{Malformed, Reader, Writer};
use quire_bson::DocBuf;
use quire_keys::SESSION_BYTES;
use quire_log::{Term, Timestamp};

pub use read::SessionRecord;

const FORMAT: u8 = 1;
const ID_BYTES: usize = 16;

/// What names a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey {
    /// Its UUID.
    pub id: [u8; ID_BYTES],
    /// The digest of the user it belongs to.
    pub user: [u8; SESSION_BYTES - ID_BYTES],
}

impl SessionKey {
    pub(crate) fn to_bytes(self) -> [u8; SESSION_BYTES] {
        let mut bytes = [0; SESSION_BYTES];
        let (id, user) = bytes.split_at_mut(ID_BYTES);
        id.copy_from_slice(&self.id);
        user.copy_from_slice(&self.user);
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; SESSION_BYTES]) -> SessionKey {
        let mut key = SessionKey { id: [0; ID_BYTES], user: [0; SESSION_BYTES - ID_BYTES] };
        let (id, user) = bytes.split_at(ID_BYTES);
        key.id.copy_from_slice(id);
        key.user.copy_from_slice(user);
        key
    }
}

/// What a statement did. One that changed nothing leaves no result: its retry is evaluated anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StatementResult {
    Inserted,
    /// One document was changed.
    Updated,
    /// None was there to change, so one was inserted; the document holds its `_id` alone.
    Upserted(DocBuf),
    Deleted,
    /// The document was changed and shown: what the reply told.
    Shown {
        change: ShownChange,
        /// The document was shown as it was after the change.
        after: bool,
        reply: DocBuf,
    },
}

/// What became of a document that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownChange {
    Updated,
    Upserted,
    Deleted,
}

/// Statements with consecutive ids and the same result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statements {
    pub first: i32,
    pub count: u32,
    pub result: StatementResult,
}

/// A statement takes a first id, a count and a tag at least.
const LEAST_BYTES: usize = 6;

mod tag {
    pub(super) const INSERTED: u8 = 1;
    pub(super) const UPDATED: u8 = 2;
    pub(super) const UPSERTED: u8 = 3;
    pub(super) const DELETED: u8 = 4;
    pub(super) const SHOWN: u8 = 5;
}

impl ShownChange {
    const ALL: [ShownChange; 3] =
        [ShownChange::Updated, ShownChange::Upserted, ShownChange::Deleted];

    fn tag(self) -> u8 {
        match self {
            ShownChange::Updated => tag::UPDATED,
            ShownChange::Upserted => tag::UPSERTED,
            ShownChange::Deleted => tag::DELETED,
        }
    }
}

impl Statements {
    /// Adds a statement to a list, to its last element if it goes on from there.
    pub fn push(list: &mut Vec<Statements>, id: i32, result: StatementResult) {
        if let Some(last) = list.last_mut()
            && last.result == result
            && last.next() == Some(id)
        {
            last.count = last.count.saturating_add(1);
            return;
        }
        list.push(Statements { first: id, count: 1, result });
    }

    /// The id behind the last one.
    fn next(&self) -> Option<i32> {
        self.first.checked_add_unsigned(self.count)
    }

    pub fn contains(&self, id: i32) -> bool {
        id >= self.first && self.next().is_none_or(|next| id < next)
    }

    /// About how many bytes they take.
    pub(crate) fn encoded_bytes(&self) -> usize {
        let more = match &self.result {
            StatementResult::Upserted(doc) | StatementResult::Shown { reply: doc, .. } => {
                doc.as_bytes().len()
            }
            StatementResult::Inserted | StatementResult::Updated | StatementResult::Deleted => 0,
        };
        more.saturating_add(12)
    }
}

pub(crate) fn write_statements(out: &mut Writer, statements: &[Statements]) {
    out.len(statements.len());
    for Statements { first, count, result } in statements {
        out.u32(first.cast_unsigned());
        out.len(*count as usize);
        match result {
            StatementResult::Inserted => out.u8(tag::INSERTED),
            StatementResult::Updated => out.u8(tag::UPDATED),
            StatementResult::Upserted(id) => {
                out.u8(tag::UPSERTED);
                out.doc(id);
            }
            StatementResult::Deleted => out.u8(tag::DELETED),
            StatementResult::Shown { change, after, reply } => {
                out.u8(tag::SHOWN);
                out.u8(change.tag());
                out.flag(*after);
                out.doc(reply);
            }
        }
    }
}

pub(crate) fn read_statements(input: &mut Reader<'_>) -> Result<Vec<Statements>, Malformed> {
    let count = input.count(LEAST_BYTES)?;
    (0..count).map(|_| read_one(input)).collect()
}

fn read_one(input: &mut Reader<'_>) -> Result<Statements, Malformed> {
    let first = input.u32()?.cast_signed();
    let count = u32::try_from(input.len()?).map_err(|_| Malformed::Number)?;
    let result = match input.u8()? {
        tag::INSERTED => StatementResult::Inserted,
        tag::UPDATED => StatementResult::Updated,
        tag::UPSERTED => StatementResult::Upserted(input.doc()?),
        tag::DELETED => StatementResult::Deleted,
        tag::SHOWN => {
            let tag = input.u8()?;
            let change = ShownChange::ALL.into_iter().find(|change| change.tag() == tag);
            let change = change.ok_or(Malformed::Tag(tag))?;
            StatementResult::Shown { change, after: input.flag()?, reply: input.doc()? }
        }
        unknown => return Err(Malformed::Tag(unknown)),
    };
    Ok(Statements { first, count, result })
}

/// The beginning of a session's record, and all of it for most commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionHeader {
    /// The number of the command that the record is of.
    pub number: i64,
    /// The revision of the last write.
    pub revision: Timestamp,
    /// The term of its entry.
    pub term: Term,
    /// The leader's clock when it was planned, milliseconds since the epoch.
    pub wall_millis: i64,
    /// How many further parts the record has.
    pub(crate) parts: u32,
    pub(crate) first: Vec<Statements>,
}

impl SessionHeader {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::with_capacity(64);
        out.u8(FORMAT);
        out.i64(self.number);
        out.revision(self.revision);
        out.u64(self.term.0);
        out.i64(self.wall_millis);
        out.u32(self.parts);
        write_statements(&mut out, &self.first);
        out.finish()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<SessionHeader, Malformed> {
        let mut input = Reader::new(bytes);
        check_format(&mut input)?;
        let header = SessionHeader {
            number: input.i64()?,
            revision: input.revision()?,
            term: Term(input.u64()?),
            wall_millis: input.i64()?,
            parts: input.u32()?,
            first: read_statements(&mut input)?,
        };
        input.end()?;
        Ok(header)
    }
}

pub(crate) fn encode_part(statements: &[Statements]) -> Vec<u8> {
    let mut out = Writer::with_capacity(32);
    out.u8(FORMAT);
    write_statements(&mut out, statements);
    out.finish()
}

fn decode_part(bytes: &[u8]) -> Result<Vec<Statements>, Malformed> {
    let mut input = Reader::new(bytes);
    check_format(&mut input)?;
    let statements = read_statements(&mut input)?;
    input.end()?;
    Ok(statements)
}

fn check_format(input: &mut Reader<'_>) -> Result<(), Malformed> {
    match input.u8()? {
        FORMAT => Ok(()),
        other => Err(Malformed::Format(other)),
    }
}
