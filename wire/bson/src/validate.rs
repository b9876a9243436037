//! Deciding whether bytes from outside are one well-formed document.
//!
//! Owns the limits on size and nesting, and the only walk over bytes that nobody has vouched for.
//! What passes here may be read with [`RawDoc`] everywhere else. Checked are lengths and ends, types,
//! UTF-8 of keys and texts, booleans, the inner length of the old binary subtype, and nesting; the
//! keys of arrays are not, because nothing reads them. Walks with a stack of its own instead of
//! recursing, and allocates nothing.

use crate::layout::i32_at;
use crate::raw::RawDoc;
use std::fmt;

/// The deepest nesting a document anywhere in this process may have, the outermost document being
/// level 0. Recursion over documents may rely on it, and stops here.
pub const DEPTH_MAX: usize = 200;

/// The number of levels, the outermost included, a stored document may have. It is lower than
/// [`DEPTH_MAX`] because replies and log entries wrap documents in a few levels more.
pub const STORED_LEVELS_MAX: usize = 180;

/// The largest document a user may store.
pub const USER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The largest document at all: a user's document and what surrounds it.
pub const BYTES_MAX: usize = USER_BYTES_MAX + 16 * 1024;

/// What a document may be at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub bytes_max: usize,
    /// Levels below the outermost document; never more than [`DEPTH_MAX`].
    pub depth_max: usize,
}

impl Default for Limits {
    /// What a command or a document in a message may be.
    fn default() -> Limits {
        Limits { bytes_max: BYTES_MAX, depth_max: DEPTH_MAX }
    }
}

/// Why bytes are not a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    pub reason: Reason,
    /// Where in the bytes the trouble was noticed.
    pub offset: usize,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The length prefix is below five or beyond the limit.
    Size {
        bytes: i32,
        bytes_max: usize,
    },
    /// The length prefix does not agree with the bytes that are there.
    Length,
    /// A document, text or key has no NUL where it must end.
    Unterminated,
    /// A value reaches beyond the document it is in.
    Truncated,
    UnknownType(u8),
    Boolean(u8),
    Utf8,
    /// The inner length of a binary value of subtype 2 is not the outer one less four.
    BinaryLength,
    Depth {
        depth_max: usize,
    },
}

impl Invalid {
    /// MongoDB's code for it.
    pub fn code(&self) -> i32 {
        match self.reason {
            Reason::Depth { .. } => 15,
            Reason::Size { .. } => 10334,
            _ => 22,
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::Depth { depth_max } => {
                return write!(f, "BSONObj exceeded maximum nested object depth: {depth_max}");
            }
            Reason::Size { bytes, bytes_max } => {
                return write!(
                    f,
                    "BSONObj size: {bytes} (0x{bytes:X}) is invalid. Size must be between 0 and \
                     {bytes_max}({}MB)",
                    bytes_max / (1024 * 1024)
                );
            }
            Reason::Length => f.write_str("incorrect BSON length")?,
            Reason::Unterminated => f.write_str("Not null terminated string or document")?,
            Reason::Truncated => f.write_str("BSON size is larger than buffer size")?,
            Reason::UnknownType(tag) => write!(f, "Unrecognized BSON type {tag}")?,
            Reason::Boolean(value) => write!(f, "Invalid boolean value {value}")?,
            Reason::Utf8 => f.write_str("Invalid UTF-8 in a string or field name")?,
            Reason::BinaryLength => f.write_str("Incorrect length of binary data of subtype 2")?,
        }
        write!(f, " at offset {}", self.offset)
    }
}

impl std::error::Error for Invalid {}

/// Accepts `bytes` as one document that takes all of them.
pub fn validate(bytes: &[u8], limits: Limits) -> Result<RawDoc<'_>, Invalid> {
    let (doc, rest) = validate_first(bytes, limits)?;
    if rest.is_empty() { Ok(doc) } else { Err(Invalid { reason: Reason::Length, offset: 0 }) }
}

/// Accepts the document that `bytes` start with, and gives what follows it.
pub fn validate_first(bytes: &[u8], limits: Limits) -> Result<(RawDoc<'_>, &[u8]), Invalid> {
    let at_start = |reason| Invalid { reason, offset: 0 };
    let prefix = i32_at(bytes, 0).ok_or(at_start(Reason::Truncated))?;
    let length = usize::try_from(prefix).ok().filter(|n| (5..=limits.bytes_max).contains(n));
    let length =
        length.ok_or(at_start(Reason::Size { bytes: prefix, bytes_max: limits.bytes_max }))?;
    let (document, rest) = bytes.split_at_checked(length).ok_or(at_start(Reason::Truncated))?;
    Walk { bytes: document, at: 4, end: 0 }.run(limits.depth_max.min(DEPTH_MAX))?;
    Ok((RawDoc::from_validated(document), rest))
}

/// True when `doc` has more than `levels_max` levels, itself counted. Empty documents and arrays
/// inside it do not count as a level.
pub fn is_nested_deeper_than(doc: RawDoc<'_>, levels_max: usize) -> bool {
    let mut open = vec![doc.iter()];
    while let Some(elements) = open.last_mut() {
        // The type is looked at first: decoding would check the UTF-8 of every string again.
        let inner = elements.find_map(|element| match element.tag() {
            0x03 | 0x04 => {
                let doc = RawDoc::from_validated(element.value_bytes());
                (!doc.is_empty()).then_some(doc)
            }
            _ => None,
        });
        match inner {
            Some(_) if open.len() >= levels_max => return true,
            Some(doc) => open.push(doc.iter()),
            None => {
                open.pop();
            }
        }
    }
    false
}

/// The walk: `at` is the next byte to look at, `end` the place of the NUL that closes the innermost
/// open document.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl Walk<'_> {
    fn run(&mut self, depth_max: usize) -> Result<(), Invalid> {
        // The ends of the documents around the innermost one.
        let mut outer = [0usize; DEPTH_MAX];
        let mut depth = 0;
        self.open(0, self.bytes.len())?;
        loop {
            let Some(&tag) = self.bytes.get(self.at) else {
                return Err(self.wrong(Reason::Unterminated));
            };
            if tag == 0 {
                if self.at != self.end {
                    return Err(self.wrong(Reason::Length));
                }
                self.at += 1;
                if depth == 0 {
                    return Ok(());
                }
                depth -= 1;
                self.end = outer.get(depth).copied().unwrap_or_default();
                continue;
            }
            self.at += 1;
            self.cstring()?;
            if matches!(tag, 0x03 | 0x04 | 0x0F) {
                match outer.get_mut(depth) {
                    Some(slot) if depth < depth_max => *slot = self.end,
                    _ => return Err(self.wrong(Reason::Depth { depth_max })),
                }
                depth += 1;
                self.enter(tag)?;
            } else {
                self.scalar(tag)?;
            }
        }
    }

    /// Opens the nested document, or the scope behind its code, that starts here.
    fn enter(&mut self, tag: u8) -> Result<(), Invalid> {
        let start = self.at;
        let length = self.length(0)?;
        if tag != 0x0F {
            return self.open(start, length);
        }
        // A code with scope is a total length, a text, and a document that ends it.
        self.at += 4;
        self.text()?;
        let scope_start = self.at;
        let scope_length = self.length(0)?;
        if scope_start - start + scope_length != length {
            return Err(self.wrong(Reason::Length));
        }
        self.open(scope_start, scope_length)
    }

    /// Makes the document of `length` bytes at `start` the innermost one.
    fn open(&mut self, start: usize, length: usize) -> Result<(), Invalid> {
        if length < 5 {
            return Err(self.wrong(Reason::Length));
        }
        let end = start + length - 1;
        if self.bytes.get(end) != Some(&0) {
            return Err(self.wrong(Reason::Unterminated));
        }
        self.at = start + 4;
        self.end = end;
        Ok(())
    }

    fn scalar(&mut self, tag: u8) -> Result<(), Invalid> {
        match tag {
            0x02 | 0x0D | 0x0E => self.text(),
            0x10 => self.skip(4),
            0x07 => self.skip(12),
            0x01 | 0x09 | 0x11 | 0x12 => self.skip(8),
            0x06 | 0x0A | 0x7F | 0xFF => Ok(()),
            0x08 => match self.bytes.get(self.at) {
                Some(0 | 1) => self.skip(1),
                Some(&value) => Err(self.wrong(Reason::Boolean(value))),
                None => Err(self.wrong(Reason::Truncated)),
            },
            0x13 => self.skip(16),
            0x05 => self.binary(),
            0x0B => self.cstring().and_then(|()| self.cstring()),
            0x0C => self.text().and_then(|()| self.skip(12)),
            _ => Err(self.wrong(Reason::UnknownType(tag))),
        }
    }

    fn wrong(&self, reason: Reason) -> Invalid {
        Invalid { reason, offset: self.at }
    }

    /// Steps over `count` bytes of the innermost document.
    fn skip(&mut self, count: usize) -> Result<(), Invalid> {
        if count > self.end.saturating_sub(self.at) {
            return Err(self.wrong(Reason::Truncated));
        }
        self.at += count;
        Ok(())
    }

    /// The length prefix here, of something that with `extra` bytes more must fit the innermost
    /// document. Does not step.
    fn length(&self, extra: usize) -> Result<usize, Invalid> {
        let room = self.end.saturating_sub(self.at);
        i32_at(self.bytes, self.at)
            .and_then(|n| usize::try_from(n).ok())
            .filter(|n| n.checked_add(extra).is_some_and(|whole| whole <= room))
            .ok_or(self.wrong(Reason::Truncated))
    }

    /// A length-prefixed text with its NUL.
    fn text(&mut self) -> Result<(), Invalid> {
        let length = self.length(4)?;
        let start = self.at + 4;
        let body = self.bytes.get(start..start + length);
        match body.and_then(|body| body.split_last()) {
            Some((0, text)) if is_utf8(text) => {
                self.at = start + length;
                Ok(())
            }
            Some((0, _)) => Err(self.wrong(Reason::Utf8)),
            _ => Err(self.wrong(Reason::Unterminated)),
        }
    }

    /// A text that ends at the first NUL, before the innermost document does.
    fn cstring(&mut self) -> Result<(), Invalid> {
        let room = self.bytes.get(self.at..self.end).unwrap_or_default();
        let mut seen = 0u8;
        let length = room.iter().position(|&byte| {
            seen |= byte;
            byte == 0
        });
        let Some(length) = length else {
            return Err(self.wrong(Reason::Unterminated));
        };
        // Keys are short and nearly always ASCII: looked at while searching the end.
        if !seen.is_ascii() && !room.get(..length).is_some_and(is_utf8) {
            return Err(self.wrong(Reason::Utf8));
        }
        self.at += length + 1;
        Ok(())
    }

    fn binary(&mut self) -> Result<(), Invalid> {
        let length = self.length(5)?;
        if self.bytes.get(self.at + 4) == Some(&2) {
            let inner = i32_at(self.bytes, self.at + 5);
            let fits = inner.and_then(|n| usize::try_from(n).ok()).map(|n| n.checked_add(4));
            if length < 4 || fits != Some(Some(length)) {
                return Err(self.wrong(Reason::BinaryLength));
            }
        }
        self.at += 5 + length;
        Ok(())
    }
}

fn is_utf8(text: &[u8]) -> bool {
    simdutf8::basic::from_utf8(text).is_ok()
}

#[cfg(test)]
mod tests;
