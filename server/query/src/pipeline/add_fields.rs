//! `$addFields` and `$set`: fields computed from the document and laid over it, also below arrays.

use super::stage::{Definition, Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use crate::expression::{DEPTH_MAX, Expression, invalid_stage};
use crate::field_path;
use quire_bson::{ArrayBuilder, DocBuilder, RawDoc, RawElement, RawValue, Scratch};
use quire_errors::{Code, CommandError, Result};
use std::sync::Arc;

/// The assignments at one level of the document.
#[derive(Debug, Default)]
struct Fields {
    entries: Vec<(String, Node)>,
}

#[derive(Debug)]
enum Node {
    Value(Expression),
    Below(Fields),
}

#[derive(Clone, Debug)]
struct AddFields {
    fields: Arc<Fields>,
    shown: Scratch,
}

impl Definition for AddFields {
    fn start(&self) -> Box<dyn Stage> {
        Box::new(self.clone())
    }
}

impl Stage for AddFields {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        let fields = &self.fields;
        output.take(self.shown.try_make(|shown| fields.write(doc, doc, shown))?)
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted
    }
}

impl Fields {
    /// Writes `doc` with the assignments, which are computed from `root`.
    fn write(&self, root: RawDoc<'_>, doc: RawDoc<'_>, out: &mut DocBuilder) -> Result<()> {
        for element in doc {
            match self.entries.iter().find(|(name, _)| name.as_bytes() == element.key_bytes()) {
                None => {
                    out.append_element(element);
                }
                Some((_, Node::Value(expression))) => {
                    append(element.key(), expression, root, out)?;
                }
                Some((_, Node::Below(fields))) => fields.write_over(root, element, out)?,
            }
        }
        for (name, node) in &self.entries {
            if doc.get(name).is_some() {
                continue;
            }
            match node {
                Node::Value(expression) => append(name, expression, root, out)?,
                Node::Below(fields) => {
                    let mut outcome = Ok(());
                    out.append_with(name, |out| outcome = fields.write(root, RawDoc::EMPTY, out));
                    outcome?;
                }
            }
        }
        Ok(())
    }

    /// Writes the assignments over a value: into a document, into each element of an array, and in
    /// place of anything else.
    fn write_over(
        &self,
        root: RawDoc<'_>,
        element: RawElement<'_>,
        out: &mut DocBuilder,
    ) -> Result<()> {
        let mut outcome = Ok(());
        match element.value() {
            RawValue::Array(items) => {
                out.append_array(element.key(), |out| {
                    outcome = self.write_items(root, items, out);
                });
            }
            value => {
                let doc = value.as_document().unwrap_or(RawDoc::EMPTY);
                out.append_with(element.key(), |out| outcome = self.write(root, doc, out));
            }
        }
        outcome
    }

    fn write_items(
        &self,
        root: RawDoc<'_>,
        items: RawDoc<'_>,
        out: &mut ArrayBuilder,
    ) -> Result<()> {
        for item in items {
            let mut outcome = Ok(());
            match item.value() {
                RawValue::Array(inner) => {
                    out.push_array(|out| outcome = self.write_items(root, inner, out));
                }
                value => {
                    let doc = value.as_document().unwrap_or(RawDoc::EMPTY);
                    out.push_with(|out| outcome = self.write(root, doc, out));
                }
            }
            outcome?;
        }
        Ok(())
    }

    fn add(&mut self, path: &str, node: Node) -> Result<()> {
        let (name, rest) = match path.split_once('.') {
            Some((name, rest)) => (name, Some(rest)),
            None => (path, None),
        };
        let known = self.entries.iter_mut().find(|(known, _)| known == name);
        match (known, rest) {
            (None, None) => self.entries.push((name.to_owned(), node)),
            (None, Some(rest)) => {
                let mut below = Fields::default();
                below.add(rest, node)?;
                self.entries.push((name.to_owned(), Node::Below(below)));
            }
            (Some((_, Node::Below(below))), Some(rest)) => below.add(rest, node)?,
            (Some((_, Node::Below(below))), None) => match node {
                Node::Below(more) => {
                    for (name, node) in more.entries {
                        below.add(&name, node)?;
                    }
                }
                Node::Value(_) => return Err(collision(path)),
            },
            (Some((_, Node::Value(_))), _) => return Err(collision(path)),
        }
        Ok(())
    }
}

fn append(
    name: &str,
    expression: &Expression,
    root: RawDoc<'_>,
    out: &mut DocBuilder,
) -> Result<()> {
    // A missing value takes the field away.
    if let Some(value) = expression.evaluate(root)? {
        out.append_bson(name, &value);
    }
    Ok(())
}

fn collision(path: &str) -> CommandError {
    CommandError::location(31250, format!("Path collision at {path}"))
}

fn read(spec: RawDoc<'_>, constants: &Arc<Constants>, depth: usize) -> Result<Fields> {
    if depth > DEPTH_MAX {
        return Err(CommandError::new(Code::Overflow, "the specification is nested too deeply"));
    }
    let mut fields = Fields::default();
    for element in spec {
        // Checked as a whole, which also bounds how deep `add` goes.
        field_path::components(element.key())?;
        let node = match element.value() {
            RawValue::Document(below) if is_literal_object(below) => {
                Node::Below(read(below, constants, depth + 1)?)
            }
            value => Node::Value(Expression::parse_in_pipeline(value, constants)?),
        };
        fields.add(element.key(), node)?;
    }
    Ok(fields)
}

/// An object that names fields, neither an operator nor empty.
fn is_literal_object(doc: RawDoc<'_>) -> bool {
    doc.iter().next().is_some_and(|first| !first.key().starts_with('$'))
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    constants: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let RawValue::Document(fields) = spec else {
        return Err(CommandError::location(
            40272,
            format!("{name} specification stage must be an object, got {}", spec.type_name()),
        ));
    };
    let refuse = |error: CommandError| invalid_stage(name, error);
    if fields.is_empty() {
        return Err(refuse(CommandError::location(
            40177,
            "specification must have at least one field",
        )));
    }
    let fields = Arc::new(read(fields, constants, 0).map_err(refuse)?);
    Ok(vec![StageSpec::new(
        name,
        spec,
        Kind::other(AddFields { fields, shown: Scratch::default() }),
    )])
}
