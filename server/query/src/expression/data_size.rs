//! `$bsonSize`, `$binarySize`.

use super::table::{Family, Syntax};
use super::value::{NULL, Value, int, is_nullish, type_name};
use quire_bson::{Bson, DocBuf};
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family =
    &[("$binarySize", Syntax::Unary(binary_size)), ("$bsonSize", Syntax::Unary(bson_size))];

fn binary_size(value: Value) -> Result<Value> {
    match &value {
        value if is_nullish(value) => Ok(NULL),
        Some(Bson::String(text)) => Ok(int(text.len())),
        Some(Bson::Binary(binary)) => Ok(int(binary.bytes.len())),
        other => Err(CommandError::location(
            51276,
            format!(
                "$binarySize requires a string or BinData argument, found: {}",
                type_name(other.as_ref())
            ),
        )),
    }
}

fn bson_size(value: Value) -> Result<Value> {
    match &value {
        value if is_nullish(value) => Ok(NULL),
        Some(Bson::Document(doc)) => Ok(int(DocBuf::from(doc).as_bytes().len())),
        other => Err(CommandError::location(
            31393,
            format!("$bsonSize requires a document input, found: {}", type_name(other.as_ref())),
        )),
    }
}
