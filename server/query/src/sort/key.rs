//! The bytes that a document sorts by.
//!
//! Owns the choice among the elements of arrays: every combination that a compound index would hold
//! is made, and the smallest one in the order of the pattern is the key. Walks raw bytes only.

use super::SortPattern;
use crate::field_path::array_index;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};

/// How far one field of the pattern has been followed.
#[derive(Clone, Copy)]
enum Cursor<'a, 'p> {
    /// The value to sort by.
    Value(RawValue<'a>),
    /// A document in which the rest of the path, never empty, is still to be followed.
    Inside(RawDoc<'a>, &'p [String]),
    /// An array of whose elements one must be chosen, and the path below them.
    Array(RawDoc<'a>, &'p [String]),
}

/// Appends the key of `doc` to `out`.
pub(super) fn write(sort: &SortPattern, doc: RawDoc<'_>, out: &mut Vec<u8>) -> Result<()> {
    let start = out.len();
    for (path, (_, direction)) in sort.components.iter().zip(&sort.fields) {
        let Cursor::Value(value) = follow(Cursor::Inside(doc, path)) else {
            // Without arrays there is one key. With them there is a choice.
            out.truncate(start);
            return write_smallest(sort, doc, out);
        };
        append(sort, value, *direction, out);
    }
    Ok(())
}

fn append(sort: &SortPattern, value: RawValue<'_>, direction: i32, out: &mut Vec<u8>) {
    let key = sort.order.key(value);
    if direction < 0 {
        quire_keys::encode_value_descending(out, key.value());
    } else {
        quire_keys::encode_value(out, key.value());
    }
}

fn write_smallest(sort: &SortPattern, doc: RawDoc<'_>, out: &mut Vec<u8>) -> Result<()> {
    let paths = sort.components.iter();
    let cursors: Vec<_> = paths.map(|path| follow(Cursor::Inside(doc, path))).collect();
    let mut best = Best { sort, start: out.len(), out, scratch: Vec::new(), found: false };
    expand(&cursors, &mut best)
}

/// The smallest key so far, kept in place at the end of the output.
struct Best<'b> {
    sort: &'b SortPattern,
    start: usize,
    out: &'b mut Vec<u8>,
    scratch: Vec<u8>,
    found: bool,
}

impl Best<'_> {
    fn offer(&mut self, cursors: &[Cursor<'_, '_>]) {
        self.scratch.clear();
        // The first key, and for most documents the only one, is written where it stays.
        let target = if self.found { &mut self.scratch } else { &mut *self.out };
        for (cursor, (_, direction)) in cursors.iter().zip(&self.sort.fields) {
            let value = if let Cursor::Value(value) = cursor { *value } else { RawValue::Null };
            append(self.sort, value, *direction, target);
        }
        if self.found && self.out.get(self.start..).is_some_and(|best| self.scratch[..] < *best) {
            self.out.truncate(self.start);
            self.out.extend_from_slice(&self.scratch);
        }
        self.found = true;
    }
}

/// Offers every key that can be made. Each level consumes a path component or ends at an array's
/// own elements, so the recursion is no deeper than the longest path.
fn expand(cursors: &[Cursor<'_, '_>], best: &mut Best<'_>) -> Result<()> {
    let mut shared: Option<RawDoc<'_>> = None;
    for cursor in cursors {
        if let Cursor::Array(array, _) = cursor {
            if shared.is_some_and(|known| known.as_bytes().as_ptr() != array.as_bytes().as_ptr()) {
                return Err(CommandError::bad_value(
                    "cannot sort with keys that are parallel arrays",
                ));
            }
            shared = Some(*array);
        }
    }
    let Some(array) = shared else {
        best.offer(cursors);
        return Ok(());
    };
    if array.is_empty() {
        let chosen: Vec<_> = cursors.iter().map(|cursor| choose(*cursor, None)).collect();
        return expand(&chosen, best);
    }
    let mut chosen = Vec::with_capacity(cursors.len());
    for element in array {
        chosen.clear();
        let value = Some(element.value());
        chosen.extend(cursors.iter().map(|cursor| choose(*cursor, value)));
        expand(&chosen, best)?;
    }
    Ok(())
}

/// Puts one element of the array in the place of the array; without one the array is empty.
fn choose<'a, 'p>(cursor: Cursor<'a, 'p>, element: Option<RawValue<'a>>) -> Cursor<'a, 'p> {
    match (cursor, element) {
        (Cursor::Array(_, []), Some(value)) => Cursor::Value(value),
        (Cursor::Array(_, []), None) => Cursor::Value(RawValue::Undefined),
        (Cursor::Array(_, rest), Some(RawValue::Document(doc))) => {
            follow(Cursor::Inside(doc, rest))
        }
        (Cursor::Array(..), _) => Cursor::Value(RawValue::Null),
        (other, _) => other,
    }
}

/// Follows documents, and positions written as numbers, until a value or an array to choose from.
fn follow<'a, 'p>(cursor: Cursor<'a, 'p>) -> Cursor<'a, 'p> {
    let Cursor::Inside(mut doc, mut path) = cursor else {
        return cursor;
    };
    while let [name, rest @ ..] = path {
        let Some(mut value) = doc.get(name) else {
            return Cursor::Value(RawValue::Null);
        };
        path = rest;
        while let RawValue::Array(array) = value {
            let at = path.first().and_then(|name| array_index(name)).and_then(|n| array.nth(n));
            let (Some(element), [_, rest @ ..]) = (at, path) else {
                return Cursor::Array(array, path);
            };
            value = element.value();
            path = rest;
        }
        match (value, path) {
            (value, []) => return Cursor::Value(value),
            (RawValue::Document(inner), _) => doc = inner,
            _ => return Cursor::Value(RawValue::Null),
        }
    }
    Cursor::Value(RawValue::Document(doc))
}
