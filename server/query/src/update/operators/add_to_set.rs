//! `$addToSet`: appends values that an array does not hold yet.

use super::{Argument, Change, Operator, Parsed, Place, one};
use crate::update::tree::{Tree, Value};
use quire_bson::{RawDoc, RawValue};
use quire_collation::ValueOrder;
use quire_errors::{CommandError, Result};
use std::collections::BTreeSet;

/// Values as bytes that are the same for equal values, whatever their numeric types.
type Known = BTreeSet<Vec<u8>>;

#[derive(Debug)]
struct AddToSet {
    /// No two are equal.
    values: Vec<Value>,
    order: ValueOrder,
}

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let values = match argument.value() {
        RawValue::Document(spec) if spec.nth(0).is_some_and(|first| first.key() == "$each") => {
            each(spec)?
        }
        _ => vec![Value::of_element(argument.element)],
    };
    let mut known = Known::new();
    let mut distinct = values;
    let order = argument.constants.order.clone();
    distinct.retain(|value| known.insert(identity(&order, value.as_raw())));
    one(argument, AddToSet { values: distinct, order })
}

fn each(spec: RawDoc<'_>) -> Result<Vec<Value>> {
    let value = spec.get("$each").unwrap_or(RawValue::Null);
    let RawValue::Array(items) = value else {
        return Err(CommandError::type_mismatch(format!(
            "The argument to $each in $addToSet must be an array but it was of type {}",
            value.type_name()
        )));
    };
    if spec.count() > 1 {
        return Err(CommandError::bad_value(format!(
            "Found unexpected fields after $each in $addToSet: {}",
            crate::render::document(spec)
        )));
    }
    Ok(items.iter().map(Value::of_element).collect())
}

fn identity(order: &ValueOrder, value: RawValue<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    quire_keys::encode_value(&mut bytes, order.key(value).value());
    bytes
}

impl Operator for AddToSet {
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        let found = current.type_name();
        let Some(items) = current.items_mut() else {
            return Err(CommandError::bad_value(format!(
                "Cannot apply $addToSet to non-array field. Field named '{}' has non-array type \
                 {found}",
                place.name()
            )));
        };
        let order = &self.order;
        let mut missing: Vec<(Vec<u8>, &Value)> =
            self.values.iter().map(|value| (identity(order, value.as_raw()), value)).collect();
        if let [(_, only)] = missing.as_slice() {
            // The usual single value is compared in place instead of encoding the whole array.
            let equal = |item: &Tree<'_>| {
                item.with_value(|value| order.compare(only.as_raw(), value).is_eq())
            };
            if items.iter().any(equal) {
                return Ok(Change::None);
            }
        } else {
            let identities = items.iter().map(|item| item.with_value(|v| identity(order, v)));
            let known: Known = identities.collect();
            missing.retain(|(identity, _)| !known.contains(identity));
        }
        if missing.is_empty() {
            return Ok(Change::None);
        }
        items.extend(missing.into_iter().map(|(_, value)| Tree::Shared(value.clone())));
        Ok(Change::Changed)
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(Some(Value::array(&self.values)))
    }
}
