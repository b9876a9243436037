//! `$unwind`: one document for each element of an array.

use super::stage::{Definition, Kind, StageSpec};
use super::{Input, Stage, Step};
use crate::Constants;
use crate::field_path;
use quire_bson::{DocBuf, DocBuilder, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::ops::Range;
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
        Box::new(Running { unwind: self.clone(), current: None })
    }
}

struct Running {
    unwind: Unwind,
    current: Option<Current>,
}

/// A document whose array is being taken apart.
struct Current {
    doc: DocBuf,
    /// Type and place of each element's value within the bytes of `doc`.
    elements: Vec<(u8, Range<usize>)>,
    next: usize,
}

impl Current {
    fn new(doc: DocBuf, elements: Vec<(u8, Range<usize>)>) -> Current {
        Current { doc, elements, next: 0 }
    }
}

impl Stage for Running {
    fn next(&mut self, input: &mut dyn Input) -> Result<Step> {
        loop {
            if let Some(doc) = self.next_of_current() {
                return Ok(Step::Doc(doc));
            }
            match input.next()? {
                Step::Doc(doc) => {
                    if let Some(doc) = self.begin(doc) {
                        return Ok(Step::Doc(doc));
                    }
                }
                other => return Ok(other),
            }
        }
    }
}

impl Running {
    fn next_of_current(&mut self) -> Option<DocBuf> {
        let current = self.current.as_mut()?;
        let Some((tag, range)) = current.elements.get(current.next) else {
            self.current = None;
            return None;
        };
        let value = current.doc.as_bytes().get(range.clone()).unwrap_or_default();
        let doc = set(current.doc.as_raw(), &self.unwind.path, Some((*tag, value)));
        let index = i64::try_from(current.next).unwrap_or(i64::MAX);
        current.next += 1;
        Some(self.unwind.with_index(doc, Some(index)))
    }

    /// Takes a new document: gives it back when it passes as it is, or makes it the current one.
    fn begin(&mut self, doc: DocBuf) -> Option<DocBuf> {
        let unwind = &self.unwind;
        match find(doc.as_raw(), &unwind.path) {
            Some(RawValue::Array(array)) if array.is_empty() => {
                let without = || set(doc.as_raw(), &unwind.path, None);
                unwind.preserve.then(|| unwind.with_index(without(), None))
            }
            Some(RawValue::Array(array)) => {
                let elements = places(doc.as_bytes(), array);
                self.current = Some(Current::new(doc, elements));
                None
            }
            None | Some(RawValue::Null | RawValue::Undefined) => {
                unwind.preserve.then(|| unwind.with_index(doc, None))
            }
            // What is no array counts as an array of itself.
            Some(_) => Some(unwind.with_index(doc, None)),
        }
    }
}

impl Unwind {
    fn with_index(&self, doc: DocBuf, index: Option<i64>) -> DocBuf {
        let Some(path) = &self.index else { return doc };
        let bytes = index.unwrap_or(0).to_le_bytes();
        let value = if index.is_some() { (0x12, &bytes[..]) } else { (0x0A, &[][..]) };
        set(doc.as_raw(), path, Some(value))
    }
}

/// Where the values of an array's elements lie within the bytes of the document that holds it.
fn places(doc: &[u8], array: RawDoc<'_>) -> Vec<(u8, Range<usize>)> {
    let base = doc.as_ptr().addr();
    let place = |value: &[u8]| {
        let start = value.as_ptr().addr().saturating_sub(base);
        start..start.saturating_add(value.len())
    };
    array.iter().map(|element| (element.tag(), place(element.value_bytes()))).collect()
}

/// The value at a path through documents; an array on the way ends it.
fn find<'d>(doc: RawDoc<'d>, path: &[String]) -> Option<RawValue<'d>> {
    let (first, rest) = path.split_first()?;
    let value = doc.get(first)?;
    if rest.is_empty() { Some(value) } else { find(value.as_document()?, rest) }
}

/// The document with the value at `path` replaced, made or taken away.
fn set(doc: RawDoc<'_>, path: &[String], value: Option<(u8, &[u8])>) -> DocBuf {
    let mut out = DocBuilder::new();
    write(doc, path, value, &mut out);
    out.finish()
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
