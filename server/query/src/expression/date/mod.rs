//! Dates: milliseconds since the epoch, read and written by the calendar of a time zone.
//!
//! Dates reach further than any year of four digits, so the calendar is computed here; only the
//! rules of named zones come from the time zone database, which is compiled in.

mod arithmetic;
mod calendar;
mod construction;
mod format;
mod parse;
mod parts;
mod text;
mod truncate;
mod unit;
mod zone;

pub(super) use arithmetic::TABLE as ARITHMETIC;
pub(super) use construction::TABLE as CONSTRUCTION;
pub(super) use parse::parse_date;
pub(super) use parts::TABLE as PARTS;
pub(super) use text::TABLE as TEXT;
pub(super) use truncate::TABLE as TRUNCATION;
pub(super) use zone::Zone;

use super::value::type_name;
use calendar::Civil;
use quire_bson::{Bson, DateTime};
use quire_errors::{CommandError, Result};

/// The date in ISO 8601 with milliseconds, as messages and conversions show it.
pub(crate) fn iso_string(when: DateTime) -> String {
    let millis = when.timestamp_millis();
    let Civil { year, month, day, hour, minute, second, millisecond } = Civil::from_millis(millis);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z")
}

/// The milliseconds of a value that stands for a point in time: a date, a timestamp or an object id.
pub(super) fn point_in_time(value: &Bson) -> Option<i64> {
    match value {
        Bson::DateTime(when) => Some(when.timestamp_millis()),
        Bson::Timestamp(at) => Some(i64::from(at.time) * 1000),
        Bson::ObjectId(id) => Some(id.timestamp().timestamp_millis()),
        _ => None,
    }
}

fn require_date(value: Option<&Bson>) -> Result<i64> {
    value.and_then(point_in_time).ok_or_else(|| {
        CommandError::location(
            16006,
            format!("can't convert from BSON type {} to Date", type_name(value)),
        )
    })
}
