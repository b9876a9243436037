//! What a value is converted to.

use super::super::numeric::exact_i64;
use super::super::value::{is_number, type_name};
use quire_bson::{BinarySubtype, Bson};
use quire_errors::{CommandError, Result};

#[derive(Clone, Copy, Debug)]
pub(super) enum Target {
    Double,
    Text,
    ObjectId,
    Bool,
    Date,
    Int,
    Long,
    Decimal,
    Binary(BinarySubtype),
    /// A type that nothing is converted to, by its name.
    Unsupported(&'static str),
}

/// All types by number and name.
const TYPES: &[(i64, &str, Target)] = &[
    (-1, "minKey", Target::Unsupported("minKey")),
    (1, "double", Target::Double),
    (2, "string", Target::Text),
    (3, "object", Target::Unsupported("object")),
    (4, "array", Target::Unsupported("array")),
    (5, "binData", Target::Binary(BinarySubtype::Generic)),
    (6, "undefined", Target::Unsupported("undefined")),
    (7, "objectId", Target::ObjectId),
    (8, "bool", Target::Bool),
    (9, "date", Target::Date),
    (10, "null", Target::Unsupported("null")),
    (11, "regex", Target::Unsupported("regex")),
    (12, "dbPointer", Target::Unsupported("dbPointer")),
    (13, "javascript", Target::Unsupported("javascript")),
    (14, "symbol", Target::Unsupported("symbol")),
    (15, "javascriptWithScope", Target::Unsupported("javascriptWithScope")),
    (16, "int", Target::Int),
    (17, "timestamp", Target::Unsupported("timestamp")),
    (18, "long", Target::Long),
    (19, "decimal", Target::Decimal),
    (127, "maxKey", Target::Unsupported("maxKey")),
];

impl Target {
    /// Reads the `to` operand: a name, a number, or an object with `type` and `subtype`.
    pub(super) fn read(to: &Bson) -> Result<Target> {
        match to {
            Bson::String(name) => by_name(name),
            Bson::Document(doc) => {
                let unknown = doc.keys().find(|key| !matches!(key.as_str(), "type" | "subtype"));
                if let Some(unknown) = unknown {
                    return Err(CommandError::failed_to_parse(format!(
                        "$convert found an unknown argument in 'to': {unknown}"
                    )));
                }
                let Some(inner) = doc.get("type") else {
                    return Err(CommandError::failed_to_parse("Missing 'type' field in 'to'"));
                };
                match (Target::read_simple(inner)?, doc.get("subtype")) {
                    (Target::Binary(_), Some(subtype)) => subtype_of(subtype).map(Target::Binary),
                    (target, _) => Ok(target),
                }
            }
            simple => Target::read_simple(simple),
        }
    }

    fn read_simple(to: &Bson) -> Result<Target> {
        match to {
            Bson::String(name) => by_name(name),
            number if is_number(number) => by_number(number),
            other => Err(CommandError::failed_to_parse(format!(
                "$convert's 'to' argument must be a string or number, but is {}",
                type_name(Some(other))
            ))),
        }
    }
}

fn by_name(name: &str) -> Result<Target> {
    match TYPES.iter().find(|(_, known, _)| *known == name) {
        Some((.., target)) => Ok(*target),
        None => Err(CommandError::bad_value(format!("Unknown type name: {name}"))),
    }
}

fn by_number(number: &Bson) -> Result<Target> {
    let Some(code) = exact_i64(number) else {
        return Err(CommandError::failed_to_parse(
            "In $convert, numeric 'to' argument is not an integer",
        ));
    };
    match TYPES.iter().find(|(known, ..)| *known == code) {
        Some((.., target)) => Ok(*target),
        None => Err(CommandError::failed_to_parse(format!(
            "In $convert, numeric value for 'to' does not correspond to a BSON type: {code}"
        ))),
    }
}

fn subtype_of(subtype: &Bson) -> Result<BinarySubtype> {
    match exact_i64(subtype).and_then(|code| u8::try_from(code).ok()) {
        Some(code @ (0..=8 | 128..)) => Ok(BinarySubtype::from(code)),
        _ => Err(CommandError::bad_value(
            "In $convert, numeric value for 'subtype' does not correspond to a BinData type",
        )),
    }
}
