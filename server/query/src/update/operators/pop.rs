//! `$pop`: takes the first or last element off an array.

use super::{Argument, Blocked, Change, Operator, Parsed, Place, one};
use crate::update::tree::{Tree, Value};
use quire_bson::Number;
use quire_errors::{CommandError, Result};

#[derive(Debug)]
enum Pop {
    First,
    Last,
}

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let Some(number) = Number::from_raw(argument.value()) else {
        return Err(CommandError::failed_to_parse(format!(
            "Expected a number in: {}",
            argument.quoted()
        )));
    };
    if number == Number::Int32(1) {
        return one(argument, Pop::Last);
    }
    if number == Number::Int32(-1) {
        return one(argument, Pop::First);
    }
    Err(CommandError::failed_to_parse(match super::whole(argument.value()) {
        Some(n) => format!("$pop expects 1 or -1, found: {n}"),
        None => format!("Expected an integer: {}", argument.quoted()),
    }))
}

impl Operator for Pop {
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        let found = current.type_name();
        let Some(items) = current.items_mut() else {
            return Err(CommandError::type_mismatch(format!(
                "Path '{}' contains an element of non-array type '{found}'",
                place.path
            )));
        };
        if items.is_empty() {
            return Ok(Change::None);
        }
        match self {
            Pop::First => drop(items.remove(0)),
            Pop::Last => drop(items.pop()),
        }
        Ok(Change::Changed)
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(None)
    }

    fn when_blocked(&self) -> Blocked {
        Blocked::CannotTraverse
    }
}
