//! `$push`'s `$sort`: by the whole element or by fields of it.
//!
//! Unlike a query's sort it does not look into arrays: a path leads through documents, and through
//! arrays only by position.

use crate::field_path::array_index;
use crate::update::tree::Tree;
use quire_bson::{Number, RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};
use std::cmp::Ordering;

#[derive(Debug)]
pub(super) struct ItemSort {
    by: By,
    order: ValueOrder,
}

#[derive(Debug)]
enum By {
    Whole(Direction),
    Fields(Vec<(String, Direction)>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Direction {
    Ascending,
    Descending,
}

impl ItemSort {
    pub(super) fn parse(value: RawValue<'_>, order: &ValueOrder) -> Result<ItemSort> {
        Ok(ItemSort { by: By::parse(value)?, order: order.clone() })
    }

    /// Sorts, keeping the order of equal items; true when the order became different.
    pub(super) fn apply(&self, items: &mut Vec<Tree<'_>>) -> bool {
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by(|a, b| match (items.get(*a), items.get(*b)) {
            (Some(a), Some(b)) => self.compare(a, b),
            _ => Ordering::Equal,
        });
        if order.is_sorted() {
            return false;
        }
        let mut taken: Vec<Option<Tree<'_>>> = items.drain(..).map(Some).collect();
        items.extend(order.into_iter().filter_map(|at| taken.get_mut(at)?.take()));
        true
    }

    fn compare(&self, a: &Tree<'_>, b: &Tree<'_>) -> Ordering {
        a.with_value(|a| {
            b.with_value(|b| match &self.by {
                By::Whole(direction) => direction.of(self.order.compare(a, b)),
                By::Fields(fields) => fields
                    .iter()
                    .map(|(path, direction)| {
                        direction.of(self.order.compare(at(a, path), at(b, path)))
                    })
                    .find(|order| *order != Ordering::Equal)
                    .unwrap_or(Ordering::Equal),
            })
        })
    }
}

impl By {
    fn parse(value: RawValue<'_>) -> Result<By> {
        if let RawValue::Document(pattern) = value {
            return fields(pattern).map(By::Fields);
        }
        if !value.is_number() {
            return Err(CommandError::bad_value(
                "The $sort is invalid: use 1/-1 to sort the whole element, or {field:1/-1} to sort \
                 embedded fields",
            ));
        }
        let refusal = || CommandError::bad_value("The $sort element value must be either 1 or -1");
        direction(value).map(By::Whole).ok_or_else(refusal)
    }
}

impl Direction {
    fn of(self, order: Ordering) -> Ordering {
        match self {
            Direction::Ascending => order,
            Direction::Descending => order.reverse(),
        }
    }
}

fn fields(pattern: RawDoc<'_>) -> Result<Vec<(String, Direction)>> {
    if pattern.is_empty() {
        return Err(CommandError::bad_value(
            "The $sort pattern is empty when it should be a set of fields.",
        ));
    }
    let mut fields = Vec::new();
    for element in pattern {
        let path = element.key();
        if path.is_empty() {
            return Err(CommandError::bad_value("The $sort field cannot be empty"));
        }
        if path.split('.').any(str::is_empty) {
            return Err(CommandError::bad_value(format!(
                "The $sort field is a dotted field but has an empty part: {path}"
            )));
        }
        let Some(direction) = direction(element.value()) else {
            return Err(CommandError::bad_value("The $sort element value must be either 1 or -1"));
        };
        fields.push((path.to_owned(), direction));
    }
    Ok(fields)
}

fn direction(value: RawValue<'_>) -> Option<Direction> {
    let number = Number::from_raw(value)?;
    if number == Number::Int32(1) {
        return Some(Direction::Ascending);
    }
    (number == Number::Int32(-1)).then_some(Direction::Descending)
}

/// The value at a path of an item; null when there is none.
fn at<'a>(item: RawValue<'a>, path: &str) -> RawValue<'a> {
    let mut value = item;
    for name in path.split('.') {
        let below = match value {
            RawValue::Document(doc) => doc.get(name),
            RawValue::Array(array) => {
                array_index(name).and_then(|n| array.nth(n)).map(|element| element.value())
            }
            _ => None,
        };
        let Some(below) = below else {
            return RawValue::Null;
        };
        value = below;
    }
    value
}
