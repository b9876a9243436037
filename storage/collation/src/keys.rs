//! Values that order by their bytes as the originals do by a collation.
//!
//! Owns the form that a string takes in the entries of an index, in sort keys and wherever values
//! are gathered into groups. Each byte of the collator's key for a string becomes the character with
//! that number, so the key is a string again: whatever orders, encodes or bounds values does the
//! right thing with keys without knowing of collations.

use crate::Collation;
use quire_bson::validate::DEPTH_MAX;
use quire_bson::{ArrayBuilder, DocBuf, DocBuilder, RawDoc, RawValue};

/// A value in which every string is a key.
#[derive(Clone, Debug)]
pub enum Key<'a> {
    /// There is no string in it.
    Same(RawValue<'a>),
    Text(String),
    Document(DocBuf),
    /// The items in the form of a document.
    Array(DocBuf),
}

impl Key<'_> {
    #[inline]
    pub fn value(&self) -> RawValue<'_> {
        match self {
            Key::Same(value) => *value,
            Key::Text(text) => RawValue::String(text),
            Key::Document(doc) => RawValue::Document(doc.as_raw()),
            Key::Array(items) => RawValue::Array(items.as_raw()),
        }
    }
}

impl Collation {
    /// The key of a string.
    pub fn text_key(&self, text: &str) -> String {
        let mut bytes = Vec::with_capacity(text.len().saturating_mul(2));
        let Ok(()) = self.collator.write_sort_key_to(text, &mut bytes);
        bytes.into_iter().map(char::from).collect()
    }

    /// The value with keys in the place of its strings.
    pub fn key<'a>(&self, value: RawValue<'a>) -> Key<'a> {
        match value {
            RawValue::String(text) | RawValue::Symbol(text) => Key::Text(self.text_key(text)),
            RawValue::Document(doc) => Key::Document(self.document(doc, 0)),
            RawValue::Array(items) => Key::Array(self.array(items, 0)),
            other => Key::Same(other),
        }
    }

    fn document(&self, doc: RawDoc<'_>, depth: usize) -> DocBuf {
        let mut out = DocBuilder::new();
        for element in doc {
            self.with_key(element.value(), depth, |value| {
                out.append(element.key(), value);
            });
        }
        out.finish()
    }

    fn array(&self, items: RawDoc<'_>, depth: usize) -> DocBuf {
        let mut out = ArrayBuilder::detached();
        for item in items {
            self.with_key(item.value(), depth, |value| {
                out.push(value);
            });
        }
        out.finish()
    }

    /// Hands on the key of a nested value. Nothing validated is deeper than the bound, and what were
    /// would be kept as it is.
    fn with_key(&self, value: RawValue<'_>, depth: usize, hand_on: impl FnOnce(RawValue<'_>)) {
        match value {
            RawValue::String(text) | RawValue::Symbol(text) => {
                hand_on(RawValue::String(&self.text_key(text)));
            }
            RawValue::Document(doc) if depth < DEPTH_MAX => {
                hand_on(RawValue::Document(self.document(doc, depth + 1).as_raw()));
            }
            RawValue::Array(items) if depth < DEPTH_MAX => {
                hand_on(RawValue::Array(self.array(items, depth + 1).as_raw()));
            }
            other => hand_on(other),
        }
    }
}

#[cfg(test)]
mod tests;
