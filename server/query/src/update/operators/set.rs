//! `$set`, `$setOnInsert` and `$unset`.

use super::{Argument, Blocked, Change, Operator, Parsed, Place, one, replace};
use crate::update::tree::{Tree, Value};
use quire_errors::Result;

#[derive(Debug)]
struct Set {
    value: Value,
    only_on_insert: bool,
}

pub(super) fn parse_set(argument: &Argument<'_>) -> Result<Parsed> {
    let value = Value::of_element(argument.element);
    one(argument, Set { value, only_on_insert: false })
}

pub(super) fn parse_set_on_insert(argument: &Argument<'_>) -> Result<Parsed> {
    let value = Value::of_element(argument.element);
    one(argument, Set { value, only_on_insert: true })
}

impl Operator for Set {
    fn runs(&self, place: &Place<'_>) -> Result<bool> {
        Ok(place.insert || !self.only_on_insert)
    }

    fn change(&self, current: &mut Tree<'_>, _place: &Place<'_>) -> Result<Change> {
        Ok(replace(current, &self.value))
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(Some(self.value.clone()))
    }
}

#[derive(Debug)]
struct Unset;

pub(super) fn parse_unset(argument: &Argument<'_>) -> Result<Parsed> {
    one(argument, Unset)
}

impl Operator for Unset {
    fn change(&self, _current: &mut Tree<'_>, _place: &Place<'_>) -> Result<Change> {
        Ok(Change::Removed)
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(None)
    }

    fn when_blocked(&self) -> Blocked {
        Blocked::Ignored
    }
}
