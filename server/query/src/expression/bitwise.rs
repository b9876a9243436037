//! `$bitAnd`, `$bitOr`, `$bitXor`, `$bitNot`.

use super::table::{Family, Syntax};
use super::value::{NULL, Value, is_nullish, type_name};
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    ("$bitAnd", Syntax::Variadic(|operands| combine(operands, "$bitAnd", -1, |a, b| a & b))),
    ("$bitNot", Syntax::Unary(not)),
    ("$bitOr", Syntax::Variadic(|operands| combine(operands, "$bitOr", 0, |a, b| a | b))),
    ("$bitXor", Syntax::Variadic(|operands| combine(operands, "$bitXor", 0, |a, b| a ^ b))),
];

fn combine(
    operands: Vec<Value>,
    name: &str,
    neutral: i32,
    function: fn(i64, i64) -> i64,
) -> Result<Value> {
    let mut result = i64::from(neutral);
    let mut long = false;
    for operand in operands {
        let n = match operand {
            operand if is_nullish(&operand) => return Ok(NULL),
            Some(Bson::Int32(n)) => i64::from(n),
            Some(Bson::Int64(n)) => {
                long = true;
                n
            }
            _ => {
                return Err(CommandError::type_mismatch(format!(
                    "{name} only supports int and long operands."
                )));
            }
        };
        result = function(result, n);
    }
    Ok(Some(match i32::try_from(result) {
        Ok(n) if !long => Bson::Int32(n),
        _ => Bson::Int64(result),
    }))
}

fn not(operand: Value) -> Result<Value> {
    match operand {
        operand if is_nullish(&operand) => Ok(NULL),
        Some(Bson::Int32(n)) => Ok(Some(Bson::Int32(!n))),
        Some(Bson::Int64(n)) => Ok(Some(Bson::Int64(!n))),
        other => Err(CommandError::location(
            28765,
            format!("$bitNot only supports int and long, not {}.", type_name(other.as_ref())),
        )),
    }
}
