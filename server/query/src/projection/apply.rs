//! Applying a projection to one document.
//!
//! Recursion follows the tree of the projection and the nesting of the document's arrays, both of
//! which are bounded by the depth of valid BSON.

use super::{Fields, Kind, Node, Slice};
use quire_bson::{ArrayBuilder, DocBuilder, RawDoc, RawElement, RawValue};
use quire_errors::{CommandError, Result};

/// The application to one document.
#[derive(Clone, Copy)]
pub(super) struct Run<'r> {
    pub(super) root: RawDoc<'r>,
    /// The matched element; taken away below the array that it was used for.
    pub(super) position: Option<usize>,
    pub(super) kind: Kind,
}

impl Run<'_> {
    /// Projects the document at one level.
    pub(super) fn fields(
        self,
        fields: &Fields,
        doc: RawDoc<'_>,
        out: &mut DocBuilder,
    ) -> Result<()> {
        let mut awaited = fields.entries.len();
        for element in doc {
            match fields.get(element.key_bytes()) {
                Some(node) => {
                    self.field(node, element, out)?;
                    awaited = awaited.saturating_sub(1);
                    // The rest of the document holds nothing that is to be shown.
                    if awaited == 0 && self.kind == Kind::Inclusion {
                        break;
                    }
                }
                None if self.kind == Kind::Exclusion => {
                    out.append_element(element);
                }
                None => {}
            }
        }
        if fields.computes { self.added_fields(fields, doc, out) } else { Ok(()) }
    }

    /// Projects one field that the specification names and the document has.
    fn field(self, node: &Node, element: RawElement<'_>, out: &mut DocBuilder) -> Result<()> {
        match node {
            Node::Include => {
                out.append_element(element);
            }
            // Computed fields follow when the level is done.
            Node::Exclude | Node::Computed(_) | Node::ElemMatch(_) => {}
            Node::Slice(slice) => append_slice(*slice, element, out),
            Node::Positional => match element.value() {
                RawValue::Array(array) if self.position.is_some() => {
                    let matched = self.matched(array)?;
                    out.append_array(element.key(), |items| {
                        items.push_raw(matched.tag(), matched.value_bytes());
                    });
                }
                _ => {
                    out.append_element(element);
                }
            },
            Node::Nested(fields) => return self.nested(fields, element, out),
        }
        Ok(())
    }

    fn nested(self, fields: &Fields, element: RawElement<'_>, out: &mut DocBuilder) -> Result<()> {
        let mut outcome = Ok(());
        match element.value() {
            RawValue::Document(doc) => {
                out.append_with(element.key(), |out| outcome = self.fields(fields, doc, out));
            }
            RawValue::Array(array) => {
                out.append_array(element.key(), |out| outcome = self.items(fields, array, out));
            }
            _ if self.kind == Kind::Exclusion => {
                out.append_element(element);
            }
            // A scalar has none of the included fields below it.
            _ => {}
        }
        outcome
    }

    /// Projects each element of an array.
    fn items(self, fields: &Fields, array: RawDoc<'_>, out: &mut ArrayBuilder) -> Result<()> {
        if fields.positional && self.position.is_some() {
            let matched = self.matched(array)?;
            return Run { position: None, ..self }.item(fields, matched, out);
        }
        for element in array {
            self.item(fields, element, out)?;
        }
        Ok(())
    }

    fn item(self, fields: &Fields, item: RawElement<'_>, out: &mut ArrayBuilder) -> Result<()> {
        let mut outcome = Ok(());
        match item.value() {
            RawValue::Document(doc) => {
                out.push_with(|out| outcome = self.fields(fields, doc, out));
            }
            RawValue::Array(array) => {
                out.push_array(|out| outcome = self.items(fields, array, out));
            }
            _ if self.kind == Kind::Exclusion => {
                out.push_raw(item.tag(), item.value_bytes());
            }
            _ => {}
        }
        outcome
    }

    /// The element that the filter matched.
    fn matched(self, array: RawDoc<'_>) -> Result<RawElement<'_>> {
        self.position.and_then(|at| array.nth(at)).ok_or_else(|| {
            CommandError::location(51247, "positional operator '.$' element mismatch")
        })
    }

    /// Appends what the document's own fields did not give: computed values, `$elemMatch`, and
    /// levels that exist only because something below them is computed.
    fn added_fields(self, fields: &Fields, doc: RawDoc<'_>, out: &mut DocBuilder) -> Result<()> {
        for (name, node) in &fields.entries {
            match node {
                Node::Computed(expression) => {
                    if let Some(value) = expression.evaluate(self.root)? {
                        out.append_bson(name, &value);
                    }
                }
                Node::ElemMatch(filter) => {
                    let mut position = None;
                    if filter.matches_at(self.root, &mut position)?
                        && let Some(array) = self.root.get(name).and_then(RawValue::as_array)
                        && let Some(found) = position.and_then(|at| array.nth(at))
                    {
                        out.append_array(name, |items| {
                            items.push_raw(found.tag(), found.value_bytes());
                        });
                    }
                }
                Node::Nested(below) if below.computes && !holds_fields(doc.get(name)) => {
                    let mut outcome = Ok(());
                    out.append_with(name, |out| {
                        outcome = self.added_fields(below, RawDoc::EMPTY, out);
                    });
                    outcome?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// True when computed fields below a value were written where the value stands.
fn holds_fields(value: Option<RawValue<'_>>) -> bool {
    matches!(value, Some(RawValue::Document(_) | RawValue::Array(_)))
}

fn append_slice(slice: Slice, element: RawElement<'_>, out: &mut DocBuilder) {
    if let RawValue::Array(array) = element.value() {
        out.append_array(element.key(), |items| {
            for item in slice.of(array) {
                items.push_raw(item.tag(), item.value_bytes());
            }
        });
    } else {
        out.append_element(element);
    }
}
