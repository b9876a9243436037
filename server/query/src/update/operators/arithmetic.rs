//! `$inc` and `$mul`.
//!
//! The result has the wider type of the two; a 32-bit result that does not fit becomes 64-bit, and a
//! 64-bit result that does not fit is refused, because an update must not silently lose digits.

use super::{Argument, Change, Operator, Parsed, Place, one, replace};
use crate::update::tree::{Tree, Value};
use quire_bson::{Decimal, Number, RawValue};
use quire_errors::{CommandError, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Add,
    Multiply,
}

#[derive(Debug)]
struct Arithmetic {
    operation: Operation,
    operand: Number,
}

pub(super) fn parse_inc(argument: &Argument<'_>) -> Result<Parsed> {
    parse(argument, Operation::Add, "increment")
}

pub(super) fn parse_mul(argument: &Argument<'_>) -> Result<Parsed> {
    parse(argument, Operation::Multiply, "multiply")
}

fn parse(argument: &Argument<'_>, operation: Operation, verb: &str) -> Result<Parsed> {
    let Some(operand) = Number::from_raw(argument.value()) else {
        return Err(CommandError::type_mismatch(format!(
            "Cannot {verb} with non-numeric argument: {{{}}}",
            argument.quoted()
        )));
    };
    one(argument, Arithmetic { operation, operand })
}

impl Operation {
    fn name(self) -> &'static str {
        match self {
            Operation::Add => "$inc",
            Operation::Multiply => "$mul",
        }
    }

    /// The result; `None` when it does not fit 64 bits.
    fn apply(self, a: Number, b: Number) -> Option<Number> {
        match (a, b) {
            (Number::Int32(a), Number::Int32(b)) => {
                let wide = self.integers(i64::from(a), i64::from(b))?;
                Some(i32::try_from(wide).map_or(Number::Int64(wide), Number::Int32))
            }
            (Number::Decimal(_), _) | (_, Number::Decimal(_)) => {
                Some(Number::Decimal(self.decimals(decimal(a), decimal(b))))
            }
            (Number::Double(_), _) | (_, Number::Double(_)) => {
                Some(Number::Double(self.doubles(double(a), double(b))))
            }
            (Number::Int32(_) | Number::Int64(_), Number::Int32(_) | Number::Int64(_)) => {
                self.integers(integer(a), integer(b)).map(Number::Int64)
            }
        }
    }

    fn integers(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Operation::Add => a.checked_add(b),
            Operation::Multiply => a.checked_mul(b),
        }
    }

    fn doubles(self, a: f64, b: f64) -> f64 {
        match self {
            Operation::Add => a + b,
            Operation::Multiply => a * b,
        }
    }

    fn decimals(self, a: Decimal, b: Decimal) -> Decimal {
        match self {
            Operation::Add => a + b,
            Operation::Multiply => a * b,
        }
    }
}

fn integer(number: Number) -> i64 {
    match number {
        Number::Int32(n) => i64::from(n),
        Number::Int64(n) => n,
        Number::Double(x) => x as i64,
        Number::Decimal(d) => d.to_f64() as i64,
    }
}

fn double(number: Number) -> f64 {
    match number {
        Number::Int32(n) => f64::from(n),
        Number::Int64(n) => n as f64,
        Number::Double(x) => x,
        Number::Decimal(d) => d.to_f64(),
    }
}

fn decimal(number: Number) -> Decimal {
    match number {
        Number::Int32(n) => Decimal::from(n),
        Number::Int64(n) => Decimal::from(n),
        Number::Double(x) => Decimal::from_f64(x),
        Number::Decimal(d) => d,
    }
}

fn as_raw(number: Number) -> RawValue<'static> {
    match number {
        Number::Int32(n) => RawValue::Int32(n),
        Number::Int64(n) => RawValue::Int64(n),
        Number::Double(x) => RawValue::Double(x),
        Number::Decimal(d) => RawValue::Decimal128(d.to_bytes()),
    }
}

/// A number as the overflow message shows it.
fn quoted(number: Number) -> String {
    let text = crate::render::value(as_raw(number));
    match number {
        Number::Int32(_) => format!("(NumberInt){text}"),
        Number::Int64(_) => format!("(NumberLong){text}"),
        Number::Double(_) => format!("(double){text}"),
        Number::Decimal(_) => format!("(NumberDecimal){text}"),
    }
}

impl Operator for Arithmetic {
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        let operation = self.operation;
        let Some(number) = current.with_value(Number::from_raw) else {
            return Err(CommandError::type_mismatch(format!(
                "Cannot apply {} to a value of non-numeric type. {} has the field '{}' of \
                 non-numeric type {}",
                operation.name(),
                place.document_id(),
                place.name(),
                current.type_name()
            )));
        };
        let Some(result) = operation.apply(number, self.operand) else {
            return Err(CommandError::bad_value(format!(
                "Failed to apply {} operations to current value ({}) for document {}",
                operation.name(),
                quoted(number),
                place.document_id()
            )));
        };
        Ok(replace(current, &Value::of(as_raw(result))))
    }

    fn create(&self, _place: &Place<'_>) -> Result<Option<Value>> {
        let value = match self.operation {
            Operation::Add => Some(self.operand),
            // Nothing times anything is zero, in the type of the argument.
            Operation::Multiply => self.operation.apply(Number::Int32(0), self.operand),
        };
        Ok(value.map(|number| Value::of(as_raw(number))))
    }
}
