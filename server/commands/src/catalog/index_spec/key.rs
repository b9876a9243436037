//! Key patterns: which fields an index has, and in what order.

use super::cannot_create;
use crate::arguments::number;
use quire_bson::{RawDoc, RawValue, shell_text};
use quire_documents::FIELDS_MAX;
use quire_errors::{Code, CommandError, Result};

/// Refuses key patterns that MongoDB refuses, and those that would make an index nobody can use.
pub fn check(key: RawDoc<'_>) -> Result<()> {
    if key.is_empty() {
        return Err(cannot_create("Index keys cannot be an empty object."));
    }
    if key.count() > FIELDS_MAX {
        return Err(CommandError::location(13103, "too many compound keys"));
    }
    let mut hashed = 0;
    for (n, field) in key.iter().enumerate() {
        if key.iter().take(n).any(|before| before.key() == field.key()) {
            return Err(CommandError::bad_value(format!(
                "Index key pattern {} has the field '{}' twice",
                shell_text(key),
                field.key()
            )));
        }
        check_value(field.key(), field.value())?;
        check_path(field.key())?;
        hashed += usize::from(field.value().as_str() == Some("hashed"));
    }
    if hashed > 1 {
        return Err(CommandError::location(
            31303,
            format!(
                "A maximum of one index field is allowed to be hashed but found {hashed} for \
                 'key' {}",
                shell_text(key)
            ),
        ));
    }
    if is_id_pattern(key) && !is_on_id(key) {
        return Err(CommandError::bad_value(format!(
            "The field 'key' for an _id index must be {{_id: 1}}, but got {}",
            shell_text(key)
        )));
    }
    Ok(())
}

fn check_value(path: &str, value: RawValue<'_>) -> Result<()> {
    if path == "$**" || path.ends_with(".$**") {
        return Err(unsupported("wildcard"));
    }
    match value {
        RawValue::String("hashed") => Ok(()),
        RawValue::String(kind @ ("text" | "2d" | "2dsphere")) => Err(unsupported(kind)),
        RawValue::String("") => {
            Err(cannot_create("Values in the index key pattern cannot be empty strings"))
        }
        RawValue::String(other) => Err(cannot_create(format!("Unknown index plugin '{other}'"))),
        value => match number(value) {
            Some(x) if x.is_nan() => {
                Err(cannot_create("Values in the index key pattern cannot be NaN."))
            }
            Some(0.0) => Err(cannot_create("Values in the index key pattern cannot be 0.")),
            Some(_) => Ok(()),
            None => Err(cannot_create(format!(
                "Values in v:2 index key pattern cannot be of type {}. Only numbers > 0, numbers \
                 < 0, and strings are allowed.",
                value.type_name()
            ))),
        },
    }
}

/// An index that finds nothing would be worse than none.
fn unsupported(kind: &str) -> CommandError {
    CommandError::new(Code::CommandNotSupported, format!("{kind} indexes are not supported yet"))
}

fn check_path(path: &str) -> Result<()> {
    let parts = || path.split('.');
    if parts().any(str::is_empty) {
        return Err(cannot_create("Index keys cannot contain an empty field."));
    }
    // The fields of a reference are the only ones with a dollar.
    let dollar = |part: &str| part.starts_with('$') && !["$id", "$ref", "$db"].contains(&part);
    if parts().any(dollar) {
        return Err(cannot_create(
            "Index key contains an illegal field name: field name starts with '$'.",
        ));
    }
    Ok(())
}

/// `{_id: 1}` or `{_id: -1}`.
fn is_id_pattern(key: RawDoc<'_>) -> bool {
    let mut fields = key.iter();
    matches!(
        (fields.next(), fields.next()),
        (Some(field), None) if field.key() == "_id"
            && number(field.value()).is_some_and(|x| x.abs() == 1.0)
    )
}

/// True for the key pattern of the index that every collection has.
pub fn is_on_id(key: RawDoc<'_>) -> bool {
    is_id_pattern(key) && key.get("_id").and_then(number) == Some(1.0)
}

/// The name an index gets when none is given: `a_1_b_-1`.
pub fn default_name(key: RawDoc<'_>) -> String {
    let part = |field: quire_bson::RawElement<'_>| {
        let value = match field.value() {
            RawValue::String(kind) => kind.to_owned(),
            other => number(other).map(|x| format!("{x}")).unwrap_or_default(),
        };
        format!("{}_{value}", field.key())
    };
    key.iter().map(part).collect::<Vec<_>>().join("_")
}
