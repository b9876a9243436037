//! A value that a filter compares with, owned as bytes.
//!
//! Owns nothing but the copy: reading it back costs a look at the tag, so evaluating a filter never
//! decodes an operand into an owned value.

use quire_bson::{DocBuf, DocBuilder, RawElement, RawValue, compare};
use std::cmp::Ordering;

/// One BSON value.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Operand {
    tag: u8,
    bytes: Box<[u8]>,
}

impl Operand {
    pub(crate) fn value(&self) -> RawValue<'_> {
        RawValue::decode(self.tag, &self.bytes)
    }

    pub(crate) fn tag(&self) -> u8 {
        self.tag
    }

    /// The value's bytes as they would stand in a document.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn compare(&self, other: &Operand) -> Ordering {
        compare(self.value(), other.value())
    }
}

impl From<RawElement<'_>> for Operand {
    fn from(element: RawElement<'_>) -> Operand {
        Operand { tag: element.tag(), bytes: element.value_bytes().into() }
    }
}

impl From<RawValue<'_>> for Operand {
    fn from(value: RawValue<'_>) -> Operand {
        if let RawValue::MinKey | RawValue::MaxKey | RawValue::Null | RawValue::Undefined = value {
            // The ends of most bounds: nothing to allocate.
            return Operand { tag: value.tag(), bytes: Box::default() };
        }
        let mut builder = DocBuilder::new();
        builder.append("", value);
        let doc: DocBuf = builder.finish();
        let element = doc.as_raw().iter().next();
        element.map_or(Operand { tag: 0x0A, bytes: Box::default() }, Operand::from)
    }
}

impl std::fmt::Debug for Operand {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&crate::render::value(self.value()))
    }
}
