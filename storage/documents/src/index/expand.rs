//! Turning one document into the keys it has, arrays expanded.
//!
//! All fields of an index are followed at once. When their paths end without meeting an array there
//! is one key. When some meet the *same* array there is one key (or more, further down) for each of
//! its elements, and every field whose path runs through that array takes its value from the same
//! element. Two different arrays at one level would need their product and are refused.
//!
//! The rules that clients see: a missing value is null, an empty array at the end of a path is
//! undefined, an array inside an array is a value of its own, and a number in a path names a
//! position of an array or a field of its elements but never both.

use super::path::{Found, follow, follow_position, split};
use super::{IndexKeys, KeyError, encode_field};
use crate::{FieldOrder, IndexSpec};
use quire_bson::{RawDoc, RawValue};

/// How far one field of the index has come: its path still to go, or its value.
#[derive(Clone, Copy)]
enum Slot<'d, 'p> {
    Path(&'p str),
    /// The path ended at an array whose elements are the values.
    Elements,
    Value(RawValue<'d>),
}

/// What a path finds by naming a position of the array that is being expanded.
#[derive(Clone, Copy)]
struct Positional<'d, 'p> {
    found: Option<Found<'d, 'p>>,
    nested: bool,
}

/// The array that the fields have met at one level.
struct Met<'d, 'p> {
    array: RawDoc<'d>,
    name: &'p str,
    /// The fields whose paths run through it.
    fields: u32,
    /// A position led to an array inside an array, which is one value and not expanded.
    whole: bool,
}

struct Expansion<'s, 'k> {
    spec: &'s IndexSpec,
    keys: &'k mut IndexKeys,
}

/// Adds the keys of `doc`, unsorted.
pub(super) fn expand(
    spec: &IndexSpec,
    doc: RawDoc<'_>,
    keys: &mut IndexKeys,
) -> Result<(), KeyError> {
    let slots: Vec<_> = spec.fields.iter().map(|field| Slot::Path(&field.path)).collect();
    Expansion { spec, keys }.object(doc, slots, &[], 0)
}

impl<'d, 's> Expansion<'s, '_> {
    /// Follows every unfinished path from `object` on. `missing` counts fields found missing above.
    fn object(
        &mut self,
        object: RawDoc<'d>,
        mut slots: Vec<Slot<'d, 's>>,
        positions: &[Option<Positional<'d, 's>>],
        mut missing: usize,
    ) -> Result<(), KeyError> {
        let mut met: Option<Met<'d, 's>> = None;
        let mut bit = 1_u32;
        for (n, slot) in slots.iter_mut().enumerate() {
            if let Slot::Path(path) = *slot {
                let position = positions.get(n).copied().flatten();
                let (found, nested) = next(object, path, position)?;
                match found {
                    None => {
                        *slot = Slot::Value(RawValue::Null);
                        missing += 1;
                    }
                    Some(Found { name, value: RawValue::Array(array), rest }) => {
                        *slot = rest.map_or(Slot::Elements, Slot::Path);
                        let met = met.get_or_insert(Met { array, name, fields: 0, whole: false });
                        if met.array.as_bytes().as_ptr() != array.as_bytes().as_ptr() {
                            let (first, second) = (met.name.to_owned(), name.to_owned());
                            return Err(KeyError::ParallelArrays { first, second });
                        }
                        met.fields |= bit;
                        met.whole |= nested;
                    }
                    Some(Found { value, .. }) => *slot = Slot::Value(value),
                }
            }
            bit = bit.wrapping_shl(1);
        }
        match met {
            Some(met) => self.array(&met, &slots, missing),
            None if self.spec.sparse && missing == slots.len() => Ok(()),
            None => self.key(&slots),
        }
    }

    /// Makes the keys of each element of the array that was met.
    fn array(
        &mut self,
        met: &Met<'d, 's>,
        slots: &[Slot<'d, 's>],
        missing: usize,
    ) -> Result<(), KeyError> {
        self.check_not_hashed(met.fields)?;
        if met.array.is_empty() {
            self.keys.multikey |= met.fields;
            return self.element(RawValue::Undefined, slots, &[], missing);
        }
        let mut positions = Vec::with_capacity(slots.len());
        let mut each = false;
        let mut bit = 1_u32;
        for slot in slots {
            let through = met.fields & bit != 0;
            let position = match slot {
                Slot::Path(path) if through => follow_position(met.array, path)
                    .map(|(found, nested)| Positional { found, nested }),
                _ => None,
            };
            if through && position.is_none() {
                self.keys.multikey |= bit;
                each = true;
            }
            positions.push(position);
            bit = bit.wrapping_shl(1);
        }
        if !each {
            // Every path names a position, so all elements would give the same keys.
            return self.element(RawValue::Null, slots, &positions, missing);
        }
        for element in met.array {
            let value = if met.whole { RawValue::Array(met.array) } else { element.value() };
            let inside = element.value().as_document().unwrap_or(RawDoc::EMPTY);
            self.within(value, inside, slots, &positions, missing)?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        value: RawValue<'d>,
        slots: &[Slot<'d, 's>],
        positions: &[Option<Positional<'d, 's>>],
        missing: usize,
    ) -> Result<(), KeyError> {
        self.within(value, RawDoc::EMPTY, slots, positions, missing)
    }

    /// Gives `value` to the fields that end at the array and follows the others into `inside`.
    fn within(
        &mut self,
        value: RawValue<'d>,
        inside: RawDoc<'d>,
        slots: &[Slot<'d, 's>],
        positions: &[Option<Positional<'d, 's>>],
        missing: usize,
    ) -> Result<(), KeyError> {
        let slots: Vec<_> = slots
            .iter()
            .map(|slot| match slot {
                Slot::Elements => Slot::Value(value),
                Slot::Path(_) | Slot::Value(_) => *slot,
            })
            .collect();
        // Each level takes a component off some path and one level of nesting off the document, so
        // the depth is bounded by that of documents.
        self.object(inside, slots, positions, missing)
    }

    fn key(&mut self, slots: &[Slot<'d, 's>]) -> Result<(), KeyError> {
        let IndexSpec { fields, order, .. } = self.spec;
        self.keys.push(|out| {
            for (field, slot) in fields.iter().zip(slots) {
                let value = match slot {
                    Slot::Value(value) => *value,
                    Slot::Path(_) | Slot::Elements => RawValue::Null,
                };
                encode_field(out, field.order, order.key(value).value());
            }
        })
    }

    fn check_not_hashed(&self, fields: u32) -> Result<(), KeyError> {
        let mut bit = 1_u32;
        for field in &self.spec.fields {
            if fields & bit != 0 && field.order == FieldOrder::Hashed {
                return Err(KeyError::HashedArray { path: field.path.to_string() });
            }
            bit = bit.wrapping_shl(1);
        }
        Ok(())
    }
}

/// What a path leads to from `object`, or from a position of the array that `object` is in.
fn next<'d, 'p>(
    object: RawDoc<'d>,
    path: &'p str,
    position: Option<Positional<'d, 'p>>,
) -> Result<(Option<Found<'d, 'p>>, bool), KeyError> {
    let Some(Positional { found, nested }) = position else {
        return Ok((follow(object, path), false));
    };
    let (name, _) = split(path);
    if object.get(name).is_some() {
        return Err(KeyError::AmbiguousField { field: name.to_owned() });
    }
    Ok((found, nested))
}
