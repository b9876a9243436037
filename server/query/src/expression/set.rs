//! Arrays as sets: `$setUnion`, `$setDifference` and the like, `$allElementsTrue`, `$anyElementTrue`.

use super::node::Node;
use super::parser::Parser;
use super::table::{Family, Syntax};
use super::value::{NULL, Value, boolean, is_nullish, is_true, type_name};
use quire_bson::{Bson, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    (
        "$allElementsTrue",
        Syntax::Unary(|value| {
            let items = elements(value, 17040, "$allElementsTrue")?;
            Ok(boolean(items.iter().all(|item| is_true(Some(item)))))
        }),
    ),
    (
        "$anyElementTrue",
        Syntax::Unary(|value| {
            let items = elements(value, 17041, "$anyElementTrue")?;
            Ok(boolean(items.iter().any(|item| is_true(Some(item)))))
        }),
    ),
    ("$setDifference", Syntax::BinaryBy(difference)),
    ("$setEquals", Syntax::Own(parse_equals)),
    ("$setIntersection", Syntax::VariadicBy(intersection)),
    ("$setIsSubset", Syntax::BinaryBy(is_subset)),
    ("$setUnion", Syntax::VariadicBy(union)),
];

fn elements(value: Value, number: i32, name: &str) -> Result<Vec<Bson>> {
    match value {
        Some(Bson::Array(items)) => Ok(items),
        other => Err(CommandError::location(
            number,
            format!("{name}'s argument must be an array, but is {}", type_name(other.as_ref())),
        )),
    }
}

/// The distinct elements in order.
fn distinct(order: &ValueOrder, mut items: Vec<Bson>) -> Vec<Bson> {
    items.sort_by(|a, b| order.compare_bson(a, b));
    items.dedup_by(|a, b| order.compare_bson(a, b).is_eq());
    items
}

fn holds(order: &ValueOrder, sorted: &[Bson], item: &Bson) -> bool {
    sorted.binary_search_by(|other| order.compare_bson(other, item)).is_ok()
}

fn difference(order: &ValueOrder, left: Value, right: Value) -> Result<Value> {
    if is_nullish(&left) || is_nullish(&right) {
        return Ok(NULL);
    }
    let left = operand(left, 17048, "$setDifference", "First")?;
    let right = distinct(order, operand(right, 17049, "$setDifference", "Second")?);
    // The order of the left operand is kept, and each element is given once.
    let mut seen: Vec<Bson> = Vec::new();
    let mut kept = Vec::new();
    for item in left {
        if holds(order, &right, &item) {
            continue;
        }
        if let Err(at) = seen.binary_search_by(|other| order.compare_bson(other, &item)) {
            seen.insert(at, item.clone());
            kept.push(item);
        }
    }
    Ok(Some(Bson::Array(kept)))
}

fn is_subset(order: &ValueOrder, left: Value, right: Value) -> Result<Value> {
    let left = operand(left, 17046, "$setIsSubset", "First")?;
    let right = distinct(order, operand(right, 17042, "$setIsSubset", "Second")?);
    Ok(boolean(left.iter().all(|item| holds(order, &right, item))))
}

fn operand(value: Value, number: i32, name: &str, which: &str) -> Result<Vec<Bson>> {
    match value {
        Some(Bson::Array(items)) => Ok(items),
        other => Err(CommandError::location(
            number,
            format!(
                "both operands of {name} must be arrays. {which} argument is of type: {}",
                type_name(other.as_ref())
            ),
        )),
    }
}

fn any_operand(value: Value, number: i32, name: &str) -> Result<Vec<Bson>> {
    match value {
        Some(Bson::Array(items)) => Ok(items),
        other => Err(CommandError::location(
            number,
            format!(
                "All operands of {name} must be arrays. One argument is of type: {}",
                type_name(other.as_ref())
            ),
        )),
    }
}

fn union(order: &ValueOrder, operands: Vec<Value>) -> Result<Value> {
    let mut all = Vec::new();
    for operand in operands {
        if is_nullish(&operand) {
            return Ok(NULL);
        }
        all.extend(any_operand(operand, 17043, "$setUnion")?);
    }
    Ok(Some(Bson::Array(distinct(order, all))))
}

fn intersection(order: &ValueOrder, operands: Vec<Value>) -> Result<Value> {
    let mut common: Option<Vec<Bson>> = None;
    for operand in operands {
        if is_nullish(&operand) {
            return Ok(NULL);
        }
        let set = distinct(order, any_operand(operand, 17047, "$setIntersection")?);
        common = Some(match common {
            None => set,
            Some(common) => common.into_iter().filter(|item| holds(order, &set, item)).collect(),
        });
    }
    Ok(Some(Bson::Array(common.unwrap_or_default())))
}

fn parse_equals(parser: &mut Parser<'_>, _: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let operands = parser.list(operands)?;
    if operands.len() < 2 {
        return Err(CommandError::location(
            17045,
            format!("$setEquals needs at least two arguments had: {}", operands.len()),
        ));
    }
    let constant = operands.iter().all(Node::is_constant);
    parser.fold_operator(Node::VariadicBy(equals, parser.order(), operands), constant)
}

fn equals(order: &ValueOrder, operands: Vec<Value>) -> Result<Value> {
    let mut first: Option<Vec<Bson>> = None;
    for (n, operand) in operands.into_iter().enumerate() {
        let Some(Bson::Array(items)) = operand else {
            return Err(CommandError::location(
                17044,
                format!(
                    "All operands of $setEquals must be arrays. {}-th argument is of type: {}",
                    n + 1,
                    type_name(operand.as_ref())
                ),
            ));
        };
        let set = distinct(order, items);
        match &first {
            None => first = Some(set),
            Some(first) => {
                let same = first.len() == set.len()
                    && first.iter().zip(&set).all(|(a, b)| order.compare_bson(a, b).is_eq());
                if !same {
                    return Ok(boolean(false));
                }
            }
        }
    }
    Ok(boolean(true))
}
