//! `$documents`: documents that stand in the pipeline itself.

use crate::Constants;
use crate::expression::{Expression, type_name};
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

/// The documents of a `$documents` source, which is an expression that gives an array of objects.
pub fn documents(options: RawValue<'_>, constants: &Arc<Constants>) -> Result<Vec<DocBuf>> {
    let value = Expression::parse_in_pipeline(options, constants)?.evaluate(RawDoc::EMPTY)?;
    let Some(Bson::Array(items)) = value else {
        return Err(CommandError::location(
            5_858_203,
            format!(
                "an array is expected as the argument of $documents, found {}",
                type_name(value.as_ref())
            ),
        ));
    };
    let documents = items.iter().map(|item| match item {
        Bson::Document(doc) => Ok(DocBuf::from(doc)),
        other => Err(CommandError::location(
            40228,
            format!(
                "'$documents' must give objects, but one of them was of type '{}'",
                type_name(Some(other))
            ),
        )),
    });
    documents.collect()
}
