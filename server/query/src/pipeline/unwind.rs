//! `$unwind`: one document for each element of an array.

use super::stage::{Definition, Kind, StageSpec};
use super::{Flow, Output, Stage};
use crate::Constants;
use crate::field_path;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue, Scratch};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

#[derive(Clone, Debug)]
struct Unwind {
    path: Vec<String>,
    index: Option<Vec<String>>,
    /// Whether documents without elements pass too.
    preserve: bool,
}

impl Definition for Unwind {
    fn start(&self) -> Box<dyn Stage> {
        Box::new(Running {
            unwind: self.clone(),
            shown: Scratch::default(),
            with_index: Scratch::default(),
            rest: None,
        })
    }
}

struct Running {
    unwind: Unwind,
    shown: Scratch,
    with_index: Scratch,
    rest: Option<Rest>,
}

/// A document of whose array some elements are still to be shown.
struct Rest {
    doc: DocBuf,
    /// The first of them.
    next: usize,
}

impl Stage for Running {
    fn take(&mut self, doc: RawDoc<'_>, output: &mut dyn Output) -> Result<Flow> {
        match find(doc, &self.unwind.path) {
            Some(RawValue::Array(array)) if array.is_empty() => {
                if !self.unwind.preserve {
                    return Ok(Flow::More);
                }
                let path = &self.unwind.path;
                let without = set(&mut self.shown, doc, path, None);
                give(&self.unwind, &mut self.with_index, without, None, output)
            }
            Some(RawValue::Array(array)) => self.take_apart(doc, array, 0, output),
            None | Some(RawValue::Null | RawValue::Undefined) if !self.unwind.preserve => {
                Ok(Flow::More)
            }
            // What is no array counts as an array of itself.
            _ => give(&self.unwind, &mut self.with_index, doc, None, output),
        }
    }

    fn go_on(&mut self, output: &mut dyn Output) -> Result<Flow> {
        let Some(Rest { doc, next }) = self.rest.take() else { return Ok(Flow::More) };
        match find(doc.as_raw(), &self.unwind.path) {
            Some(RawValue::Array(array)) => self.take_apart(doc.as_raw(), array, next, output),
            _ => Ok(Flow::More),
        }
    }

    fn needs(&self, wanted: u64) -> u64 {
        wanted.min(1)
    }
}

impl Running {
    /// Gives a document for each element of its array, from the one at `first` on.
    fn take_apart(
        &mut self,
        doc: RawDoc<'_>,
        array: RawDoc<'_>,
        first: usize,
        output: &mut dyn Output,
    ) -> Result<Flow> {
        for (at, element) in array.iter().enumerate().skip(first) {
            let (path, value) = (&self.unwind.path, (element.tag(), element.value_bytes()));
            let single = set(&mut self.shown, doc, path, Some(value));
            match give(&self.unwind, &mut self.with_index, single, Some(at), output)? {
                Flow::More => {}
                Flow::Full => {
                    self.rest = Some(Rest { doc: DocBuf::from(doc), next: at + 1 });
                    return Ok(Flow::Full);
                }
                Flow::End => return Ok(Flow::End),
            }
        }
        Ok(Flow::More)
    }
}

/// Gives a document, with the position of its element if that is asked for.
fn give(
    unwind: &Unwind,
    with_index: &mut Scratch,
    doc: RawDoc<'_>,
    index: Option<usize>,
    output: &mut dyn Output,
) -> Result<Flow> {
    let Some(path) = &unwind.index else { return output.take(doc) };
    let index = index.map(|index| i64::try_from(index).unwrap_or(i64::MAX).to_le_bytes());
    let value = index.as_ref().map_or((0x0A, &[][..]), |index| (0x12, &index[..]));
    output.take(set(with_index, doc, path, Some(value)))
}

/// The value at a path through documents; an array on the way ends it.
fn find<'d>(doc: RawDoc<'d>, path: &[String]) -> Option<RawValue<'d>> {
    let (first, rest) = path.split_first()?;
    let value = doc.get(first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_document()?, rest) }
}

/// The document with the value at `path` replaced, made or taken away.
fn set<'s>(
    scratch: &'s mut Scratch,
    doc: RawDoc<'_>,
    path: &[String],
    value: Option<(u8, &[u8])>,
) -> RawDoc<'s> {
    scratch.make(|out| write(doc, path, value, out))
}

fn write(doc: RawDoc<'_>, path: &[String], value: Option<(u8, &[u8])>, out: &mut DocBuilder) {
    let Some((name, rest)) = path.split_first() else { return };
    let mut found = false;
    let write_here = |below: RawDoc<'_>, out: &mut DocBuilder| match value {
        _ if !rest.is_empty() => {
            out.append_with(name, |out| write(below, rest, value, out));
        }
        Some((tag, bytes)) => {
            out.append_raw(name.as_bytes(), tag, bytes);
        }
        None => {}
    };
    for element in doc {
        if element.key_bytes() == name.as_bytes() {
            found = true;
            write_here(element.value().as_document().unwrap_or(RawDoc::EMPTY), out);
        } else {
            out.append_element(element);
        }
    }
    if !found {
        write_here(RawDoc::EMPTY, out);
    }
}

pub(super) fn parse(
    name: &'static str,
    spec: RawValue<'_>,
    _: &Arc<Constants>,
) -> Result<Vec<StageSpec>> {
    let unwind = match spec {
        RawValue::String(path) => Unwind { path: read_path(path)?, index: None, preserve: false },
        RawValue::Document(options) => read_options(options)?,
        other => {
            return Err(CommandError::location(
                15981,
                format!(
                    "expected either a string or an object as specification for $unwind stage, \
                     got {}",
                    other.type_name()
                ),
            ));
        }
    };
    Ok(vec![StageSpec::new(name, spec, Kind::other(unwind))])
}

fn read_path(path: &str) -> Result<Vec<String>> {
    if path.is_empty() {
        return Err(CommandError::location(28812, "no path specified to $unwind stage"));
    }
    let Some(path) = path.strip_prefix('$') else {
        return Err(CommandError::location(
            28818,
            format!("path option to $unwind stage should be prefixed with a '$': {path}"),
        ));
    };
    Ok(field_path::components(path)?.map(str::to_owned).collect())
}

fn read_options(options: RawDoc<'_>) -> Result<Unwind> {
    let mut path = None;
    let mut unwind = Unwind { path: Vec::new(), index: None, preserve: false };
    for option in options {
        let value = option.value();
        let refuse = |number, what: &str| {
            Err(CommandError::location(
                number,
                format!("expected {what} $unwind stage, got {}", value.type_name()),
            ))
        };
        match (option.key(), value) {
            ("path", RawValue::String(text)) => path = Some(text),
            ("path", _) => return refuse(28808, "a string as the path for"),
            ("preserveNullAndEmptyArrays", RawValue::Boolean(flag)) => unwind.preserve = flag,
            ("preserveNullAndEmptyArrays", _) => {
                return refuse(28809, "a boolean for the preserveNullAndEmptyArrays option to");
            }
            ("includeArrayIndex", RawValue::String(text)) if !text.is_empty() => {
                unwind.index = Some(read_index(text)?);
            }
            ("includeArrayIndex", _) => {
                return refuse(28810, "a non-empty string for the includeArrayIndex option to");
            }
            (unknown, _) => {
                return Err(CommandError::location(
                    28811,
                    format!("unrecognized option to $unwind stage: {unknown}"),
                ));
            }
        }
    }
    let path =
        path.ok_or_else(|| CommandError::location(28812, "no path specified to $unwind stage"))?;
    unwind.path = read_path(path)?;
    Ok(unwind)
}

fn read_index(text: &str) -> Result<Vec<String>> {
    if text.starts_with('$') {
        return Err(CommandError::location(
            28822,
            format!(
                "includeArrayIndex option to $unwind stage should not be prefixed with a '$': \
                 {text}"
            ),
        ));
    }
    Ok(field_path::components(text)?.map(str::to_owned).collect())
}
