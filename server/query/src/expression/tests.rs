//! Operators by table: an expression, the document it sees, and its value or error number.

mod array;
mod conversion;
mod core;
mod dates;
mod numbers;
mod objects;
mod strings;

use super::{Expression, Value};
use crate::Constants;
use quire_bson::{Bson, DocBuf, Document, doc};
use quire_errors::{CommandError, Result};
use std::sync::Arc;

pub(super) fn constants() -> Arc<Constants> {
    Arc::new(Constants {
        now_millis: 1_700_000_000_000,
        cluster_time: Some((7, 8)),
        variables: vec![("given".to_owned(), Bson::Int32(42))],
        unbound: Vec::new(),
        random_seed: 1,
        scripting: crate::scripts::Scripting::Off,
        order: crate::ValueOrder::BYTES,
    })
}

pub(super) fn evaluate(expression: impl Into<Bson>, document: Document) -> Result<Value> {
    let holder = DocBuf::from(&doc! { "e": expression.into() });
    let expression = holder.as_raw().get("e").unwrap();
    Expression::parse(expression, &constants())?.evaluate(DocBuf::from(&document).as_raw())
}

/// Each expression gives its value, for a document that all share. `Bson::MaxKey` stands for a
/// missing value, which no expression of the tables gives otherwise.
#[track_caller]
pub(super) fn gives(document: Document, cases: impl IntoIterator<Item = (Bson, Bson)>) {
    for (expression, expected) in cases {
        let expected = Some(expected).filter(|value| *value != Bson::MaxKey);
        let value = evaluate(expression.clone(), document.clone());
        match value {
            Ok(value) => assert_eq!(value, expected, "{expression}"),
            Err(error) => panic!("{expression} failed: {error:?}"),
        }
    }
}

pub(super) const MISSING: Bson = Bson::MaxKey;

/// Each expression fails with its error number, for a document that all share.
#[track_caller]
pub(super) fn fails(
    document: Document,
    cases: impl IntoIterator<Item = (Bson, i32, &'static str)>,
) {
    for (expression, code, message) in cases {
        let error = failure(expression.clone(), document.clone());
        assert_eq!(error.code().number(), code, "{expression}: {error:?}");
        assert_eq!(error.message(), message, "{expression}");
    }
}

#[track_caller]
pub(super) fn failure(expression: Bson, document: Document) -> CommandError {
    match evaluate(expression.clone(), document) {
        Ok(value) => panic!("{expression} gave {value:?}"),
        Err(error) => error,
    }
}
