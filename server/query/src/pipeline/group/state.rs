//! What one accumulator of one group keeps.

use crate::expression::accumulator::Accumulator;
use crate::expression::{Evaluated, Value};
use quire_bson::RawDoc;
use quire_collation::ValueOrder;
use quire_errors::Result;

pub(super) trait State: Send {
    /// Takes in a document, with the value of the accumulator's argument for it.
    fn add(&mut self, doc: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth>;

    /// The result; the state is used up.
    fn finish(&mut self) -> Result<Value>;
}

/// By how many bytes a state came to hold more than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Growth(pub(super) usize);

impl Growth {
    /// For states that do not grow with what they see.
    pub(super) const NONE: Growth = Growth(0);

    pub(super) fn between(before: usize, after: usize) -> Growth {
        Growth(after.saturating_sub(before))
    }
}

/// An accumulator that looks at the value only.
pub(super) struct OfValue<A>(pub(super) A);

impl<A: Accumulator> State for OfValue<A> {
    fn add(&mut self, _: RawDoc<'_>, value: Evaluated<'_>) -> Result<Growth> {
        self.0.add(value).map(|()| Growth::NONE)
    }

    fn finish(&mut self) -> Result<Value> {
        Ok(self.0.finish())
    }
}

/// Appends the bytes by which values are told apart: equal for equal values, whatever their numeric
/// type.
pub(super) fn append_key(key: &mut Vec<u8>, value: &Evaluated<'_>, order: &ValueOrder) {
    value.look(|value| quire_keys::encode_value(key, order.key(value).value()));
}
