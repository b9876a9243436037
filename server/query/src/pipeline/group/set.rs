//! `$addToSet`: each value once, in the order in which they were first seen.

use super::state::{Growth, State, append_key};
use crate::expression::{Evaluated, Value, size_of_value};
use quire_bson::{Bson, RawDoc};
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::collections::HashSet;

pub(super) struct Distinct {
    order: ValueOrder,
    seen: HashSet<Vec<u8>>,
    values: Vec<Bson>,
    /// The key of the value at hand.
    key: Vec<u8>,
}

impl Distinct {
    pub(super) fn by(order: &ValueOrder) -> Distinct {
        Distinct { order: order.clone(), seen: HashSet::new(), values: Vec::new(), key: Vec::new() }
    }
}

impl State for Distinct {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        self.key.clear();
        append_key(&mut self.key, &value, &self.order);
        if self.seen.contains(&self.key) {
            return Ok(Growth::NONE);
        }
        let Some(value) = value.into_value() else { return Ok(Growth::NONE) };
        let growth = Growth(self.key.len().saturating_add(size_of_value(&value)));
        self.seen.insert(self.key.clone());
        self.values.push(value);
        Ok(growth)
    }

    fn finish(&mut self) -> Result<Value> {
        self.seen.clear();
        Ok(Some(Bson::Array(std::mem::take(&mut self.values))))
    }
}
