//! `$push` with `$each`, `$position`, `$sort` and `$slice`, applied in that order.

use super::{Argument, Change, Operator, Parsed, Place, one};
use crate::update::tree::{Tree, Value};
use quire_bson::{RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};

mod sort;

use sort::ItemSort;

#[derive(Debug, Default)]
struct Push {
    values: Vec<Value>,
    /// Where to insert; from the end when negative. `None` appends.
    position: Option<i64>,
    sort: Option<ItemSort>,
    /// How many to keep: the first ones, or the last ones when negative.
    slice: Option<i64>,
}

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let push = match argument.value() {
        RawValue::Document(spec) if spec.get("$each").is_some() => {
            with_modifiers(spec, &argument.constants.order)?
        }
        _ => Push { values: vec![Value::of_element(argument.element)], ..Push::default() },
    };
    one(argument, push)
}

fn with_modifiers(spec: RawDoc<'_>, order: &ValueOrder) -> Result<Push> {
    let mut push = Push::default();
    for element in spec {
        let value = element.value();
        match element.key() {
            "$each" => {
                let RawValue::Array(items) = value else {
                    return Err(CommandError::bad_value(format!(
                        "The argument to $each in $push must be an array but it was of type: {}",
                        value.type_name()
                    )));
                };
                push.values = items.iter().map(Value::of_element).collect();
            }
            "$position" => push.position = Some(whole_number("$position", value)?),
            "$slice" => push.slice = Some(whole_number("$slice", value)?),
            "$sort" => push.sort = Some(ItemSort::parse(value, order)?),
            other => {
                return Err(CommandError::bad_value(format!(
                    "Unrecognized clause in $push: {other}"
                )));
            }
        }
    }
    Ok(push)
}

fn whole_number(name: &str, value: RawValue<'_>) -> Result<i64> {
    super::whole(value).ok_or_else(|| {
        let found = value.type_name();
        CommandError::bad_value(if name == "$slice" {
            format!("The value for $slice must be an integer value but was given type: {found}")
        } else {
            format!("The value for $position must be an integer value, not of type: {found}")
        })
    })
}

impl Push {
    /// Puts the values into the items; true when the items became different.
    fn put(&self, items: &mut Vec<Tree<'_>>) -> bool {
        let at = match self.position {
            Some(from_end) if from_end < 0 => items.len().saturating_sub(size(from_end)),
            Some(from_start) => size(from_start).min(items.len()),
            None => items.len(),
        };
        let added = self.values.iter().map(|value| Tree::Shared(value.clone()));
        drop(items.splice(at..at, added));
        let mut changed = !self.values.is_empty();
        if let Some(sort) = &self.sort {
            changed |= sort.apply(items);
        }
        changed | self.cut(items)
    }

    fn cut(&self, items: &mut Vec<Tree<'_>>) -> bool {
        let Some(slice) = self.slice else {
            return false;
        };
        let keep = size(slice);
        if items.len() <= keep {
            return false;
        }
        if slice < 0 {
            drop(items.drain(..items.len() - keep));
        } else {
            items.truncate(keep);
        }
        true
    }
}

/// The size of a count whose sign tells the end it is counted from.
fn size(count: i64) -> usize {
    usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX)
}

impl Operator for Push {
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        let found = current.type_name();
        let Some(items) = current.items_mut() else {
            return Err(CommandError::bad_value(format!(
                "The field '{}' must be an array but is of type {found} in document {}",
                place.name(),
                place.document_id()
            )));
        };
        Ok(if self.put(items) { Change::Changed } else { Change::None })
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        let mut items = Vec::new();
        self.put(&mut items);
        let values: Vec<_> = items.iter().map(|item| item.with_value(Value::of)).collect();
        Ok(Some(Value::array(&values)))
    }
}
