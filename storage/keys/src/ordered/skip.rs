//! Finding where an encoded value ends.
//!
//! Owns reading of key bytes, which may come from a damaged file: answers `None` instead of going
//! past the end, and recurses no deeper than values were written.

use super::{class, number};
use quire_bson::validate::DEPTH_MAX;

/// The length of the encoded value, ascending or descending, that `bytes` start with. `None` when
/// they do not start with one.
pub fn skip_value(bytes: &[u8]) -> Option<usize> {
    let mask = if *bytes.first()? > 0x7F { 0xFF } else { 0x00 };
    let mut cursor = Cursor { rest: bytes, mask };
    let first = cursor.byte()?;
    cursor.skip_body(first, 0)?;
    bytes.len().checked_sub(cursor.rest.len())
}

struct Cursor<'a> {
    rest: &'a [u8],
    mask: u8,
}

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte ^ self.mask)
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.rest = self.rest.get(count..)?;
        Some(())
    }

    fn word(&mut self) -> Option<usize> {
        let mut word = 0u32;
        for _ in 0..4 {
            word = word << 8 | u32::from(self.byte()?);
        }
        usize::try_from(word).ok()
    }

    fn skip_text(&mut self) -> Option<()> {
        let end = self.rest.iter().position(|&byte| byte == self.mask)?;
        self.skip(end + 1)
    }

    fn skip_body(&mut self, first: u8, depth: usize) -> Option<()> {
        match first {
            class::MIN_KEY
            | class::UNDEFINED
            | class::NULL
            | class::NAN
            | class::ZERO
            | class::FALSE
            | class::TRUE
            | class::MAX_KEY => Some(()),
            class::POSITIVE => self.skip_magnitude(),
            class::NEGATIVE => {
                self.mask = !self.mask;
                let skipped = self.skip_magnitude();
                self.mask = !self.mask;
                skipped
            }
            class::TEXT | class::CODE => self.skip_text(),
            class::REGEX => self.skip_text().and_then(|()| self.skip_text()),
            class::DOCUMENT => self.skip_elements(depth),
            class::ARRAY => self.skip_items(depth),
            class::CODE_WITH_SCOPE => self.skip_text().and_then(|()| self.skip_elements(depth)),
            class::BINARY => {
                let length = match self.byte()? {
                    0xFF => self.word()?,
                    short => usize::from(short),
                };
                self.skip(length.checked_add(1)?)
            }
            class::OBJECT_ID => self.skip(12),
            class::DATE | class::TIMESTAMP => self.skip(8),
            class::DB_POINTER => {
                let length = self.word()?;
                self.skip(length.checked_add(12)?)
            }
            _ => None,
        }
    }

    fn skip_elements(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return self.skip_text();
        }
        while self.byte()? != class::END {
            self.skip_text()?;
            let first = self.byte()?;
            self.skip_body(first, depth + 1)?;
        }
        Some(())
    }

    fn skip_items(&mut self, depth: usize) -> Option<()> {
        if depth > DEPTH_MAX {
            return self.skip_text();
        }
        loop {
            match self.byte()? {
                class::END => return Some(()),
                first => self.skip_body(first, depth + 1)?,
            }
        }
    }

    fn skip_magnitude(&mut self) -> Option<()> {
        let mut bits = 0u64;
        for _ in 0..number::GROUPS {
            let group = self.byte()?;
            bits = bits << 7 | u64::from(group >> 1);
            if group & 1 == 0 {
                return Some(());
            }
        }
        if number::WIDE_INTEGERS.contains(&f64::from_bits(bits)) {
            self.byte()?;
            if self.byte()? & 1 == 0 {
                return Some(());
            }
        }
        self.skip(2)?;
        self.skip_text()
    }
}
