//! `$min` and `$max`: keep the smaller or larger value in BSON's order of all types.

use super::{Argument, Change, Operator, Parsed, Place, one};
use crate::update::tree::{Tree, Value};
use quire_collation::ValueOrder;
use quire_errors::Result;
use std::cmp::Ordering;

#[derive(Debug)]
struct Extreme {
    value: Value,
    /// How the argument must compare with the current value to take its place.
    wins_when: Ordering,
    order: ValueOrder,
}

pub(super) fn parse_min(argument: &Argument<'_>) -> Result<Parsed> {
    parse(argument, Ordering::Less)
}

pub(super) fn parse_max(argument: &Argument<'_>) -> Result<Parsed> {
    parse(argument, Ordering::Greater)
}

fn parse(argument: &Argument<'_>, wins_when: Ordering) -> Result<Parsed> {
    let value = Value::of_element(argument.element);
    one(argument, Extreme { value, wins_when, order: argument.constants.order.clone() })
}

impl Operator for Extreme {
    fn change(&self, current: &mut Tree<'_>, _place: &Place<'_>) -> Result<Change> {
        let order = current.with_value(|value| self.order.compare(self.value.as_raw(), value));
        if order != self.wins_when {
            return Ok(Change::None);
        }
        *current = Tree::Shared(self.value.clone());
        Ok(Change::Changed)
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(Some(self.value.clone()))
    }
}
