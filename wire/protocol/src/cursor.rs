//! Reading a message front to back by offsets.
//!
//! Owns the bounds of every read inside a message and is the one place where incoming documents are
//! validated. Offsets, not slices, come out, so a request can own the bytes it points into.

use crate::header::i32_at;
use quire_bson::{Limits, validate};
use quire_errors::{Code, CommandError, Result};
use std::ops::Range;

/// The shortest document: a length and an end.
const DOCUMENT_BYTES_MIN: usize = 5;

/// A position in a message and the end it may not pass.
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// Reads `bytes` from `at` on. Offsets count from the start of `bytes`.
    pub(crate) fn new(bytes: &'a [u8], at: usize) -> Cursor<'a> {
        Cursor { bytes, at }
    }

    pub(crate) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn byte(&mut self) -> Result<u8> {
        let &byte = self.rest().first().ok_or_else(|| self.overrun(1))?;
        self.at += 1;
        Ok(byte)
    }

    pub(crate) fn int32(&mut self) -> Result<i32> {
        let number = i32_at(self.bytes, self.at).ok_or_else(|| self.overrun(4))?;
        self.at += 4;
        Ok(number)
    }

    /// A NUL-terminated string, without the NUL.
    pub(crate) fn cstring(&mut self) -> Result<Range<usize>> {
        let rest = self.rest();
        let len = rest.iter().position(|&b| b == 0).ok_or_else(|| self.overrun(rest.len() + 1))?;
        let text = rest.get(..len).unwrap_or_default();
        if std::str::from_utf8(text).is_err() {
            return Err(CommandError::new(Code::InvalidBSON, "Invalid UTF-8 in a message's name"));
        }
        let range = self.at..self.at + len;
        self.at += len + 1;
        Ok(range)
    }

    /// A cursor over the next `len` bytes alone, which this one skips.
    pub(crate) fn part(&mut self, len: usize) -> Result<Cursor<'a>> {
        let end = self.at.checked_add(len).filter(|&end| end <= self.bytes.len());
        let end = end.ok_or_else(|| self.overrun(len))?;
        let part = Cursor { bytes: self.bytes.get(..end).unwrap_or_default(), at: self.at };
        self.at = end;
        Ok(part)
    }

    /// The position, for ranges of many documents.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// A whole, valid document.
    pub(crate) fn document(&mut self) -> Result<Range<usize>> {
        let len = usize::try_from(i32_at(self.bytes, self.at).ok_or_else(|| self.overrun(4))?)
            .ok()
            .filter(|&len| len >= DOCUMENT_BYTES_MIN)
            .ok_or_else(|| invalid("document length is below its minimum"))?;
        if len > self.rest().len() {
            return Err(invalid("document length passes the end of its section"));
        }
        let bytes = self.rest().get(..len).unwrap_or_default();
        validate(bytes, Limits::default()).map_err(|invalid| {
            CommandError::new(Code::from_number(invalid.code()), invalid.to_string())
        })?;
        let range = self.at..self.at + len;
        self.at += len;
        Ok(range)
    }

    fn overrun(&self, wanted: usize) -> CommandError {
        CommandError::new(
            Code::Overflow,
            format!(
                "message ends at byte {} while {wanted} more are announced at byte {}",
                self.bytes.len(),
                self.at
            ),
        )
    }
}

fn invalid(what: &str) -> CommandError {
    CommandError::new(Code::InvalidBSON, format!("Invalid BSON: {what}"))
}
