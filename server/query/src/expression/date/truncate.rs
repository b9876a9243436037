//! `$dateTrunc`: the start of the span of time that a date lies in.

use super::calendar::{Civil, MILLIS_PER_DAY, iso_day_of_week};
use super::unit::{Unit, start_of_week};
use super::{Zone, point_in_time, zone};
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::numeric::exact_i64;
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, date, is_nullish, show, type_name};
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub(crate) const TABLE: Family = &[("$dateTrunc", Syntax::Own(parse))];

const NAME: &str = "$dateTrunc";

/// 2000-01-01, from which spans of several units are counted: a Saturday.
const REFERENCE_DAY: i64 = 10_957;
const REFERENCE_YEAR: i64 = 2000;

#[derive(Debug)]
struct Truncate {
    date: Node,
    unit: Node,
    bin: Option<Node>,
    zone: Option<Node>,
    start_of_week: Option<Node>,
}

impl Operator for Truncate {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let when = self.date.evaluate(scope)?;
        let unit = Unit::evaluate(&self.unit, scope, NAME)?;
        let bin = match &self.bin {
            None => Some(1),
            Some(bin) => bin_size(&bin.evaluate(scope)?)?,
        };
        let zone = zone::evaluate(self.zone.as_ref(), scope, NAME)?;
        let week = start_of_week(self.start_of_week.as_ref(), scope, NAME)?;
        let (Some(unit), Some(bin), Some(zone), Some(week)) = (unit, bin, zone, week) else {
            return Ok(NULL);
        };
        if is_nullish(&when) {
            return Ok(NULL);
        }
        let utc = when.as_ref().and_then(point_in_time).ok_or_else(|| {
            CommandError::location(
                5_439_012,
                format!(
                    "{NAME} requires 'date' to be a date, but got {}",
                    type_name(when.as_ref())
                ),
            )
        })?;
        truncate(utc, unit, bin, &zone, week)
            .map(date)
            .ok_or_else(|| CommandError::new(Code::Overflow, format!("{NAME} overflowed")))
    }
}

fn bin_size(value: &Value) -> Result<Option<i64>> {
    if is_nullish(value) {
        return Ok(None);
    }
    match value.as_ref().and_then(exact_i64) {
        Some(bin @ 1..) => Ok(Some(bin)),
        Some(bin) => Err(CommandError::location(
            5_439_018,
            format!("{NAME} requires 'binSize' to be greater than 0, but got value {bin}"),
        )),
        None => Err(CommandError::location(
            5_439_017,
            format!(
                "{NAME} requires 'binSize' to be a 64-bit integer, but got value '{}' of type {}",
                show(value.as_ref()),
                type_name(value.as_ref())
            ),
        )),
    }
}

fn truncate(utc: i64, unit: Unit, bin: i64, zone: &Zone, week: i64) -> Option<i64> {
    let local = zone.to_local(utc)?;
    match unit {
        Unit::Millis(millis) => {
            let span = bin.checked_mul(millis)?;
            let reference = REFERENCE_DAY * MILLIS_PER_DAY;
            // Taken off the point in time itself, which a change of clocks cannot make ambiguous.
            utc.checked_sub(local.checked_sub(reference)?.rem_euclid(span))
        }
        Unit::Days(days) => {
            let span = bin.checked_mul(days)?;
            // Weeks are counted from the first one that starts on or after the reference.
            let shift = (week - iso_day_of_week(REFERENCE_DAY)).rem_euclid(7);
            let reference = REFERENCE_DAY + if days == 7 { shift } else { 0 };
            let day = local.div_euclid(MILLIS_PER_DAY);
            let start = day.checked_sub((day - reference).rem_euclid(span))?;
            zone.to_utc(start.checked_mul(MILLIS_PER_DAY)?)
        }
        Unit::Months(months) => {
            let span = bin.checked_mul(months)?;
            let civil = Civil::from_millis(local);
            let month = (civil.year - REFERENCE_YEAR) * 12 + civil.month - 1;
            let start = month.checked_sub(month.rem_euclid(span))?;
            let first = Civil {
                year: REFERENCE_YEAR,
                month: start.checked_add(1)?,
                day: 1,
                hour: 0,
                minute: 0,
                second: 0,
                millisecond: 0,
            };
            zone.to_utc(first.to_millis()?)
        }
    }
}

fn parse(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [when, unit, bin, zone, start_of_week] = named(
        operands,
        ["date", "unit", "binSize", "timezone", "startOfWeek"],
        |_| {
            CommandError::location(
                5_439_007,
                format!("{name} only supports an object as its argument"),
            )
        },
        |field| {
            CommandError::location(5_439_008, format!("Unrecognized argument to {name}: {field}"))
        },
    )?;
    let missing = |number, field: &'static str| {
        move || CommandError::location(number, format!("Missing '{field}' parameter to {name}"))
    };
    let truncate = Truncate {
        date: parser.required(when, missing(5_439_009, "date"))?,
        unit: parser.required(unit, missing(5_439_010, "unit"))?,
        bin: parser.optional(bin)?,
        zone: parser.optional(zone)?,
        start_of_week: parser.optional(start_of_week)?,
    };
    let optional = [&truncate.bin, &truncate.zone, &truncate.start_of_week];
    let constant = truncate.date.is_constant()
        && truncate.unit.is_constant()
        && optional.into_iter().flatten().all(Node::is_constant);
    parser.fold_operator(Node::operator(truncate), constant)
}
