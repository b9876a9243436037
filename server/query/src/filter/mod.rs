//! Filters: which documents a query means.

use crate::Constants;
use quire_bson::{Bson, RawDoc};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

/// A parsed filter.
#[derive(Clone, Debug)]
pub struct Filter {}

impl Filter {
    pub fn parse(_filter: RawDoc<'_>, _constants: &Arc<Constants>) -> Result<Filter> {
        Err(CommandError::internal("filters are being written"))
    }

    pub fn matches(&self, _doc: RawDoc<'_>) -> Result<bool> {
        Err(CommandError::internal("filters are being written"))
    }

    /// Like `matches`, and tells which element of an array matched first: what `$` in an update or
    /// projection stands for.
    pub fn matches_at(&self, _doc: RawDoc<'_>, _position: &mut Option<usize>) -> Result<bool> {
        Err(CommandError::internal("filters are being written"))
    }

    /// The `path: value` pairs that a matching document must equal, from which an upsert starts.
    pub fn equalities(&self) -> Vec<(String, Bson)> {
        Vec::new()
    }
}

/// A filter on one value instead of a document: `{$gt: 3}` as in `$pull`.
#[derive(Clone, Debug)]
pub struct ValueFilter {}

impl ValueFilter {
    /// Parses an operator document such as `{$gt: 3, $lt: 5}`.
    pub fn parse(_operators: RawDoc<'_>, _constants: &Arc<Constants>) -> Result<ValueFilter> {
        Err(CommandError::internal("filters are being written"))
    }

    pub fn matches(&self, _value: quire_bson::RawValue<'_>) -> Result<bool> {
        Err(CommandError::internal("filters are being written"))
    }
}
