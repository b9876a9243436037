//! `$addToSet`: each value once, in the order in which they were first seen.

use super::state::{State, key_of};
use crate::expression::{Value, size_of_value};
use quire_bson::{Bson, RawDoc};
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::collections::HashSet;

pub(super) struct Distinct {
    order: ValueOrder,
    seen: HashSet<Vec<u8>>,
    values: Vec<Bson>,
    held_bytes: usize,
}

impl Distinct {
    pub(super) fn by(order: &ValueOrder) -> Distinct {
        Distinct { order: order.clone(), seen: HashSet::new(), values: Vec::new(), held_bytes: 0 }
    }
}

impl State for Distinct {
    fn add(&mut self, _: RawDoc<'_>, value: Value) -> Result<()> {
        let Some(value) = value else { return Ok(()) };
        let key = key_of(&value, &self.order);
        let bytes = key.len().saturating_add(size_of_value(&value));
        if self.seen.insert(key) {
            self.held_bytes = self.held_bytes.saturating_add(bytes);
            self.values.push(value);
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Value> {
        self.seen.clear();
        Ok(Some(Bson::Array(std::mem::take(&mut self.values))))
    }

    fn held_bytes(&self) -> usize {
        self.held_bytes
    }
}
