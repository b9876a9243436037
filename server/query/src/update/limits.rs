//! What a stored document may be, checked on the result of an update.

use quire_bson::validate::{BYTES_MAX, STORED_LEVELS_MAX, USER_BYTES_MAX, is_nested_deeper_than};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// Refuses a document that is too large, too deep, or whose `_id` cannot identify it.
pub fn check_document(doc: RawDoc<'_>) -> Result<()> {
    check_size(doc)?;
    if is_nested_deeper_than(doc, STORED_LEVELS_MAX) {
        return Err(CommandError::new(
            Code::Overflow,
            format!("Document exceeds maximum nesting depth of {STORED_LEVELS_MAX}"),
        ));
    }
    doc.get("_id").map_or(Ok(()), check_id)
}

fn check_size(doc: RawDoc<'_>) -> Result<()> {
    let size = doc.as_bytes().len();
    if size > BYTES_MAX {
        let first = doc.nth(0).map_or_else(String::new, |element| {
            crate::render::element(element.key(), element.value())
        });
        return Err(CommandError::new(
            Code::BSONObjectTooLarge,
            format!(
                "BSONObj size: {size} (0x{size:X}) is invalid. Size must be between 0 and \
                 {BYTES_MAX}(16MB) First element: {first}"
            ),
        ));
    }
    if size > USER_BYTES_MAX {
        return Err(CommandError::location(
            17419,
            format!("Resulting document after update is larger than {USER_BYTES_MAX}"),
        ));
    }
    Ok(())
}

/// Refuses a value that cannot be an `_id`.
pub fn check_id(id: RawValue<'_>) -> Result<()> {
    match id {
        RawValue::Array(_) | RawValue::Regex { .. } | RawValue::Undefined => {
            Err(CommandError::new(
                Code::InvalidIdField,
                format!("The '_id' value cannot be of type {}", id.type_name()),
            ))
        }
        RawValue::Document(doc) => match doc.iter().find(|e| e.key_bytes().starts_with(b"$")) {
            Some(element) if !matches!(element.key(), "$ref" | "$id" | "$db") => {
                Err(CommandError::new(
                    Code::DollarPrefixedFieldName,
                    format!(
                        "_id fields may not contain '$'-prefixed fields: {} is not valid for \
                         storage.",
                        element.key()
                    ),
                ))
            }
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::{Bson, DocBuf, Document, doc};

    fn nested(levels: usize) -> Document {
        (1..levels).fold(doc! { "a": 1 }, |inner, _| doc! { "a": inner })
    }

    fn code(doc: &Document) -> i32 {
        check_document(DocBuf::from(doc).as_raw())
            .map_or_else(|error| error.code().number(), |()| 0)
    }

    #[test]
    fn nesting_is_bounded() {
        assert_eq!(code(&nested(STORED_LEVELS_MAX)), 0);
        assert_eq!(code(&nested(STORED_LEVELS_MAX + 1)), 15);
    }

    #[test]
    fn size_is_bounded_with_the_code_of_how_much_too_large_it_is() {
        let of_size = |bytes: usize| doc! { "a": "x".repeat(bytes - 13) };
        assert_eq!(code(&of_size(USER_BYTES_MAX)), 0);
        assert_eq!(code(&of_size(USER_BYTES_MAX + 1)), 17419);
        assert_eq!(code(&of_size(BYTES_MAX + 1)), 10334);
    }

    #[test]
    fn an_id_must_be_a_value_that_can_identify() {
        for (id, expected) in [
            (Bson::Int32(1), 0),
            (Bson::Null, 0),
            (Bson::Document(doc! { "a": 1 }), 0),
            (Bson::Array(vec![]), 53),
            (Bson::Undefined, 53),
            (Bson::Document(doc! { "$a": 1 }), 52),
        ] {
            assert_eq!(code(&doc! { "_id": id.clone() }), expected, "{id}");
        }
    }
}
