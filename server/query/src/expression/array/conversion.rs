//! Making arrays and turning them into objects: `$arrayToObject`, `$objectToArray`, `$concatArrays`,
//! `$range`, `$reverseArray`.

use super::elements;
use crate::expression::memory::check_elements;
use crate::expression::numeric::exact_i32;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, is_nullish, is_number, show, type_name};
use quire_bson::{Bson, Document};
use quire_errors::{CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$arrayToObject", Syntax::Unary(array_to_object)),
    ("$concatArrays", Syntax::Variadic(concatenate)),
    ("$objectToArray", Syntax::Unary(object_to_array)),
    ("$range", Syntax::Between(2, 3, range)),
    ("$reverseArray", Syntax::Unary(reverse)),
];

fn concatenate(operands: Vec<Value>) -> Result<Value> {
    let mut all = Vec::new();
    for operand in operands {
        if is_nullish(&operand) {
            return Ok(NULL);
        }
        let items = elements(operand, |found| {
            CommandError::location(
                28664,
                format!("$concatArrays only supports arrays, not {}", type_name(found)),
            )
        })?;
        check_elements(all.len().saturating_add(items.len()), "$concatArrays")?;
        all.extend(items);
    }
    Ok(Some(Bson::Array(all)))
}

fn reverse(array: Value) -> Result<Value> {
    if is_nullish(&array) {
        return Ok(NULL);
    }
    let mut items = elements(array, |found| {
        CommandError::location(
            34435,
            format!(
                "The argument to $reverseArray must be an array, but was of type: {}",
                type_name(found)
            ),
        )
    })?;
    items.reverse();
    Ok(Some(Bson::Array(items)))
}

fn object_to_array(value: Value) -> Result<Value> {
    match value {
        value if is_nullish(&value) => Ok(NULL),
        Some(Bson::Document(doc)) => {
            // Each field becomes a document of two.
            check_elements(doc.len().saturating_mul(5), "$objectToArray")?;
            let pairs = doc.into_iter().map(|(key, value)| {
                let mut pair = Document::new();
                pair.insert("k", key);
                pair.insert("v", value);
                Bson::Document(pair)
            });
            Ok(Some(Bson::Array(pairs.collect())))
        }
        other => Err(CommandError::location(
            40390,
            format!(
                "$objectToArray requires a document input, found: {}",
                type_name(other.as_ref())
            ),
        )),
    }
}

fn array_to_object(value: Value) -> Result<Value> {
    if is_nullish(&value) {
        return Ok(NULL);
    }
    let items = elements(value, |found| {
        CommandError::location(
            40386,
            format!("$arrayToObject requires an array input, found: {}", type_name(found)),
        )
    })?;
    let as_pairs = match items.first() {
        None => return Ok(Some(Bson::Document(Document::new()))),
        Some(Bson::Array(_)) => true,
        Some(Bson::Document(_)) => false,
        Some(other) => {
            return Err(CommandError::location(
                40398,
                format!(
                    "Unrecognised input type format for $arrayToObject: {}",
                    type_name(Some(other))
                ),
            ));
        }
    };
    let mut object = Document::new();
    for item in items {
        let (key, value) = if as_pairs { pair(item)? } else { key_and_value(item)? };
        if key.contains('\0') {
            return Err(CommandError::location(
                4_940_400,
                "Key field cannot contain an embedded null byte",
            ));
        }
        object.insert(key, value);
    }
    Ok(Some(Bson::Document(object)))
}

fn inconsistent(number: i32, first: &str, found: &Bson) -> CommandError {
    CommandError::location(
        number,
        format!(
            "$arrayToObject requires a consistent input format. Elements must all be arrays or \
             all be objects. {first} was detected, now found: {}",
            type_name(Some(found))
        ),
    )
}

/// One element in the form `["key", value]`.
fn pair(item: Bson) -> Result<(String, Bson)> {
    let Bson::Array(pair) = item else {
        return Err(inconsistent(40396, "Array", &item));
    };
    let [key, value] = <[Bson; 2]>::try_from(pair).map_err(|pair| {
        CommandError::location(
            40397,
            format!(
                "$arrayToObject requires an array of size 2 arrays,found array of size: {}",
                pair.len()
            ),
        )
    })?;
    match key {
        Bson::String(key) => Ok((key, value)),
        other => Err(CommandError::location(
            40395,
            format!(
                "$arrayToObject requires an array of key-value pairs, where the key must be of \
                 type string. Found key type: {}",
                type_name(Some(&other))
            ),
        )),
    }
}

/// One element in the form `{k: "key", v: value}`.
fn key_and_value(item: Bson) -> Result<(String, Bson)> {
    let Bson::Document(mut doc) = item else {
        return Err(inconsistent(40391, "Object", &item));
    };
    if doc.len() != 2 {
        return Err(CommandError::location(
            40392,
            format!(
                "$arrayToObject requires an object keys of 'k' and 'v'. Found incorrect number of \
                 keys:{}",
                doc.len()
            ),
        ));
    }
    let (Some(key), Some(value)) = (doc.remove("k"), doc.remove("v")) else {
        return Err(CommandError::location(
            40393,
            format!(
                "$arrayToObject requires an object with keys 'k' and 'v'. Missing either or both \
                 keys from: {}",
                show(Some(&Bson::Document(doc)))
            ),
        ));
    };
    match key {
        Bson::String(key) => Ok((key, value)),
        other => Err(CommandError::location(
            40394,
            format!(
                "$arrayToObject requires an object with keys 'k' and 'v', where the value of 'k' \
                 must be of type string. Found type: {}",
                type_name(Some(&other))
            ),
        )),
    }
}

fn range(operands: Vec<Value>) -> Result<Value> {
    let mut operands = operands.into_iter();
    let mut bound = |which: &str, number: i32| {
        operands.next().map(|value| range_operand(&value, which, number)).transpose()
    };
    let start = i64::from(bound("starting", 34443)?.unwrap_or(0));
    let end = i64::from(bound("ending", 34445)?.unwrap_or(0));
    let step = i64::from(bound("step", 34447)?.unwrap_or(1));
    if step == 0 {
        return Err(CommandError::location(34449, "$range requires a non-zero step value"));
    }
    let distance = if step > 0 { end - start } else { start - end };
    let Ok(distance @ 1..) = u64::try_from(distance) else {
        return Ok(Some(Bson::Array(Vec::new())));
    };
    let count = usize::try_from(distance.div_ceil(step.unsigned_abs())).unwrap_or(usize::MAX);
    check_elements(count, "$range")?;
    let mut items = Vec::with_capacity(count);
    let mut next = start;
    for _ in 0..count {
        // Every element lies between two 32-bit bounds.
        items.push(Bson::Int32(i32::try_from(next).unwrap_or(i32::MAX)));
        next += step;
    }
    Ok(Some(Bson::Array(items)))
}

fn range_operand(value: &Value, which: &str, not_numeric: i32) -> Result<i32> {
    let article = if which == "ending" { "an" } else { "a" };
    if !value.as_ref().is_some_and(is_number) {
        return Err(CommandError::location(
            not_numeric,
            format!(
                "$range requires a numeric {which} value, found value of type: {}",
                type_name(value.as_ref())
            ),
        ));
    }
    value.as_ref().and_then(exact_i32).ok_or_else(|| {
        CommandError::location(
            not_numeric + 1,
            format!(
                "$range requires {article} {which} value that can be represented as a 32-bit \
                 integer, found value: {}",
                show(value.as_ref())
            ),
        )
    })
}
