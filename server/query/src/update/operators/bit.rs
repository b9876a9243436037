//! `$bit`: bitwise `and`, `or` and `xor` of integers.

use super::{Argument, Change, Operator, Parsed, Place, one, replace};
use crate::update::tree::{Tree, Value};
use quire_bson::{RawElement, RawValue};
use quire_errors::{CommandError, Result};

/// An integer with the width it is stored in.
#[derive(Clone, Copy, Debug)]
enum Integer {
    Narrow(i32),
    Wide(i64),
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    And,
    Or,
    Xor,
}

#[derive(Debug)]
struct Bit {
    operations: Vec<(Operation, Integer)>,
}

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let RawValue::Document(spec) = argument.value() else {
        return Err(CommandError::bad_value(format!(
            "The $bit modifier is not compatible with a {}. You must pass in an embedded document: \
             {{$bit: {{field: {{and/or/xor: #}}}}",
            argument.value().type_name()
        )));
    };
    let mut operations = Vec::new();
    for element in spec {
        operations.push(operation(element)?);
    }
    if operations.is_empty() {
        return Err(CommandError::bad_value(format!(
            "You must pass in at least one bitwise operation. The format is: {{$bit: {{field: \
             {{and/or/xor: #}}}}, but given {{{}}}",
            argument.quoted()
        )));
    }
    one(argument, Bit { operations })
}

fn operation(element: RawElement<'_>) -> Result<(Operation, Integer)> {
    let quoted = || crate::render::element(element.key(), element.value());
    let operation = match element.key() {
        "and" => Operation::And,
        "or" => Operation::Or,
        "xor" => Operation::Xor,
        other => {
            return Err(CommandError::bad_value(format!(
                "The $bit modifier only supports 'and', 'or', and 'xor', not '{other}' which is an \
                 unknown operator: {{{}}}",
                quoted()
            )));
        }
    };
    let Some(operand) = Integer::of(element.value()) else {
        return Err(CommandError::bad_value(format!(
            "The $bit modifier field must be an Integer(32/64 bit); a '{}' is not supported here: \
             {{{}}}",
            element.value().type_name(),
            quoted()
        )));
    };
    Ok((operation, operand))
}

impl Integer {
    fn of(value: RawValue<'_>) -> Option<Integer> {
        match value {
            RawValue::Int32(n) => Some(Integer::Narrow(n)),
            RawValue::Int64(n) => Some(Integer::Wide(n)),
            _ => None,
        }
    }

    fn wide(self) -> i64 {
        match self {
            Integer::Narrow(n) => i64::from(n),
            Integer::Wide(n) => n,
        }
    }

    fn apply(self, operation: Operation, operand: Integer) -> Integer {
        match (self, operand) {
            (Integer::Narrow(a), Integer::Narrow(b)) => Integer::Narrow(match operation {
                Operation::And => a & b,
                Operation::Or => a | b,
                Operation::Xor => a ^ b,
            }),
            _ => {
                let (a, b) = (self.wide(), operand.wide());
                Integer::Wide(match operation {
                    Operation::And => a & b,
                    Operation::Or => a | b,
                    Operation::Xor => a ^ b,
                })
            }
        }
    }

    fn as_raw(self) -> RawValue<'static> {
        match self {
            Integer::Narrow(n) => RawValue::Int32(n),
            Integer::Wide(n) => RawValue::Int64(n),
        }
    }
}

impl Bit {
    fn result(&self, start: Integer) -> Value {
        let step = |value: Integer, (operation, operand): &(Operation, Integer)| {
            value.apply(*operation, *operand)
        };
        Value::of(self.operations.iter().fold(start, step).as_raw())
    }
}

impl Operator for Bit {
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        let Some(start) = current.with_value(Integer::of) else {
            return Err(CommandError::bad_value(format!(
                "Cannot apply $bit to a value of non-integral type.{} has the field {} of \
                 non-integer type {}",
                place.document_id(),
                place.name(),
                current.type_name()
            )));
        };
        Ok(replace(current, &self.result(start)))
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        Ok(Some(self.result(Integer::Narrow(0))))
    }
}
