//! A document that is being changed: decoded only where an operator reaches.
//!
//! Owns the opening of raw values into fields and items and their writing back. What no operator
//! touched stays a borrowed slice of the stored document and is copied once, into the result.

use quire_bson::{ArrayBuilder, DocBuf, DocBuilder, RawDoc, RawElement, RawValue};
use std::borrow::Cow;
use std::sync::Arc;

/// An immutable value as bytes, cheap to put into many documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    tag: u8,
    bytes: Arc<[u8]>,
}

impl Value {
    pub(super) fn of_element(element: RawElement<'_>) -> Value {
        Value { tag: element.tag(), bytes: element.value_bytes().into() }
    }

    pub(super) fn of(value: RawValue<'_>) -> Value {
        let mut holder = DocBuilder::new();
        holder.append("", value);
        Value::held_by(&holder.finish())
    }

    /// An array of values.
    pub(super) fn array(items: &[Value]) -> Value {
        let mut holder = DocBuilder::new();
        holder.append_array("", |array| {
            for item in items {
                array.push_raw(item.tag, &item.bytes);
            }
        });
        Value::held_by(&holder.finish())
    }

    fn held_by(holder: &DocBuf) -> Value {
        holder.as_raw().nth(0).map_or_else(
            || Value { tag: RawValue::Null.tag(), bytes: Arc::default() },
            Value::of_element,
        )
    }

    pub(super) fn as_raw(&self) -> RawValue<'_> {
        RawValue::decode(self.tag, &self.bytes)
    }
}

/// One value of the document.
#[derive(Clone, Debug)]
pub(super) enum Tree<'a> {
    Raw { tag: u8, bytes: &'a [u8] },
    Shared(Value),
    Document(Vec<Field<'a>>),
    Array(Vec<Tree<'a>>),
}

/// One named value.
#[derive(Clone, Debug)]
pub(super) struct Field<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) value: Tree<'a>,
}

/// Room for the fields of most documents, so that opening one seldom grows the list.
const FIELDS_USUAL: usize = 24;

const DOCUMENT: u8 = 0x03;
const ARRAY: u8 = 0x04;

impl<'a> Tree<'a> {
    pub(super) const NULL: Tree<'static> = Tree::Raw { tag: 0x0A, bytes: &[] };

    /// A whole document, opened at its top level.
    pub(super) fn of_document(doc: RawDoc<'a>) -> Tree<'a> {
        let mut fields = Vec::with_capacity(FIELDS_USUAL);
        fields.extend(doc.iter().map(Field::borrowed));
        Tree::Document(fields)
    }

    fn of_element(element: RawElement<'a>) -> Tree<'a> {
        Tree::Raw { tag: element.tag(), bytes: element.value_bytes() }
    }

    /// The BSON type.
    pub(super) fn tag(&self) -> u8 {
        match self {
            Tree::Raw { tag, .. } => *tag,
            Tree::Shared(value) => value.tag,
            Tree::Document(_) => DOCUMENT,
            Tree::Array(_) => ARRAY,
        }
    }

    pub(super) fn is_array(&self) -> bool {
        self.tag() == ARRAY
    }

    /// MongoDB's name of the type.
    pub(super) fn type_name(&self) -> &'static str {
        self.with_value(|value| value.type_name())
    }

    /// The value's bytes; those of an opened value are written anew.
    fn bytes(&self) -> Cow<'_, [u8]> {
        match self {
            Tree::Raw { bytes, .. } => Cow::Borrowed(bytes),
            Tree::Shared(value) => Cow::Borrowed(&value.bytes),
            Tree::Document(fields) => Cow::Owned(document_bytes(fields, 0).into_bytes()),
            Tree::Array(items) => {
                let mut holder = DocBuilder::new();
                holder.append_array("", |out| write_items(items, out));
                Cow::Owned(Value::held_by(&holder.finish()).bytes.to_vec())
            }
        }
    }

    /// Looks at the value as a borrowed one.
    pub(super) fn with_value<R>(&self, look: impl FnOnce(RawValue<'_>) -> R) -> R {
        look(RawValue::decode(self.tag(), &self.bytes()))
    }

    /// True when the value has the same type and bytes.
    pub(super) fn is_identical(&self, value: &Value) -> bool {
        self.tag() == value.tag && *self.bytes() == *value.bytes
    }

    /// The fields of a document, opened; `None` for every other type.
    pub(super) fn fields_mut(&mut self) -> Option<&mut Vec<Field<'a>>> {
        let opened = match self {
            Tree::Raw { tag: DOCUMENT, bytes } => {
                Some(RawDoc::from_validated(bytes).iter().map(Field::borrowed).collect())
            }
            Tree::Shared(value) if value.tag == DOCUMENT => {
                Some(RawDoc::from_validated(&value.bytes).iter().map(Field::owned).collect())
            }
            _ => None,
        };
        if let Some(fields) = opened {
            *self = Tree::Document(fields);
        }
        if let Tree::Document(fields) = self { Some(fields) } else { None }
    }

    /// The items of an array, opened; `None` for every other type.
    pub(super) fn items_mut(&mut self) -> Option<&mut Vec<Tree<'a>>> {
        let opened = match self {
            Tree::Raw { tag: ARRAY, bytes } => {
                Some(RawDoc::from_validated(bytes).iter().map(Tree::of_element).collect())
            }
            Tree::Shared(value) if value.tag == ARRAY => Some(
                RawDoc::from_validated(&value.bytes)
                    .iter()
                    .map(|element| Tree::Shared(Value::of_element(element)))
                    .collect(),
            ),
            _ => None,
        };
        if let Some(items) = opened {
            *self = Tree::Array(items);
        }
        if let Tree::Array(items) = self { Some(items) } else { None }
    }

    /// The whole as a document of its own, for which about `bytes` are reserved; anything but a
    /// document gives an empty one.
    pub(super) fn into_document(self, bytes: usize) -> DocBuf {
        match self {
            Tree::Document(fields) => document_bytes(&fields, bytes),
            other => {
                other.with_value(|value| DocBuf::from(value.as_document().unwrap_or(RawDoc::EMPTY)))
            }
        }
    }
}

impl<'a> Field<'a> {
    fn borrowed(element: RawElement<'a>) -> Field<'a> {
        Field { name: Cow::Borrowed(element.key()), value: Tree::of_element(element) }
    }

    fn owned(element: RawElement<'_>) -> Field<'a> {
        Field {
            name: Cow::Owned(element.key().to_owned()),
            value: Tree::Shared(Value::of_element(element)),
        }
    }
}

fn document_bytes(fields: &[Field<'_>], capacity: usize) -> DocBuf {
    let mut out = DocBuilder::in_buffer(Vec::with_capacity(capacity));
    write_fields(fields, &mut out);
    out.finish()
}

fn write_fields(fields: &[Field<'_>], out: &mut DocBuilder) {
    for Field { name, value } in fields {
        match value {
            Tree::Raw { tag, bytes } => out.append_raw(name.as_bytes(), *tag, bytes),
            Tree::Shared(value) => out.append_raw(name.as_bytes(), value.tag, &value.bytes),
            Tree::Document(fields) => out.append_with(name, |out| write_fields(fields, out)),
            Tree::Array(items) => out.append_array(name, |out| write_items(items, out)),
        };
    }
}

fn write_items(items: &[Tree<'_>], out: &mut ArrayBuilder) {
    for item in items {
        match item {
            Tree::Raw { tag, bytes } => out.push_raw(*tag, bytes),
            Tree::Shared(value) => out.push_raw(value.tag, &value.bytes),
            Tree::Document(fields) => out.push_with(|out| write_fields(fields, out)),
            Tree::Array(items) => out.push_array(|out| write_items(items, out)),
        };
    }
}
