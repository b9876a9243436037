//! The order that a query asks for.

use crate::{Collation, Key};
use quire_bson::{Bson, RawValue};
use std::cmp::Ordering;
use std::sync::Arc;

/// The order of values: strings by their bytes, or by a collation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ValueOrder(Option<Arc<Collation>>);

impl ValueOrder {
    /// Strings by their bytes.
    pub const BYTES: ValueOrder = ValueOrder(None);

    pub fn new(collation: Option<Arc<Collation>>) -> ValueOrder {
        ValueOrder(collation)
    }

    pub fn collation(&self) -> Option<&Arc<Collation>> {
        self.0.as_ref()
    }

    /// This order, or that of bytes where the two cannot differ for comparisons with `value`.
    #[must_use]
    pub fn around(&self, value: RawValue<'_>) -> ValueOrder {
        if Collation::concerns(value) { self.clone() } else { ValueOrder::BYTES }
    }

    #[inline]
    pub fn compare(&self, a: RawValue<'_>, b: RawValue<'_>) -> Ordering {
        match &self.0 {
            None => quire_bson::compare(a, b),
            Some(collation) => collation.compare(a, b),
        }
    }

    #[inline]
    pub fn compare_bson(&self, a: &Bson, b: &Bson) -> Ordering {
        match &self.0 {
            None => quire_bson::compare_bson(a, b),
            Some(collation) => collation.compare_bson(a, b),
        }
    }

    /// The value that stands for `value` where bytes are compared.
    #[inline]
    pub fn key<'a>(&self, value: RawValue<'a>) -> Key<'a> {
        match &self.0 {
            None => Key::Same(value),
            Some(collation) => collation.key(value),
        }
    }
}
