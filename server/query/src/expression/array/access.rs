//! Reaching into arrays: `$arrayElemAt`, `$first`, `$last`, `$in`, `$indexOfArray`, `$isArray`,
//! `$size`, `$slice`.

use super::elements;
use crate::expression::numeric::exact_i32;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{
    NULL, Value, boolean, compare_values, int, is_nullish, is_number, show, type_name,
};
use quire_bson::Bson;
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$arrayElemAt", Syntax::Binary(element_at)),
    ("$first", Syntax::Unary(|value| end_of(value, "$first", |items| items.into_iter().next()))),
    ("$in", Syntax::BinaryBy(contains)),
    ("$indexOfArray", Syntax::BetweenBy(2, 4, index_of)),
    ("$isArray", Syntax::Unary(|value| Ok(boolean(matches!(value, Some(Bson::Array(_))))))),
    ("$last", Syntax::Unary(|value| end_of(value, "$last", |mut items| items.pop()))),
    ("$size", Syntax::Unary(size)),
    ("$slice", Syntax::Between(2, 3, slice)),
];

fn end_of(value: Value, name: &str, pick: fn(Vec<Bson>) -> Value) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let items = elements(value, |found| {
        CommandError::location(
            28689,
            format!("{name}'s argument must be an array, but is {}", type_name(found)),
        )
    })?;
    Ok(pick(items))
}

fn element_at(array: Value, index: Value) -> Result<Value> {
    if is_nullish(&array) || is_nullish(&index) {
        return Ok(NULL);
    }
    let items = elements(array, |found| {
        CommandError::location(
            28689,
            format!("$arrayElemAt's first argument must be an array, but is {}", type_name(found)),
        )
    })?;
    if !index.as_ref().is_some_and(is_number) {
        return Err(CommandError::location(
            28690,
            format!(
                "$arrayElemAt's second argument must be a numeric value, but is {}",
                type_name(index.as_ref())
            ),
        ));
    }
    let index = index.as_ref().and_then(exact_i32).ok_or_else(|| {
        CommandError::location(
            28691,
            format!(
                "$arrayElemAt's second argument must be representable as a 32-bit integer: {}",
                show(index.as_ref())
            ),
        )
    })?;
    Ok(position(index, items.len()).and_then(|at| items.into_iter().nth(at)))
}

/// An index counted from the end when negative; `None` outside the array.
fn position(index: i32, len: usize) -> Option<usize> {
    let from = usize::try_from(index.unsigned_abs()).ok()?;
    if index >= 0 { (from < len).then_some(from) } else { len.checked_sub(from) }
}

fn contains(order: &ValueOrder, item: Value, array: Value) -> Result<Value> {
    let items = elements(array, |found| {
        CommandError::location(
            40081,
            format!("$in requires an array as a second argument, found: {}", type_name(found)),
        )
    })?;
    let found = items.iter().any(|other| compare_values(order, Some(other), item.as_ref()).is_eq());
    Ok(boolean(found))
}

fn index_of(order: &ValueOrder, operands: Vec<Value>) -> Result<Value> {
    let mut operands = operands.into_iter();
    let array = operands.next().flatten();
    let item = operands.next().flatten();
    if is_nullish(&array) {
        return Ok(NULL);
    }
    let items = elements(array, |found| {
        CommandError::location(
            40090,
            format!(
                "$indexOfArray requires an array as a first argument, found: {}",
                type_name(found)
            ),
        )
    })?;
    let mut bound = |which: &str, default: usize| match operands.next() {
        None => Ok(default),
        Some(value) => index_operand(&value, "$indexOfArray", which),
    };
    let start = bound("starting", 0)?;
    let end = bound("ending", items.len())?.min(items.len());
    let window = items.get(start..end.max(start)).unwrap_or_default();
    let found =
        window.iter().position(|other| compare_values(order, Some(other), item.as_ref()).is_eq());
    Ok(found.map_or(Some(Bson::Int32(-1)), |at| int(start.saturating_add(at))))
}

/// The start or end operand of the `$indexOf…` operators.
pub(crate) fn index_operand(value: &Value, name: &str, which: &str) -> Result<usize> {
    let index = value.as_ref().and_then(exact_i32).ok_or_else(|| {
        CommandError::location(
            40096,
            format!(
                "{name} requires an integral {which} index, found a value of type: {}, with \
                 value: {}",
                type_name(value.as_ref()),
                show(value.as_ref())
            ),
        )
    })?;
    usize::try_from(index).map_err(|_| {
        CommandError::location(
            40097,
            format!("{name} requires a nonnegative {which} index, found: {index}"),
        )
    })
}

fn size(array: Value) -> Result<Value> {
    let items = elements(array, |found| {
        CommandError::location(
            17124,
            format!(
                "The argument to $size must be an array, but was of type: {}",
                type_name(found)
            ),
        )
    })?;
    Ok(int(items.len()))
}

fn slice(operands: Vec<Value>) -> Result<Value> {
    if operands.iter().any(is_nullish) {
        return Ok(NULL);
    }
    let mut operands = operands.into_iter();
    let items = elements(operands.next().flatten(), |found| {
        CommandError::location(
            28724,
            format!(
                "First argument to $slice must be an array, but is of type: {}",
                type_name(found)
            ),
        )
    })?;
    let len = items.len();
    let second = slice_operand(&operands.next().flatten(), "Second", 28725)?;
    let range = match operands.next() {
        None if second >= 0 => 0..to_usize(second).min(len),
        None => len.saturating_sub(to_usize(second))..len,
        Some(count) => {
            let count = slice_operand(&count, "Third", 28727)?;
            if count <= 0 {
                return Err(CommandError::location(
                    28729,
                    format!("Third argument to $slice must be positive: {count}"),
                ));
            }
            let start = if second >= 0 {
                to_usize(second).min(len)
            } else {
                len.saturating_sub(to_usize(second))
            };
            start..start.saturating_add(to_usize(count)).min(len)
        }
    };
    let taken = items.into_iter().skip(range.start).take(range.len());
    Ok(Some(Bson::Array(taken.collect())))
}

fn to_usize(n: i32) -> usize {
    usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX)
}

fn slice_operand(value: &Value, which: &str, not_numeric: i32) -> Result<i32> {
    if !value.as_ref().is_some_and(is_number) {
        return Err(CommandError::location(
            not_numeric,
            format!(
                "{which} argument to $slice must be a numeric value, but is of type: {}",
                type_name(value.as_ref())
            ),
        ));
    }
    value.as_ref().and_then(exact_i32).ok_or_else(|| {
        CommandError::location(
            not_numeric + 1,
            format!(
                "{which} argument to $slice can't be represented as a 32-bit integer: {}",
                show(value.as_ref())
            ),
        )
    })
}
