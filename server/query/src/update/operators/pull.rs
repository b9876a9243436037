//! `$pull` and `$pullAll`: take matching elements out of an array.

use super::{Argument, Blocked, Change, Operator, Parsed, Place, one};
use crate::filter::{Filter, ValueFilter};
use crate::update::tree::{Tree, Value};
use quire_bson::{DocBuilder, RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};

/// Which elements go.
#[derive(Debug)]
enum Pull {
    /// Documents that a filter matches.
    Documents(Box<Filter>),
    /// Values that operators match.
    Values(Box<ValueFilter>),
    /// Values equal to one of these.
    Equal(Vec<Value>, ValueOrder),
}

/// Names that make the argument a condition on the element itself instead of on its fields.
const VALUE_OPERATORS: &[&str] = &[
    "$all",
    "$bitsAllClear",
    "$bitsAllSet",
    "$bitsAnyClear",
    "$bitsAnySet",
    "$elemMatch",
    "$eq",
    "$exists",
    "$gt",
    "$gte",
    "$in",
    "$lt",
    "$lte",
    "$mod",
    "$ne",
    "$nin",
    "$options",
    "$regex",
    "$size",
    "$type",
];

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let constants = argument.constants;
    let pull = match argument.value() {
        RawValue::Document(spec) if is_condition_on_value(spec) => {
            Pull::Values(Box::new(ValueFilter::parse(spec, constants)?))
        }
        RawValue::Document(spec) => Pull::Documents(Box::new(Filter::parse(spec, constants)?)),
        regex @ RawValue::Regex { .. } => {
            let mut spec = DocBuilder::new();
            spec.append("$regex", regex);
            Pull::Values(Box::new(ValueFilter::parse(spec.finish().as_raw(), constants)?))
        }
        _ => Pull::Equal(vec![Value::of_element(argument.element)], constants.order.clone()),
    };
    one(argument, pull)
}

pub(super) fn parse_all(argument: &Argument<'_>) -> Result<Parsed> {
    let RawValue::Array(items) = argument.value() else {
        return Err(CommandError::bad_value(format!(
            "$pullAll requires an array argument but was given a {}",
            argument.value().type_name()
        )));
    };
    let values = items.iter().map(Value::of_element).collect();
    one(argument, Pull::Equal(values, argument.constants.order.clone()))
}

fn is_condition_on_value(spec: RawDoc<'_>) -> bool {
    spec.nth(0).is_some_and(|first| VALUE_OPERATORS.contains(&first.key()))
}

impl Pull {
    fn takes(&self, element: RawValue<'_>) -> Result<bool> {
        match self {
            Pull::Documents(filter) => match element {
                RawValue::Document(doc) => filter.matches(doc),
                _ => Ok(false),
            },
            Pull::Values(filter) => filter.matches(element),
            Pull::Equal(values, order) => {
                Ok(values.iter().any(|value| order.compare(value.as_raw(), element).is_eq()))
            }
        }
    }
}

impl Operator for Pull {
    fn change(&self, current: &mut Tree<'_>, _place: &Place<'_>) -> Result<Change> {
        let Some(items) = current.items_mut() else {
            return Err(CommandError::bad_value("Cannot apply $pull to a non-array value"));
        };
        let before = items.len();
        let mut failed = None;
        items.retain(|item| match item.with_value(|value| self.takes(value)) {
            Ok(taken) => !taken,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        match failed {
            Some(error) => Err(error),
            None if items.len() == before => Ok(Change::None),
            None => Ok(Change::Changed),
        }
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(None)
    }

    fn when_blocked(&self) -> Blocked {
        Blocked::CannotTraverse
    }
}
