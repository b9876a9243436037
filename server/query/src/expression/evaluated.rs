//! A value as an expression gives it: where it stands in the document if it is there already, so that
//! who only looks at it needs no copy.

use super::value::Value;
use quire_bson::{Bson, DocBuf, Number, RawValue};

/// What an expression gives for a document.
#[derive(Debug)]
pub enum Evaluated<'d> {
    Missing,
    /// It stands in the document, or in the expression.
    Stored(RawValue<'d>),
    Made(Bson),
}

impl Evaluated<'_> {
    /// The value as one that is kept.
    pub fn into_value(self) -> Value {
        match self {
            Evaluated::Missing => None,
            Evaluated::Stored(value) => Some(value.to_bson()),
            Evaluated::Made(value) => Some(value),
        }
    }

    /// The number it is, if it is one.
    pub fn number(&self) -> Option<Number> {
        match self {
            Evaluated::Missing => None,
            Evaluated::Stored(value) => Number::from_raw(*value),
            Evaluated::Made(value) => Number::from_bson(value),
        }
    }

    /// Shows the value to `look`; what is missing shows as null.
    pub fn look<R>(&self, look: impl FnOnce(RawValue<'_>) -> R) -> R {
        match self {
            Evaluated::Missing => look(RawValue::Null),
            Evaluated::Stored(value) => look(*value),
            Evaluated::Made(value) => match RawValue::of_scalar(value) {
                Some(value) => look(value),
                None => {
                    let holder = DocBuf::of_value(value);
                    look(holder.as_raw().nth(0).map_or(RawValue::Null, |element| element.value()))
                }
            },
        }
    }
}

impl From<Value> for Evaluated<'_> {
    fn from(value: Value) -> Self {
        value.map_or(Evaluated::Missing, Evaluated::Made)
    }
}
