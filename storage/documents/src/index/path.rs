//! Walking a dotted path through documents, up to the first array.

use quire_bson::{RawDoc, RawValue};

/// What stands at the end of a path, or the array that is in its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'d, 'p> {
    /// The field's own name, for messages.
    pub(super) name: &'p str,
    pub(super) value: RawValue<'d>,
    /// What is left of the path behind an array; `None` at the end of the path.
    pub(super) rest: Option<&'p str>,
}

/// Follows `path` from `doc` on. Stops at an array, which has to be expanded first.
pub(super) fn follow<'d, 'p>(doc: RawDoc<'d>, path: &'p str) -> Option<Found<'d, 'p>> {
    let mut doc = doc;
    let mut path = path;
    loop {
        let (name, rest) = split(path);
        let value = doc.get(name)?;
        match (value, rest) {
            (RawValue::Array(_), _) | (_, None) => return Some(Found { name, value, rest }),
            (RawValue::Document(inner), Some(rest)) => {
                doc = inner;
                path = rest;
            }
            _ => return None,
        }
    }
}

/// [`follow`] for a path whose first component is a position in `array`. The second result tells
/// that the element at the position is itself an array.
pub(super) fn follow_position<'d, 'p>(
    array: RawDoc<'d>,
    path: &'p str,
) -> Option<(Option<Found<'d, 'p>>, bool)> {
    let (name, rest) = split(path);
    let value = array.nth(position(name)?)?.value();
    let nested = matches!(value, RawValue::Array(_));
    let found = match (value, rest) {
        (RawValue::Array(_), _) | (_, None) => Some(Found { name, value, rest }),
        (RawValue::Document(inner), Some(rest)) => follow(inner, rest),
        _ => None,
    };
    Some((found, nested))
}

/// The first component of a path and what follows it.
pub(super) fn split(path: &str) -> (&str, Option<&str>) {
    match path.split_once('.') {
        Some((name, rest)) => (name, Some(rest)),
        None => (path, None),
    }
}

/// A component as an array position: digits only, without leading zeros.
fn position(name: &str) -> Option<usize> {
    let digits = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    let plain = name.len() == 1 || !name.starts_with('0');
    if digits && plain { name.parse().ok() } else { None }
}
