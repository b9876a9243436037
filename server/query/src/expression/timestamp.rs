//! `$tsSecond`, `$tsIncrement`.

use super::table::{Family, Syntax};
use super::value::{NULL, Value, is_nullish, long, type_name};
use quire_bson::{Bson, Timestamp};
use quire_errors::{CommandError, Result};

pub(super) const TABLE: Family = &[
    (
        "$tsIncrement",
        Syntax::Unary(|value| {
            read(value, "$tsIncrement", 5_687_302, |timestamp| timestamp.increment)
        }),
    ),
    (
        "$tsSecond",
        Syntax::Unary(|value| read(value, "$tsSecond", 5_687_301, |timestamp| timestamp.time)),
    ),
];

fn read(value: Value, name: &str, number: i32, part: fn(Timestamp) -> u32) -> Result<Value> {
    match value {
        value if is_nullish(&value) => Ok(NULL),
        Some(Bson::Timestamp(timestamp)) => Ok(long(i64::from(part(timestamp)))),
        other => Err(CommandError::location(
            number,
            format!("Argument to {name} must be a timestamp, but is {}", type_name(other.as_ref())),
        )),
    }
}
