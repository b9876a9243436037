//! What is asked of one field.
//!
//! Owns the closed set of predicates and how each looks at arrays: most hold for an array when they
//! hold for one of its items or for the whole, `$size` and `$elemMatch` only look at whole arrays,
//! and a negation holds when nothing on the path matches. What the predicates test lives in their
//! families' files.

use super::array::ElemMatch;
use super::bits::BitTest;
use super::comparison::{Compare, In};
use super::element::TypeSet;
use super::modulo::Modulo;
use super::pattern::Pattern;
use crate::path::{FieldPath, LeafArrays, any_of_value};
use quire_bson::{RawDoc, RawElement, RawValue};
use quire_errors::Result;

#[derive(Clone, Debug)]
pub(crate) enum Predicate {
    Compare(Compare),
    In(In),
    Exists,
    Type(TypeSet),
    Modulo(Modulo),
    Regex(Pattern),
    Bits(BitTest),
    Size(usize),
    ElemMatch(ElemMatch),
    Not(Box<Predicate>),
    All(Vec<Predicate>),
    Never,
}

/// Where a predicate looks.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a, 'p> {
    /// A path into a document.
    Document(RawDoc<'a>, &'p FieldPath),
    /// A path whose first field was found already.
    Field(RawElement<'a>, &'p FieldPath),
    /// A value as if it stood at the end of a path.
    Value(RawValue<'a>),
}

impl<'a> Place<'a, '_> {
    fn any(
        self,
        leaf: LeafArrays,
        visit: &mut impl FnMut(Option<RawValue<'a>>, Option<usize>) -> Result<bool>,
    ) -> Result<bool> {
        match self {
            Place::Document(doc, path) => path.any(doc, leaf, visit),
            Place::Field(field, path) => path.any_from(field, leaf, visit),
            Place::Value(value) => any_of_value(value, leaf, visit),
        }
    }
}

const ARRAY: u8 = 0x04;

impl Predicate {
    pub(crate) fn negated(self) -> Predicate {
        Predicate::Not(Box::new(self))
    }

    /// Whether the predicate holds at a place. When an item of an array decided, `at` becomes its
    /// position.
    pub(crate) fn matches(&self, place: Place<'_, '_>, at: &mut Option<usize>) -> Result<bool> {
        match self {
            Predicate::Not(inner) => Ok(!inner.matches(place, &mut None)?),
            Predicate::All(all) => {
                for predicate in all {
                    if !predicate.matches(place, at)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            _ => place.any(self.leaf_arrays(), &mut |value, position| {
                if !self.matches_single(value, at)? {
                    return Ok(false);
                }
                // The outermost array on the path is the one that a position means.
                if position.is_some() {
                    *at = position;
                }
                Ok(true)
            }),
        }
    }

    /// [`Predicate::matches`] at a field that the path ends with or goes on from.
    #[inline]
    pub(crate) fn matches_field(
        &self,
        field: RawElement<'_>,
        path: &FieldPath,
        at: &mut Option<usize>,
    ) -> Result<bool> {
        if field.tag() == ARRAY || path.is_dotted() {
            return self.matches(Place::Field(field, path), at);
        }
        match self {
            Predicate::Compare(compare) => Ok(compare.matches_element(field)),
            Predicate::In(list) => list.matches_element(field),
            Predicate::Exists => Ok(true),
            Predicate::Type(types) => Ok(types.has_tag(field.tag())),
            _ => self.matches_single(Some(field.value()), at),
        }
    }

    /// Whether the predicate holds for exactly this value: its items are not looked at.
    pub(crate) fn matches_single(
        &self,
        value: Option<RawValue<'_>>,
        at: &mut Option<usize>,
    ) -> Result<bool> {
        Ok(match self {
            Predicate::Compare(compare) => compare.matches(value),
            Predicate::In(list) => list.matches(value)?,
            Predicate::Exists => value.is_some(),
            Predicate::Type(types) => value.is_some_and(|v| types.has_tag(v.tag())),
            Predicate::Modulo(modulo) => modulo.matches(value),
            Predicate::Regex(pattern) => pattern.matches(value)?,
            Predicate::Bits(bits) => bits.matches(value),
            Predicate::Size(size) => {
                value.and_then(RawValue::as_array).is_some_and(|items| has_count(items, *size))
            }
            Predicate::ElemMatch(test) => test.matches(value, at)?,
            Predicate::Not(inner) => !inner.matches_single(value, &mut None)?,
            Predicate::All(all) => {
                for predicate in all {
                    if !predicate.matches_single(value, at)? {
                        return Ok(false);
                    }
                }
                true
            }
            Predicate::Never => false,
        })
    }

    /// Whether the predicate holds when the path leads to a missing value.
    pub(crate) fn matches_missing(&self) -> bool {
        // Nothing that can fail looks at a missing value.
        self.matches_single(None, &mut None).unwrap_or(false)
    }

    pub(crate) fn leaf_arrays(&self) -> LeafArrays {
        match self {
            Predicate::Size(_) | Predicate::ElemMatch(_) => LeafArrays::Whole,
            _ => LeafArrays::Items,
        }
    }
}

/// Counts no further than one above the wanted number.
fn has_count(items: RawDoc<'_>, wanted: usize) -> bool {
    items.iter().take(wanted.saturating_add(1)).count() == wanted
}
