//! Borrowed views over validated BSON bytes.
//!
//! Owns reading elements and their values. A [`RawDoc`] is made from bytes that
//! [`crate::validate`] has accepted, or that this process wrote; iteration over anything else ends
//! at the first malformed element instead of panicking.

use crate::layout::{i32_at, is_framed, is_whole_key, key_at, key_word, memchr_nul, value_length};
use bson::oid::ObjectId;
use bson::spec::ElementType;
use bson::{Bson, Decimal128, Document};

/// A document (or array) as a borrowed slice, its length prefix and final NUL included.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawDoc<'a> {
    bytes: &'a [u8],
}

/// The five bytes of an empty document.
const EMPTY: &[u8] = &[5, 0, 0, 0, 0];

impl<'a> RawDoc<'a> {
    /// The empty document.
    pub const EMPTY: RawDoc<'static> = RawDoc { bytes: EMPTY };

    /// A view over `bytes` that are already known to be one well-formed document.
    ///
    /// Only the frame is looked at: a slice whose length prefix and end do not fit is seen as empty.
    #[inline]
    pub fn from_validated(bytes: &'a [u8]) -> RawDoc<'a> {
        if is_framed(bytes) { RawDoc { bytes } } else { RawDoc::EMPTY }
    }

    /// The whole document as bytes.
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// True when the document has no element.
    pub fn is_empty(self) -> bool {
        self.bytes.len() <= 5
    }

    /// The elements in order.
    #[inline]
    pub fn iter(self) -> Elements<'a> {
        Elements { rest: self.bytes.get(4..self.bytes.len().saturating_sub(1)).unwrap_or(&[]) }
    }

    /// The value of the first element named `key`.
    #[inline]
    pub fn get(self, key: &str) -> Option<RawValue<'a>> {
        self.find(key).map(|e| e.value())
    }

    /// The first element named `key`.
    pub fn find(self, key: &str) -> Option<RawElement<'a>> {
        let word = key_word(key.as_bytes());
        let mut elements = self.iter();
        loop {
            let element = elements.step()?;
            if element.key_word == word && element.has_key(key.as_bytes()) {
                return Some(element);
            }
        }
    }

    /// The `n`-th element, counted from zero: arrays are documents whose keys are not looked at.
    pub fn nth(self, n: usize) -> Option<RawElement<'a>> {
        self.iter().nth(n)
    }

    /// The number of elements, by one walk.
    pub fn count(self) -> usize {
        self.iter().count()
    }

    /// An owned, fully decoded document. Not for hot paths.
    pub fn to_document(self) -> Document {
        self.iter().map(|e| (e.key().to_owned(), e.value().to_bson())).collect()
    }
}

impl std::fmt::Debug for RawDoc<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.to_document())
    }
}

impl<'a> IntoIterator for RawDoc<'a> {
    type Item = RawElement<'a>;
    type IntoIter = Elements<'a>;
    fn into_iter(self) -> Elements<'a> {
        self.iter()
    }
}

/// One element: its key and its still undecoded value. Equal when every byte is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawElement<'a> {
    tag: u8,
    key_word: u64,
    key: &'a [u8],
    value: &'a [u8],
}

impl<'a> RawElement<'a> {
    /// The key; validated input always has UTF-8 here.
    pub fn key(self) -> &'a str {
        std::str::from_utf8(self.key).unwrap_or_default()
    }

    /// The key without the UTF-8 check, for comparing.
    #[inline]
    pub fn key_bytes(self) -> &'a [u8] {
        self.key
    }

    /// The key as [`key_word`] has it: found while its end was looked for.
    #[inline]
    pub fn key_word(self) -> u64 {
        self.key_word
    }

    /// Whether the key is this one, where the words are known to be equal.
    #[inline]
    pub fn has_key(self, key: &[u8]) -> bool {
        is_whole_key(self.key_word) || self.key == key
    }

    /// The BSON type tag.
    #[inline]
    pub fn tag(self) -> u8 {
        self.tag
    }

    /// The value's bytes as they stand in the document.
    #[inline]
    pub fn value_bytes(self) -> &'a [u8] {
        self.value
    }

    /// The value.
    #[inline]
    pub fn value(self) -> RawValue<'a> {
        RawValue::decode(self.tag, self.value)
    }
}

/// An iterator over the elements of a document.
#[derive(Clone)]
pub struct Elements<'a> {
    rest: &'a [u8],
}

impl<'a> Elements<'a> {
    /// The elements in `bytes`, which have neither length nor end around them.
    pub(crate) fn over(bytes: &'a [u8]) -> Elements<'a> {
        Elements { rest: bytes }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = RawElement<'a>;

    #[inline]
    fn next(&mut self) -> Option<RawElement<'a>> {
        self.step()
    }
}

impl<'a> Elements<'a> {
    // Most loops over a document are made of this: a call for each element would cost as much again.
    #[inline(always)]
    fn step(&mut self) -> Option<RawElement<'a>> {
        let (&tag, after_tag) = self.rest.split_first()?;
        let (key_len, key_word) = key_at(after_tag)?;
        let (key, after_key) = after_tag.split_at_checked(key_len)?;
        let (_, body) = after_key.split_first()?;
        let value_len = value_length(tag, body)?;
        let Some((value, rest)) = body.split_at_checked(value_len) else {
            self.rest = &[];
            return None;
        };
        self.rest = rest;
        Some(RawElement { tag, key_word, key, value })
    }
}

/// A borrowed BSON value.
#[derive(Clone, Copy, Debug)]
pub enum RawValue<'a> {
    Double(f64),
    String(&'a str),
    Document(RawDoc<'a>),
    Array(RawDoc<'a>),
    Binary {
        subtype: u8,
        bytes: &'a [u8],
    },
    Undefined,
    ObjectId(ObjectId),
    Boolean(bool),
    /// Milliseconds since the epoch.
    DateTime(i64),
    Null,
    Regex {
        pattern: &'a str,
        options: &'a str,
    },
    DbPointer {
        namespace: &'a str,
        id: ObjectId,
    },
    Code(&'a str),
    Symbol(&'a str),
    CodeWithScope {
        code: &'a str,
        scope: RawDoc<'a>,
    },
    Int32(i32),
    Timestamp {
        time: u32,
        increment: u32,
    },
    Int64(i64),
    Decimal128([u8; 16]),
    MinKey,
    MaxKey,
}

impl<'a> RawValue<'a> {
    /// Decodes the value bytes of an element of type `tag`. Unreachable forms become null.
    #[inline]
    pub fn decode(tag: u8, bytes: &'a [u8]) -> RawValue<'a> {
        decode(tag, bytes).unwrap_or(RawValue::Null)
    }

    /// A decoded value that holds no others as a borrowed one. `None` for documents, arrays, code
    /// with scope, and db pointers, whose fields the `bson` crate keeps private.
    pub fn of_scalar(value: &'a Bson) -> Option<RawValue<'a>> {
        Some(match value {
            Bson::Double(x) => RawValue::Double(*x),
            Bson::String(text) => RawValue::String(text),
            Bson::Binary(binary) => {
                RawValue::Binary { subtype: binary.subtype.into(), bytes: &binary.bytes }
            }
            Bson::ObjectId(id) => RawValue::ObjectId(*id),
            Bson::Boolean(flag) => RawValue::Boolean(*flag),
            Bson::DateTime(when) => RawValue::DateTime(when.timestamp_millis()),
            Bson::RegularExpression(regex) => {
                RawValue::Regex { pattern: regex.pattern.as_str(), options: regex.options.as_str() }
            }
            Bson::JavaScriptCode(code) => RawValue::Code(code),
            Bson::Symbol(text) => RawValue::Symbol(text),
            Bson::Int32(n) => RawValue::Int32(*n),
            Bson::Int64(n) => RawValue::Int64(*n),
            Bson::Timestamp(ts) => RawValue::Timestamp { time: ts.time, increment: ts.increment },
            Bson::Decimal128(decimal) => RawValue::Decimal128(decimal.bytes()),
            Bson::Null => RawValue::Null,
            Bson::Undefined => RawValue::Undefined,
            Bson::MinKey => RawValue::MinKey,
            Bson::MaxKey => RawValue::MaxKey,
            Bson::Document(_)
            | Bson::Array(_)
            | Bson::JavaScriptCodeWithScope(_)
            | Bson::DbPointer(_) => return None,
        })
    }

    /// The BSON type tag this value is written with.
    pub fn tag(self) -> u8 {
        match self {
            RawValue::Double(_) => 0x01,
            RawValue::String(_) => 0x02,
            RawValue::Document(_) => 0x03,
            RawValue::Array(_) => 0x04,
            RawValue::Binary { .. } => 0x05,
            RawValue::Undefined => 0x06,
            RawValue::ObjectId(_) => 0x07,
            RawValue::Boolean(_) => 0x08,
            RawValue::DateTime(_) => 0x09,
            RawValue::Null => 0x0A,
            RawValue::Regex { .. } => 0x0B,
            RawValue::DbPointer { .. } => 0x0C,
            RawValue::Code(_) => 0x0D,
            RawValue::Symbol(_) => 0x0E,
            RawValue::CodeWithScope { .. } => 0x0F,
            RawValue::Int32(_) => 0x10,
            RawValue::Timestamp { .. } => 0x11,
            RawValue::Int64(_) => 0x12,
            RawValue::Decimal128(_) => 0x13,
            RawValue::MinKey => 0xFF,
            RawValue::MaxKey => 0x7F,
        }
    }

    /// The element type, for error messages and `$type`.
    pub fn element_type(self) -> ElementType {
        ElementType::from(self.tag()).unwrap_or(ElementType::Null)
    }

    /// MongoDB's name of the type, as `$type` and error messages spell it.
    pub fn type_name(self) -> &'static str {
        match self {
            RawValue::Double(_) => "double",
            RawValue::String(_) => "string",
            RawValue::Document(_) => "object",
            RawValue::Array(_) => "array",
            RawValue::Binary { .. } => "binData",
            RawValue::Undefined => "undefined",
            RawValue::ObjectId(_) => "objectId",
            RawValue::Boolean(_) => "bool",
            RawValue::DateTime(_) => "date",
            RawValue::Null => "null",
            RawValue::Regex { .. } => "regex",
            RawValue::DbPointer { .. } => "dbPointer",
            RawValue::Code(_) => "javascript",
            RawValue::Symbol(_) => "symbol",
            RawValue::CodeWithScope { .. } => "javascriptWithScope",
            RawValue::Int32(_) => "int",
            RawValue::Timestamp { .. } => "timestamp",
            RawValue::Int64(_) => "long",
            RawValue::Decimal128(_) => "decimal",
            RawValue::MinKey => "minKey",
            RawValue::MaxKey => "maxKey",
        }
    }

    pub fn as_document(self) -> Option<RawDoc<'a>> {
        if let RawValue::Document(doc) = self { Some(doc) } else { None }
    }

    pub fn as_array(self) -> Option<RawDoc<'a>> {
        if let RawValue::Array(doc) = self { Some(doc) } else { None }
    }

    pub fn as_str(self) -> Option<&'a str> {
        if let RawValue::String(text) = self { Some(text) } else { None }
    }

    pub fn as_bool(self) -> Option<bool> {
        if let RawValue::Boolean(flag) = self { Some(flag) } else { None }
    }

    /// True for int32, int64, double and decimal128.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            RawValue::Double(_) | RawValue::Int32(_) | RawValue::Int64(_) | RawValue::Decimal128(_)
        )
    }

    /// An owned, decoded value.
    pub fn to_bson(self) -> Bson {
        match self {
            RawValue::Double(x) => Bson::Double(x),
            RawValue::String(text) => Bson::String(text.to_owned()),
            RawValue::Document(doc) => Bson::Document(doc.to_document()),
            RawValue::Array(doc) => Bson::Array(doc.iter().map(|e| e.value().to_bson()).collect()),
            RawValue::Binary { subtype, bytes } => {
                Bson::Binary(bson::Binary { subtype: subtype.into(), bytes: bytes.to_vec() })
            }
            RawValue::Undefined => Bson::Undefined,
            RawValue::ObjectId(id) => Bson::ObjectId(id),
            RawValue::Boolean(flag) => Bson::Boolean(flag),
            RawValue::DateTime(millis) => Bson::DateTime(bson::DateTime::from_millis(millis)),
            RawValue::Null => Bson::Null,
            RawValue::Regex { pattern, options } => regex(pattern, options),
            RawValue::DbPointer { .. } => self.decode_through_crate(),
            RawValue::Code(code) => Bson::JavaScriptCode(code.to_owned()),
            RawValue::Symbol(text) => Bson::Symbol(text.to_owned()),
            RawValue::CodeWithScope { code, scope } => {
                Bson::JavaScriptCodeWithScope(bson::JavaScriptCodeWithScope {
                    code: code.to_owned(),
                    scope: scope.to_document(),
                })
            }
            RawValue::Int32(n) => Bson::Int32(n),
            RawValue::Timestamp { time, increment } => {
                Bson::Timestamp(bson::Timestamp { time, increment })
            }
            RawValue::Int64(n) => Bson::Int64(n),
            RawValue::Decimal128(bytes) => Bson::Decimal128(Decimal128::from_bytes(bytes)),
            RawValue::MinKey => Bson::MinKey,
            RawValue::MaxKey => Bson::MaxKey,
        }
    }

    /// The `bson` crate keeps a pointer's fields private, so one is made by its own decoder.
    fn decode_through_crate(self) -> Bson {
        let mut builder = crate::DocBuilder::new();
        builder.append("", self);
        let buf = builder.finish();
        Document::from_reader(buf.as_bytes())
            .ok()
            .and_then(|mut d| d.remove(""))
            .unwrap_or(Bson::Null)
    }
}

/// A regular expression as the crate's value; its strings hold no NUL because they came from BSON.
fn regex(pattern: &str, options: &str) -> Bson {
    match (pattern.try_into(), options.try_into()) {
        (Ok(pattern), Ok(options)) => Bson::RegularExpression(bson::Regex { pattern, options }),
        _ => Bson::Null,
    }
}

#[inline]
fn decode(tag: u8, bytes: &[u8]) -> Option<RawValue<'_>> {
    let eight = || -> Option<[u8; 8]> { bytes.get(..8)?.try_into().ok() };
    Some(match tag {
        0x01 => RawValue::Double(f64::from_le_bytes(eight()?)),
        0x02 => RawValue::String(text(bytes)?),
        0x03 => RawValue::Document(RawDoc::from_validated(bytes)),
        0x04 => RawValue::Array(RawDoc::from_validated(bytes)),
        0x05 => RawValue::Binary { subtype: *bytes.get(4)?, bytes: bytes.get(5..)? },
        0x06 => RawValue::Undefined,
        0x07 => RawValue::ObjectId(object_id(bytes)?),
        0x08 => RawValue::Boolean(*bytes.first()? != 0),
        0x09 => RawValue::DateTime(i64::from_le_bytes(eight()?)),
        0x0A => RawValue::Null,
        0x0B => {
            let split = memchr_nul(bytes)?;
            let options = bytes.get(split + 1..bytes.len().checked_sub(1)?)?;
            RawValue::Regex {
                pattern: std::str::from_utf8(bytes.get(..split)?).ok()?,
                options: std::str::from_utf8(options).ok()?,
            }
        }
        0x0C => {
            let split = bytes.len().checked_sub(12)?;
            RawValue::DbPointer {
                namespace: text(bytes.get(..split)?)?,
                id: object_id(bytes.get(split..)?)?,
            }
        }
        0x0D => RawValue::Code(text(bytes)?),
        0x0E => RawValue::Symbol(text(bytes)?),
        0x0F => {
            let code_len = usize::try_from(i32_at(bytes, 4)?).ok()?;
            let split = code_len.checked_add(8)?;
            RawValue::CodeWithScope {
                code: text(bytes.get(4..split)?)?,
                scope: RawDoc::from_validated(bytes.get(split..)?),
            }
        }
        0x10 => RawValue::Int32(i32_at(bytes, 0)?),
        0x11 => {
            let word = u64::from_le_bytes(eight()?);
            RawValue::Timestamp { time: (word >> 32) as u32, increment: word as u32 }
        }
        0x12 => RawValue::Int64(i64::from_le_bytes(eight()?)),
        0x13 => RawValue::Decimal128(bytes.get(..16)?.try_into().ok()?),
        0x7F => RawValue::MaxKey,
        0xFF => RawValue::MinKey,
        _ => return None,
    })
}

/// A length-prefixed, NUL-terminated string without both.
#[inline]
fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes.get(4..bytes.len().checked_sub(1)?)?).ok()
}

fn object_id(bytes: &[u8]) -> Option<ObjectId> {
    Some(ObjectId::from_bytes(bytes.get(..12)?.try_into().ok()?))
}
