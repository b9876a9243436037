//! What one accumulator of one group keeps.

use crate::expression::Value;
use crate::expression::accumulator::Accumulator;
use quire_bson::{Bson, DocBuilder, RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::Result;

pub(super) trait State: Send {
    /// Takes in a document, with the value of the accumulator's argument for it.
    fn add(&mut self, doc: RawDoc<'_>, value: Value) -> Result<()>;

    /// The result; the state is used up.
    fn finish(&mut self) -> Result<Value>;

    /// The bytes it holds that grow with what it has seen.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// An accumulator that looks at the value only.
pub(super) struct OfValue<A>(pub(super) A);

impl<A: Accumulator> State for OfValue<A> {
    fn add(&mut self, _: RawDoc<'_>, value: Value) -> Result<()> {
        self.0.add(value)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.finish())
    }
}

/// The bytes by which values are told apart: equal for equal values, whatever their numeric type.
pub(super) fn key_of(value: &Bson, order: &ValueOrder) -> Vec<u8> {
    let mut holder = DocBuilder::new();
    holder.append_bson("", value);
    let holder = holder.finish();
    let value = holder.as_raw().nth(0).map_or(RawValue::Null, |element| element.value());
    let mut key = Vec::new();
    quire_keys::encode_value(&mut key, order.key(value).value());
    key
}
