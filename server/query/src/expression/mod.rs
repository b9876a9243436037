//! Expressions: values computed from a document.

use crate::Constants;
use quire_bson::{Bson, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

/// A parsed expression.
#[derive(Clone, Debug)]
pub struct Expression {}

impl Expression {
    pub fn parse(_value: RawValue<'_>, _constants: &Arc<Constants>) -> Result<Expression> {
        Err(CommandError::internal("expressions are being written"))
    }

    /// The value for one document; `None` is a missing value.
    pub fn evaluate(&self, _root: RawDoc<'_>) -> Result<Option<Bson>> {
        Err(CommandError::internal("expressions are being written"))
    }
}

/// MongoDB's truth: everything but false, null, undefined, missing and zero.
pub fn is_true(value: Option<&Bson>) -> bool {
    !matches!(
        value,
        None | Some(Bson::Boolean(false) | Bson::Null | Bson::Undefined | Bson::Int32(0))
    )
}
