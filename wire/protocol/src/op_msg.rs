//! OP_MSG: flags, sections, checksum.
//!
//! Owns the layout of a message body and which sections it may hold. Every document in it is
//! validated here and nowhere else.
//!
//! | bytes | what |
//! |---|---|
//! | 4 | flags |
//! | section kind 0 | the command document, exactly once |
//! | section kind 1 | int32 length of what follows and itself, name NUL, documents |
//! | 4, with `checksumPresent` | CRC-32C of everything before, header included |

use crate::cursor::Cursor;
use crate::header::{HEADER_BYTES, i32_at};
use crate::rejection::Violation;
use quire_bson::RawDoc;
use quire_errors::{Code, CommandError};
use std::ops::Range;

/// The flags of an OP_MSG. Bits 0 to 15 must be understood, bits 16 to 31 may be ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u32);

impl Flags {
    pub const NONE: Flags = Flags(0);
    pub const CHECKSUM_PRESENT: Flags = Flags(1);
    /// The sender sends on without waiting for an answer.
    pub const MORE_TO_COME: Flags = Flags(1 << 1);
    /// The sender can take many replies to this one request.
    pub const EXHAUST_ALLOWED: Flags = Flags(1 << 16);

    const REQUIRED: u32 = 0xFFFF;

    /// Checks that no required bit is unknown.
    pub(crate) fn parse(bits: u32) -> Result<Flags, Violation> {
        let known = Flags::CHECKSUM_PRESENT.0 | Flags::MORE_TO_COME.0;
        if bits & Flags::REQUIRED & !known == 0 {
            Ok(Flags(bits))
        } else {
            Err(Violation::IllegalFlags(bits))
        }
    }

    pub fn bits(self) -> u32 {
        self.0
    }

    pub fn contains(self, other: Flags) -> bool {
        self.0 & other.0 == other.0
    }

    /// `other` added when `wanted`.
    #[must_use]
    pub fn with(self, other: Flags, wanted: bool) -> Flags {
        if wanted { Flags(self.0 | other.0) } else { self }
    }

    /// The others.
    #[must_use]
    pub fn without(self, other: Flags) -> Flags {
        Flags(self.0 & !other.0)
    }
}

/// The length of the flags and of the checksum.
const FLAGS_BYTES: usize = 4;
const CHECKSUM_BYTES: usize = 4;

/// No command takes more than two (`bulkWrite`: `ops` and `nsInfo`); a third ends the connection.
const SEQUENCES_MAX: usize = 2;

/// A kind-1 section, as offsets into its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) name: Range<usize>,
    /// The documents, one right after the other.
    pub(crate) documents: Range<usize>,
    pub(crate) count: usize,
}

/// The sections of a message, as offsets into it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sections {
    pub(crate) body: Range<usize>,
    pub(crate) sequences: Vec<Sequence>,
}

/// Why a message has no sections.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Refused(CommandError),
    Fatal(Violation),
}

impl From<CommandError> for Fault {
    fn from(error: CommandError) -> Fault {
        Fault::Refused(error)
    }
}

/// The flags of a whole message, header included.
pub(crate) fn flags(message: &[u8]) -> Result<Flags, Violation> {
    let bits = i32_at(message, HEADER_BYTES).ok_or(Violation::Truncated("OP_MSG"))?;
    Flags::parse(bits.cast_unsigned())
}

/// Slices a whole message, header included, into its sections. A checksum that is not to be checked
/// is passed over.
pub(crate) fn sections(message: &[u8], flags: Flags, check: bool) -> Result<Sections, Fault> {
    let contents = match flags.contains(Flags::CHECKSUM_PRESENT) {
        true => without_checksum(message, check)?,
        false => message,
    };
    let mut cursor = Cursor::new(contents, HEADER_BYTES + FLAGS_BYTES);
    let mut body = None;
    let mut sequences = Vec::new();
    while !cursor.at_end() {
        match cursor.byte()? {
            0 if body.is_some() => return Err(refused(40430, "Multiple body sections in message")),
            0 => body = Some(cursor.document()?),
            1 if sequences.len() >= SEQUENCES_MAX => {
                return Err(Fault::Fatal(Violation::TooManySequences));
            }
            1 => sequences.push(sequence(contents, &mut cursor, &sequences)?),
            2 => {
                let message = "Unsupported Security Token provided";
                return Err(CommandError::new(Code::Unauthorized, message).into());
            }
            kind => return Err(refused(40432, format!("Unknown section kind {kind}"))),
        }
    }
    let body = body.ok_or_else(|| refused(40587, "OP_MSG messages must have a body"))?;
    Ok(Sections { body, sequences })
}

/// Reads a kind-1 section; each name may come once.
fn sequence(
    message: &[u8],
    cursor: &mut Cursor<'_>,
    earlier: &[Sequence],
) -> Result<Sequence, Fault> {
    let length = cursor.int32()?;
    let rest = usize::try_from(length).ok().and_then(|n| n.checked_sub(4)).ok_or_else(|| {
        let message = format!("document sequence of {length} bytes is too short");
        CommandError::new(Code::Overflow, message)
    })?;
    let mut part = cursor.part(rest)?;
    let name = part.cstring()?;
    let text = message.get(name.clone()).unwrap_or_default();
    if earlier.iter().any(|s| message.get(s.name.clone()) == Some(text)) {
        let text = String::from_utf8_lossy(text);
        return Err(refused(40431, format!("Duplicate document sequence: {text}")));
    }
    let start = part.at();
    let mut count = 0;
    while !part.at_end() {
        part.document()?;
        count += 1;
    }
    Ok(Sequence { name, documents: start..part.at(), count })
}

/// Refuses a name that is both a field of the body and a sequence: which one counts would be a guess.
pub(crate) fn refuse_field_twice(message: &[u8], sections: &Sections) -> Result<(), CommandError> {
    if sections.sequences.is_empty() {
        return Ok(());
    }
    let body = message.get(sections.body.clone()).unwrap_or_default();
    let names = sections.sequences.iter().filter_map(|s| message.get(s.name.clone()));
    for name in names {
        if RawDoc::from_validated(body).iter().any(|field| field.key_bytes() == name) {
            let name = String::from_utf8_lossy(name);
            let text = format!("Duplicate field between body and document sequence {name}");
            return Err(CommandError::location(40433, text));
        }
    }
    Ok(())
}

/// The message without its checksum, which must fit when it is to be checked.
fn without_checksum(message: &[u8], check: bool) -> Result<&[u8], Fault> {
    let split = message.len().saturating_sub(CHECKSUM_BYTES);
    if split <= HEADER_BYTES + FLAGS_BYTES {
        let text = "Invalid message size for an OpMsg containing a checksum";
        return Err(refused(51252, text));
    }
    let (contents, checksum) = message.split_at(split);
    if !check || crc32c::crc32c(contents).to_le_bytes() == checksum {
        Ok(contents)
    } else {
        Err(Fault::Fatal(Violation::Checksum))
    }
}

/// Appends the checksum of the message that starts at `start` and has its final length set.
pub(crate) fn append_checksum(out: &mut Vec<u8>, start: usize) {
    let checksum = crc32c::crc32c(out.get(start..).unwrap_or_default());
    out.extend_from_slice(&checksum.to_le_bytes());
}

/// How many bytes [`append_checksum`] will add.
pub(crate) fn checksum_bytes(flags: Flags) -> usize {
    if flags.contains(Flags::CHECKSUM_PRESENT) { CHECKSUM_BYTES } else { 0 }
}

fn refused(number: i32, message: impl Into<String>) -> Fault {
    Fault::Refused(CommandError::location(number, message))
}
