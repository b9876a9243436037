//! `$eq`, `$gt`, `$gte`, `$lt`, `$lte`, `$ne`, `$in`, `$nin`.
//!
//! Owns type bracketing: a comparison only holds between values of one canonical type, except that
//! a missing field equals null and everything lies between the min key and the max key.

use super::operand::Operand;
use super::parse::{FieldOperator, Parsed};
use super::pattern::Pattern;
use super::predicate::Predicate;
use quire_bson::compare::canonical_type_of_tag;
use quire_bson::{ArrayBuilder, Number, RawElement, RawValue, canonical_type};
use quire_collation::{Collation, ValueOrder};
use quire_errors::{CommandError, Result};
use std::cmp::Ordering;

/// How a value must lie to the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Eq,
    Gt,
    Gte,
    Lt,
    Lte,
}

impl Op {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Op::Eq => "$eq",
            Op::Gt => "$gt",
            Op::Gte => "$gte",
            Op::Lt => "$lt",
            Op::Lte => "$lte",
        }
    }

    #[inline]
    pub(crate) fn holds(self, ordering: Ordering) -> bool {
        match self {
            Op::Eq => ordering.is_eq(),
            Op::Gt => ordering.is_gt(),
            Op::Gte => ordering.is_ge(),
            Op::Lt => ordering.is_lt(),
            Op::Lte => ordering.is_le(),
        }
    }
}

/// A comparison with one value.
#[derive(Clone, Debug)]
pub(crate) struct Compare {
    op: Op,
    operand: Operand,
    class: u8,
    nan: bool,
    order: ValueOrder,
}

impl Compare {
    pub(crate) fn new(op: Op, operand: Operand, order: &ValueOrder) -> Compare {
        let class = canonical_type_of_tag(operand.tag());
        let nan = is_nan(operand.value());
        let order = order.around(operand.value());
        Compare { op, operand, class, nan, order }
    }

    pub(crate) fn op(&self) -> Op {
        self.op
    }

    pub(crate) fn operand(&self) -> &Operand {
        &self.operand
    }

    /// The order in which it compares; that of bytes where no other could differ.
    pub(crate) fn order(&self) -> &ValueOrder {
        &self.order
    }

    pub(crate) fn matches(&self, value: Option<RawValue<'_>>) -> bool {
        let Some(value) = value else {
            return self.matches_missing();
        };
        if canonical_type(value) != self.class {
            return self.beyond_class();
        }
        // NaN equals itself, so `$gte` and `$lte` hold for it, and it compares with nothing else.
        if self.class == NUMBER && is_nan(value) != self.nan {
            return false;
        }
        self.op.holds(self.order.compare(value, self.operand.value()))
    }

    /// [`Compare::matches`] on an element, without decoding it where its bytes tell enough.
    #[inline]
    pub(crate) fn matches_element(&self, element: RawElement<'_>) -> bool {
        if element.tag() != self.operand.tag() || self.order.collation().is_some() {
            return self.matches(Some(element.value()));
        }
        match element.tag() {
            INT32 => {
                let int32 = |bytes: &[u8]| bytes.try_into().map(i32::from_le_bytes);
                match (int32(element.value_bytes()), int32(self.operand.bytes())) {
                    (Ok(a), Ok(b)) => self.op.holds(a.cmp(&b)),
                    _ => false,
                }
            }
            // One type, one encoding per value: equal bytes are equal values.
            STRING | OBJECT_ID | BOOLEAN | DATE | INT64 | TIMESTAMP if self.op == Op::Eq => {
                element.value_bytes() == self.operand.bytes()
            }
            // Strings and object ids order as their bytes do.
            STRING => self.op.holds(text(element.value_bytes()).cmp(text(self.operand.bytes()))),
            OBJECT_ID => self.op.holds(element.value_bytes().cmp(self.operand.bytes())),
            _ => self.matches(Some(element.value())),
        }
    }

    fn matches_missing(&self) -> bool {
        match self.operand.tag() {
            NULL => matches!(self.op, Op::Eq | Op::Gte | Op::Lte),
            _ => self.beyond_class(),
        }
    }

    /// Whether values of all other types match: only where the operand ends the whole order.
    fn beyond_class(&self) -> bool {
        match self.op {
            Op::Eq => false,
            Op::Gt | Op::Gte => self.operand.tag() == MIN_KEY,
            Op::Lt | Op::Lte => self.operand.tag() == MAX_KEY,
        }
    }
}

const STRING: u8 = 0x02;
const OBJECT_ID: u8 = 0x07;
const BOOLEAN: u8 = 0x08;
const DATE: u8 = 0x09;
const NULL: u8 = 0x0A;
const REGEX: u8 = 0x0B;
const UNDEFINED: u8 = 0x06;
const INT32: u8 = 0x10;
const TIMESTAMP: u8 = 0x11;
const INT64: u8 = 0x12;
const MAX_KEY: u8 = 0x7F;
const MIN_KEY: u8 = 0xFF;
/// The canonical type of all numbers.
const NUMBER: u8 = 10;

/// A string's bytes without length and final NUL.
fn text(bytes: &[u8]) -> &[u8] {
    bytes.get(4..bytes.len().saturating_sub(1)).unwrap_or_default()
}

pub(crate) fn is_nan(value: RawValue<'_>) -> bool {
    match value {
        RawValue::Double(x) => x.is_nan(),
        RawValue::Decimal128(_) => {
            matches!(Number::from_raw(value), Some(Number::Decimal(d)) if d.is_nan())
        }
        _ => false,
    }
}

/// Membership in a list.
#[derive(Clone, Debug)]
pub(crate) struct In {
    /// Sorted, each value once.
    values: Vec<Operand>,
    patterns: Vec<Pattern>,
    has_null: bool,
    /// All values are strings, or all are object ids: they order as their bytes do.
    bytewise: Option<u8>,
    order: ValueOrder,
}

impl In {
    pub(crate) fn new(mut values: Vec<Operand>, patterns: Vec<Pattern>, order: &ValueOrder) -> In {
        let concerned = values.iter().find(|value| Collation::concerns(value.value()));
        let order = concerned.map_or(ValueOrder::BYTES, |_| order.clone());
        values.sort_by(|a, b| order.compare(a.value(), b.value()));
        values.dedup_by(|a, b| order.compare(a.value(), b.value()).is_eq());
        let has_null = values.iter().any(|v| v.tag() == NULL);
        let tag = values.first().map(Operand::tag);
        let bytewise = tag.filter(|tag| {
            order.collation().is_none()
                && matches!(*tag, STRING | OBJECT_ID)
                && values.iter().all(|v| v.tag() == *tag)
        });
        In { values, patterns, has_null, bytewise, order }
    }

    pub(crate) fn values(&self) -> &[Operand] {
        &self.values
    }

    /// The order in which it compares; that of bytes where no other could differ.
    pub(crate) fn order(&self) -> &ValueOrder {
        &self.order
    }

    pub(crate) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    pub(crate) fn matches(&self, value: Option<RawValue<'_>>) -> Result<bool> {
        let Some(value) = value else {
            return Ok(self.has_null);
        };
        if self.values.binary_search_by(|v| self.order.compare(v.value(), value)).is_ok() {
            return Ok(true);
        }
        for pattern in &self.patterns {
            if pattern.matches(Some(value))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// [`In::matches`] on an element, without decoding it where its bytes tell enough.
    #[inline]
    pub(crate) fn matches_element(&self, element: RawElement<'_>) -> Result<bool> {
        if self.bytewise != Some(element.tag()) || !self.patterns.is_empty() {
            return self.matches(Some(element.value()));
        }
        let content = |bytes| if element.tag() == STRING { text(bytes) } else { bytes };
        let wanted = content(element.value_bytes());
        Ok(self.values.binary_search_by(|v| content(v.bytes()).cmp(wanted)).is_ok())
    }

    pub(crate) fn write_values(&self, list: &mut ArrayBuilder) {
        for value in &self.values {
            list.push(value.value());
        }
        for pattern in &self.patterns {
            list.push(RawValue::Regex { pattern: pattern.source(), options: pattern.options() });
        }
    }
}

/// The operand of a comparison; undefined is a type of the past that nothing may be compared with.
pub(crate) fn operand(element: RawElement<'_>) -> Result<Operand> {
    if element.tag() == UNDEFINED {
        return Err(CommandError::bad_value("cannot compare to undefined"));
    }
    Ok(Operand::from(element))
}

fn comparison(op: Op, operator: &FieldOperator<'_>) -> Parsed {
    if op != Op::Eq && operator.element.tag() == REGEX {
        return Err(CommandError::bad_value(format!(
            "Can't have RegEx as arg to predicate over field '{}'.",
            operator.path
        )));
    }
    let order = &operator.context.constants.order;
    Ok(Some(Predicate::Compare(Compare::new(op, operand(operator.element)?, order))))
}

pub(super) fn eq(operator: &FieldOperator<'_>) -> Parsed {
    comparison(Op::Eq, operator)
}

pub(super) fn gt(operator: &FieldOperator<'_>) -> Parsed {
    comparison(Op::Gt, operator)
}

pub(super) fn gte(operator: &FieldOperator<'_>) -> Parsed {
    comparison(Op::Gte, operator)
}

pub(super) fn lt(operator: &FieldOperator<'_>) -> Parsed {
    comparison(Op::Lt, operator)
}

pub(super) fn lte(operator: &FieldOperator<'_>) -> Parsed {
    comparison(Op::Lte, operator)
}

pub(super) fn ne(operator: &FieldOperator<'_>) -> Parsed {
    if operator.element.tag() == REGEX {
        return Err(CommandError::bad_value("Can't have regex as arg to $ne."));
    }
    Ok(comparison(Op::Eq, operator)?.map(Predicate::negated))
}

pub(super) fn is_in(operator: &FieldOperator<'_>) -> Parsed {
    let RawValue::Array(items) = operator.element.value() else {
        return Err(CommandError::bad_value(format!("{} needs an array", operator.element.key())));
    };
    let mut values = Vec::new();
    let mut patterns = Vec::new();
    for item in items {
        match item.value() {
            RawValue::Regex { pattern, options } => patterns.push(Pattern::new(pattern, options)?),
            RawValue::Document(doc) if super::parse::is_operators(doc) => {
                return Err(CommandError::bad_value(format!(
                    "cannot nest $ under {}",
                    operator.element.key()
                )));
            }
            _ => values.push(operand(item)?),
        }
    }
    Ok(Some(Predicate::In(In::new(values, patterns, &operator.context.constants.order))))
}

pub(super) fn not_in(operator: &FieldOperator<'_>) -> Parsed {
    Ok(is_in(operator)?.map(Predicate::negated))
}
