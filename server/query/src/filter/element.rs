//! `$exists` and `$type`.

use super::parse::{FieldOperator, Parsed};
use super::predicate::Predicate;
use crate::render;
use quire_bson::{ArrayBuilder, Number, RawElement, RawValue};
use quire_errors::{CommandError, Result};

/// A set of BSON types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct TypeSet {
    /// One bit per type tag; see [`bit`].
    bits: u32,
}

/// Every type: its tag as `$type` numbers it, its name, and whether "number" means it.
const TYPES: &[(u8, i32, &str, bool)] = &[
    (0x01, 1, "double", true),
    (0x02, 2, "string", false),
    (0x03, 3, "object", false),
    (0x04, 4, "array", false),
    (0x05, 5, "binData", false),
    (0x06, 6, "undefined", false),
    (0x07, 7, "objectId", false),
    (0x08, 8, "bool", false),
    (0x09, 9, "date", false),
    (0x0A, 10, "null", false),
    (0x0B, 11, "regex", false),
    (0x0C, 12, "dbPointer", false),
    (0x0D, 13, "javascript", false),
    (0x0E, 14, "symbol", false),
    (0x0F, 15, "javascriptWithScope", false),
    (0x10, 16, "int", true),
    (0x11, 17, "timestamp", false),
    (0x12, 18, "long", true),
    (0x13, 19, "decimal", true),
    (0xFF, -1, "minKey", false),
    (0x7F, 127, "maxKey", false),
];

/// The bit of a type: its tag, with the two far-away keys moved next to the others.
#[inline]
fn bit(tag: u8) -> u32 {
    match tag {
        0x00..=0x13 => 1 << tag,
        0x7F => 1 << 20,
        0xFF => 1 << 21,
        _ => 0,
    }
}

impl TypeSet {
    pub(crate) fn of_name(name: &str) -> Option<TypeSet> {
        if name == "number" {
            return Some(TypeSet::numbers());
        }
        let (tag, ..) = TYPES.iter().find(|(_, _, known, _)| *known == name)?;
        Some(TypeSet { bits: bit(*tag) })
    }

    pub(crate) fn of_code(code: i32) -> Option<TypeSet> {
        let (tag, ..) = TYPES.iter().find(|(_, known, ..)| *known == code)?;
        Some(TypeSet { bits: bit(*tag) })
    }

    fn numbers() -> TypeSet {
        let bits = TYPES.iter().filter(|t| t.3).fold(0, |bits, t| bits | bit(t.0));
        TypeSet { bits }
    }

    #[must_use]
    pub(crate) fn union(self, other: TypeSet) -> TypeSet {
        TypeSet { bits: self.bits | other.bits }
    }

    #[inline]
    pub(crate) fn has_tag(self, tag: u8) -> bool {
        self.bits & bit(tag) != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The type tags of the set.
    pub(crate) fn tags(self) -> impl Iterator<Item = u8> {
        TYPES.iter().map(|t| t.0).filter(move |tag| self.has_tag(*tag))
    }

    pub(crate) fn write_codes(self, list: &mut ArrayBuilder) {
        for (tag, code, ..) in TYPES {
            if self.has_tag(*tag) {
                list.push(RawValue::Int32(*code));
            }
        }
    }
}

pub(super) fn exists(operator: &FieldOperator<'_>) -> Parsed {
    let wanted = match operator.element.value() {
        RawValue::Boolean(flag) => flag,
        RawValue::Null | RawValue::Undefined => false,
        value => Number::from_raw(value).is_none_or(|n| !n.compare(Number::Int32(0)).is_eq()),
    };
    Ok(Some(if wanted { Predicate::Exists } else { Predicate::Exists.negated() }))
}

pub(super) fn of_type(operator: &FieldOperator<'_>) -> Parsed {
    let mut types = TypeSet::default();
    match operator.element.value() {
        RawValue::Array(items) => {
            for item in items {
                types = types.union(one_type(item)?);
            }
        }
        _ => types = one_type(operator.element)?,
    }
    if types.is_empty() {
        return Err(CommandError::failed_to_parse(format!(
            "{} must match at least one type",
            operator.path
        )));
    }
    Ok(Some(Predicate::Type(types)))
}

fn one_type(element: RawElement<'_>) -> Result<TypeSet> {
    match element.value() {
        RawValue::String("missing") => Err(CommandError::bad_value(
            "'missing' is not a legal type name. To query for non-existence of a field, use \
             {$exists:false}.",
        )),
        RawValue::String(name) => TypeSet::of_name(name)
            .ok_or_else(|| CommandError::bad_value(format!("Unknown type name alias: {name}"))),
        value if value.is_number() => {
            let code = super::whole::exact(value).and_then(|code| i32::try_from(code).ok());
            if code == Some(0) {
                return Err(CommandError::bad_value(
                    "Invalid numerical type code: 0. Instead use {$exists:false}.",
                ));
            }
            code.and_then(TypeSet::of_code).ok_or_else(|| {
                CommandError::bad_value(format!(
                    "Invalid numerical type code: {}",
                    render::value(value)
                ))
            })
        }
        _ => Err(CommandError::type_mismatch(format!(
            "type must be represented as a number or a string: {}",
            render::element(element.key(), element.value())
        ))),
    }
}
