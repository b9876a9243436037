//! Writing BSON by hand into one growing buffer, lengths patched in afterwards.
//!
//! Owns [`DocBuf`], the owned counterpart of [`RawDoc`], and the builders that make one. A builder
//! writes straight into a `Vec<u8>`, so a reply costs one copy of each value.

use crate::layout::is_framed;
use crate::raw::{Elements, RawDoc, RawElement, RawValue};
use bson::{Bson, Document};

/// An owned document as bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct DocBuf {
    bytes: Vec<u8>,
}

impl DocBuf {
    /// An empty document.
    pub fn new() -> DocBuf {
        DocBuf { bytes: RawDoc::EMPTY.as_bytes().to_vec() }
    }

    /// Takes bytes that are already known to be one well-formed document. As with
    /// [`RawDoc::from_validated`] only the frame is looked at, and a broken one gives an empty document.
    pub fn from_validated(bytes: Vec<u8>) -> DocBuf {
        if is_framed(&bytes) { DocBuf { bytes } } else { DocBuf::new() }
    }

    /// A document of one element with an empty name, for carrying a single value as bytes.
    pub fn of_value(value: &Bson) -> DocBuf {
        let mut builder = DocBuilder::new();
        builder.append_bson("", value);
        builder.finish()
    }

    pub fn as_raw(&self) -> RawDoc<'_> {
        RawDoc::from_validated(&self.bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Becomes a copy of `doc`, in the memory that is there already.
    pub fn copy_from(&mut self, doc: RawDoc<'_>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(doc.as_bytes());
    }
}

impl Default for DocBuf {
    fn default() -> DocBuf {
        DocBuf::new()
    }
}

impl std::fmt::Debug for DocBuf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.as_raw().fmt(f)
    }
}

impl From<RawDoc<'_>> for DocBuf {
    fn from(doc: RawDoc<'_>) -> DocBuf {
        DocBuf { bytes: doc.as_bytes().to_vec() }
    }
}

impl From<&Document> for DocBuf {
    fn from(doc: &Document) -> DocBuf {
        let mut builder = DocBuilder::new();
        for (key, value) in doc {
            builder.append_bson(key, value);
        }
        builder.finish()
    }
}

/// Builds one document. Nested documents and arrays are written in place through closures, so a
/// half-written one cannot be left behind.
pub struct DocBuilder {
    bytes: Vec<u8>,
    start: usize,
}

impl DocBuilder {
    pub fn new() -> DocBuilder {
        DocBuilder::in_buffer(Vec::new())
    }

    /// Appends the document to what `bytes` already holds; [`DocBuilder::finish_buffer`] gives the
    /// buffer back.
    pub fn in_buffer(mut bytes: Vec<u8>) -> DocBuilder {
        let start = bytes.len();
        bytes.extend_from_slice(&[0; 4]);
        DocBuilder { bytes, start }
    }

    /// The bytes this document takes so far, its end included.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.start + 1
    }

    /// True when nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 5
    }

    /// The elements appended so far.
    pub fn elements(&self) -> Elements<'_> {
        Elements::over(self.bytes.get(self.start.saturating_add(4)..).unwrap_or_default())
    }

    fn header(&mut self, tag: u8, key: &str) {
        self.bytes.push(tag);
        // A key with a NUL cannot be written in BSON; such input is refused long before.
        let key = key.split('\0').next().unwrap_or_default();
        self.bytes.extend_from_slice(key.as_bytes());
        self.bytes.push(0);
    }

    /// Copies an element as it is.
    pub fn append_element(&mut self, element: RawElement<'_>) -> &mut Self {
        self.append_raw(element.key_bytes(), element.tag(), element.value_bytes())
    }

    /// Copies a value of type `tag` whose bytes are already in BSON form.
    pub fn append_raw(&mut self, key: &[u8], tag: u8, value: &[u8]) -> &mut Self {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(key);
        self.bytes.push(0);
        self.bytes.extend_from_slice(value);
        self
    }

    pub fn append(&mut self, key: &str, value: RawValue<'_>) -> &mut Self {
        self.header(value.tag(), key);
        write_value(&mut self.bytes, value);
        self
    }

    pub fn append_bson(&mut self, key: &str, value: &Bson) -> &mut Self {
        match value {
            Bson::Document(doc) => self.append_with(key, |b| {
                for (key, value) in doc {
                    b.append_bson(key, value);
                }
            }),
            Bson::Array(items) => self.append_array(key, |b| {
                for item in items {
                    b.push_bson(item);
                }
            }),
            _ => {
                self.header(value.element_type() as u8, key);
                write_scalar(&mut self.bytes, value);
                self
            }
        }
    }

    pub fn append_doc(&mut self, key: &str, doc: RawDoc<'_>) -> &mut Self {
        self.append(key, RawValue::Document(doc))
    }

    pub fn append_str(&mut self, key: &str, value: &str) -> &mut Self {
        self.append(key, RawValue::String(value))
    }

    pub fn append_i32(&mut self, key: &str, value: i32) -> &mut Self {
        self.append(key, RawValue::Int32(value))
    }

    pub fn append_i64(&mut self, key: &str, value: i64) -> &mut Self {
        self.append(key, RawValue::Int64(value))
    }

    pub fn append_f64(&mut self, key: &str, value: f64) -> &mut Self {
        self.append(key, RawValue::Double(value))
    }

    pub fn append_bool(&mut self, key: &str, value: bool) -> &mut Self {
        self.append(key, RawValue::Boolean(value))
    }

    /// Writes a nested document in place.
    pub fn append_with(&mut self, key: &str, fill: impl FnOnce(&mut DocBuilder)) -> &mut Self {
        self.nested(0x03, key, fill)
    }

    /// Writes a nested array in place.
    pub fn append_array(&mut self, key: &str, fill: impl FnOnce(&mut ArrayBuilder)) -> &mut Self {
        self.nested(0x04, key, |inner| {
            let mut array = ArrayBuilder { inner: std::mem::take(inner), next: 0 };
            fill(&mut array);
            *inner = array.inner;
        })
    }

    /// Goes on in a nested document, until [`DocBuilder::close`].
    pub fn open(mut self, key: &str) -> (DocBuilder, Open) {
        self.header(0x03, key);
        (DocBuilder::in_buffer(self.bytes), Open { start: self.start })
    }

    /// Goes on in a nested array, until [`ArrayBuilder::close`].
    pub fn open_array(mut self, key: &str) -> (ArrayBuilder, Open) {
        self.header(0x04, key);
        (
            ArrayBuilder { inner: DocBuilder::in_buffer(self.bytes), next: 0 },
            Open { start: self.start },
        )
    }

    /// Ends a nested document and goes on in the one around it.
    pub fn close(self, around: Open) -> DocBuilder {
        DocBuilder { bytes: self.finish_buffer(), start: around.start }
    }

    fn nested(&mut self, tag: u8, key: &str, fill: impl FnOnce(&mut DocBuilder)) -> &mut Self {
        self.header(tag, key);
        let mut inner = DocBuilder::in_buffer(std::mem::take(&mut self.bytes));
        fill(&mut inner);
        self.bytes = inner.finish_buffer();
        self
    }

    /// Ends the document and gives the whole buffer back.
    pub fn finish_buffer(mut self) -> Vec<u8> {
        self.bytes.push(0);
        let len = i32::try_from(self.bytes.len() - self.start).unwrap_or(i32::MAX);
        self.bytes[self.start..self.start + 4].copy_from_slice(&len.to_le_bytes());
        self.bytes
    }

    /// Ends the document. Only for a builder made by [`DocBuilder::new`].
    pub fn finish(self) -> DocBuf {
        DocBuf { bytes: self.finish_buffer() }
    }
}

/// A document around one that is being written: where it begins in the same buffer. For what is
/// written in several calls; within one, a closure cannot be left half-way.
#[derive(Debug)]
#[must_use]
pub struct Open {
    start: usize,
}

impl Default for DocBuilder {
    fn default() -> DocBuilder {
        DocBuilder::new()
    }
}

/// Builds an array inside a document: the keys are the positions.
pub struct ArrayBuilder {
    inner: DocBuilder,
    next: u32,
}

impl ArrayBuilder {
    /// An array that stands in no document yet: its bytes are put into one by
    /// [`DocBuilder::append_raw`].
    pub fn detached() -> ArrayBuilder {
        ArrayBuilder { inner: DocBuilder::new(), next: 0 }
    }

    /// Ends a detached array.
    pub fn finish(self) -> DocBuf {
        self.inner.finish()
    }

    /// Ends a nested array and goes on in the document around it.
    pub fn close(self, around: Open) -> DocBuilder {
        self.inner.close(around)
    }

    /// Makes room for so many bytes more, so that they are not moved when they are written.
    pub fn reserve(&mut self, bytes: usize) {
        self.inner.bytes.reserve(bytes);
    }

    /// How many items there are.
    pub fn count(&self) -> usize {
        usize::try_from(self.next).unwrap_or(usize::MAX)
    }

    /// The bytes the array takes so far, its end included.
    pub fn len(&self) -> usize {
        self.inner.len()
    }

    pub fn is_empty(&self) -> bool {
        self.next == 0
    }

    fn key(&mut self) -> PositionKey {
        let key = PositionKey::of(self.next);
        self.next = self.next.saturating_add(1);
        key
    }

    pub fn push(&mut self, value: RawValue<'_>) -> &mut Self {
        let key = self.key();
        self.inner.append(&key, value);
        self
    }

    pub fn push_bson(&mut self, value: &Bson) -> &mut Self {
        let key = self.key();
        self.inner.append_bson(&key, value);
        self
    }

    pub fn push_doc(&mut self, doc: RawDoc<'_>) -> &mut Self {
        self.push(RawValue::Document(doc))
    }

    /// Copies a value of type `tag` whose bytes are already in BSON form.
    pub fn push_raw(&mut self, tag: u8, value: &[u8]) -> &mut Self {
        let key = self.key();
        self.inner.append_raw(key.as_bytes(), tag, value);
        self
    }

    /// Writes a nested array in place.
    pub fn push_array(&mut self, fill: impl FnOnce(&mut ArrayBuilder)) -> &mut Self {
        let key = self.key();
        self.inner.append_array(&key, fill);
        self
    }

    pub fn push_with(&mut self, fill: impl FnOnce(&mut DocBuilder)) -> &mut Self {
        let key = self.key();
        self.inner.append_with(&key, fill);
        self
    }
}

/// The text of a position, without an allocation for each item.
struct PositionKey {
    /// The ten digits of the largest position, right-aligned.
    digits: [u8; 10],
    start: usize,
}

impl PositionKey {
    fn of(position: u32) -> PositionKey {
        let (mut digits, mut start, mut left) = ([b'0'; 10], 10, position);
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
            start -= 1;
            if left == 0 {
                break;
            }
        }
        PositionKey { digits, start }
    }
}

impl std::ops::Deref for PositionKey {
    type Target = str;
    fn deref(&self) -> &str {
        let digits = self.digits.get(self.start..).unwrap_or_default();
        std::str::from_utf8(digits).unwrap_or_default()
    }
}

fn write_text(out: &mut Vec<u8>, text: &str) {
    let len = i32::try_from(text.len() + 1).unwrap_or(i32::MAX);
    out.extend_from_slice(&len.to_le_bytes());
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn write_cstring(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
    out.push(0);
}

fn write_value(out: &mut Vec<u8>, value: RawValue<'_>) {
    match value {
        RawValue::Double(x) => out.extend_from_slice(&x.to_le_bytes()),
        RawValue::String(text) | RawValue::Code(text) | RawValue::Symbol(text) => {
            write_text(out, text);
        }
        RawValue::Document(doc) | RawValue::Array(doc) => out.extend_from_slice(doc.as_bytes()),
        RawValue::Binary { subtype, bytes } => {
            let len = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
            out.extend_from_slice(&len.to_le_bytes());
            out.push(subtype);
            out.extend_from_slice(bytes);
        }
        RawValue::Undefined | RawValue::Null | RawValue::MinKey | RawValue::MaxKey => {}
        RawValue::ObjectId(id) => out.extend_from_slice(&id.bytes()),
        RawValue::Boolean(flag) => out.push(u8::from(flag)),
        RawValue::DateTime(n) | RawValue::Int64(n) => out.extend_from_slice(&n.to_le_bytes()),
        RawValue::Regex { pattern, options } => {
            write_cstring(out, pattern);
            write_cstring(out, options);
        }
        RawValue::DbPointer { namespace, id } => {
            write_text(out, namespace);
            out.extend_from_slice(&id.bytes());
        }
        RawValue::CodeWithScope { code, scope } => {
            let len = 4 + 4 + code.len() + 1 + scope.as_bytes().len();
            out.extend_from_slice(&i32::try_from(len).unwrap_or(i32::MAX).to_le_bytes());
            write_text(out, code);
            out.extend_from_slice(scope.as_bytes());
        }
        RawValue::Int32(n) => out.extend_from_slice(&n.to_le_bytes()),
        RawValue::Timestamp { time, increment } => {
            out.extend_from_slice(&increment.to_le_bytes());
            out.extend_from_slice(&time.to_le_bytes());
        }
        RawValue::Decimal128(bytes) => out.extend_from_slice(&bytes),
    }
}

/// Writes every value but documents and arrays, which the builder nests itself.
fn write_scalar(out: &mut Vec<u8>, value: &Bson) {
    if let Some(raw) = RawValue::of_scalar(value) {
        return write_value(out, raw);
    }
    if let Bson::JavaScriptCodeWithScope(code) = value {
        let scope = DocBuf::from(&code.scope);
        let raw = RawValue::CodeWithScope { code: &code.code, scope: scope.as_raw() };
        return write_value(out, raw);
    }
    write_through_crate(out, value);
}

/// The `bson` crate keeps a pointer's fields private, so its own encoder writes the bytes.
fn write_through_crate(out: &mut Vec<u8>, value: &Bson) {
    let doc = bson::doc! { "": value.clone() };
    let mut bytes = Vec::new();
    if doc.to_writer(&mut bytes).is_ok() {
        // length, tag and the empty key stand before the value, the end NUL behind it
        out.extend_from_slice(bytes.get(6..bytes.len() - 1).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests;
