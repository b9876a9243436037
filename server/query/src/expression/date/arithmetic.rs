//! `$dateAdd`, `$dateSubtract`, `$dateDiff`.
//!
//! Days, weeks, months and years are counted by the calendar of the time zone; hours and less are
//! spans of time.

use super::calendar::{Civil, MILLIS_PER_DAY, days_in_month, iso_day_of_week};
use super::unit::{Unit, start_of_week};
use super::{Zone, point_in_time, zone};
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::numeric::exact_i64;
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, date, is_nullish, long, type_name};
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$dateAdd", Syntax::Own(|parser, name, operands| parse_shift(parser, name, operands, 1))),
    ("$dateDiff", Syntax::Own(parse_difference)),
    (
        "$dateSubtract",
        Syntax::Own(|parser, name, operands| parse_shift(parser, name, operands, -1)),
    ),
];

#[derive(Debug)]
struct Shift {
    name: &'static str,
    sign: i64,
    start: Node,
    unit: Node,
    amount: Node,
    zone: Option<Node>,
}

impl Operator for Shift {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let name = self.name;
        let start = self.start.evaluate(scope)?;
        let unit = Unit::evaluate(&self.unit, scope, name)?;
        let amount = self.amount.evaluate(scope)?;
        let zone = zone::evaluate(self.zone.as_ref(), scope, name)?;
        let (Some(unit), Some(zone)) = (unit, zone) else { return Ok(NULL) };
        if is_nullish(&start) || is_nullish(&amount) {
            return Ok(NULL);
        }
        let start = start.as_ref().and_then(point_in_time).ok_or_else(|| {
            CommandError::location(
                5_166_403,
                format!(
                    "{name} requires startDate to be convertible to a date, but got {}",
                    type_name(start.as_ref())
                ),
            )
        })?;
        let amount = amount.as_ref().and_then(exact_i64).ok_or_else(|| {
            CommandError::location(
                5_166_405,
                format!("{name} expects integer amount of time units"),
            )
        })?;
        let moved =
            amount.checked_mul(self.sign).and_then(|amount| shift(start, unit, amount, &zone));
        moved
            .map(date)
            .ok_or_else(|| CommandError::new(Code::Overflow, format!("{name} overflowed")))
    }
}

fn shift(start: i64, unit: Unit, amount: i64, zone: &Zone) -> Option<i64> {
    match unit {
        Unit::Millis(millis) => start.checked_add(amount.checked_mul(millis)?),
        Unit::Days(days) => {
            let span = amount.checked_mul(days)?.checked_mul(MILLIS_PER_DAY)?;
            zone.to_utc(zone.to_local(start)?.checked_add(span)?)
        }
        Unit::Months(months) => {
            let civil = Civil::from_millis(zone.to_local(start)?);
            let month = civil.year.checked_mul(12)?.checked_add(civil.month - 1)?;
            let month = month.checked_add(amount.checked_mul(months)?)?;
            let (year, month) = (month.div_euclid(12), month.rem_euclid(12) + 1);
            // The 31st becomes the last day of a shorter month.
            let day = civil.day.min(days_in_month(year, month));
            zone.to_utc(Civil { year, month, day, ..civil }.to_millis()?)
        }
    }
}

fn parse_shift(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
    sign: i64,
) -> Result<Node> {
    let [start, unit, amount, zone] = named(
        operands,
        ["startDate", "unit", "amount", "timezone"],
        |_| CommandError::location(5_166_400, format!("{name} expects an object as its argument")),
        |field| {
            CommandError::location(
                5_166_401,
                format!(
                    "Unrecognized argument to {name}: {field}. Expected arguments are startDate, \
                     unit, amount, and optionally timezone."
                ),
            )
        },
    )?;
    let missing = || {
        CommandError::location(
            5_166_402,
            format!("{name} requires startDate, unit, and amount to be present"),
        )
    };
    let start = parser.required(start, missing)?;
    let unit = parser.required(unit, missing)?;
    let amount = parser.required(amount, missing)?;
    let zone = parser.optional(zone)?;
    let constant = [Some(&start), Some(&unit), Some(&amount), zone.as_ref()]
        .into_iter()
        .flatten()
        .all(Node::is_constant);
    parser.fold_operator(Node::operator(Shift { name, sign, start, unit, amount, zone }), constant)
}

#[derive(Debug)]
struct Difference {
    start: Node,
    end: Node,
    unit: Node,
    zone: Option<Node>,
    start_of_week: Option<Node>,
}

const DIFFERENCE: &str = "$dateDiff";

impl Operator for Difference {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let start = self.start.evaluate(scope)?;
        let end = self.end.evaluate(scope)?;
        let unit = Unit::evaluate(&self.unit, scope, DIFFERENCE)?;
        let zone = zone::evaluate(self.zone.as_ref(), scope, DIFFERENCE)?;
        let week = start_of_week(self.start_of_week.as_ref(), scope, DIFFERENCE)?;
        let (Some(unit), Some(zone), Some(week)) = (unit, zone, week) else { return Ok(NULL) };
        if is_nullish(&start) || is_nullish(&end) {
            return Ok(NULL);
        }
        let require = |value: &Value, field: &str| {
            value.as_ref().and_then(point_in_time).ok_or_else(|| {
                CommandError::location(
                    5_166_307,
                    format!(
                        "$dateDiff requires '{field}' to be a date, but got {}",
                        type_name(value.as_ref())
                    ),
                )
            })
        };
        let (start, end) = (require(&start, "startDate")?, require(&end, "endDate")?);
        difference(start, end, unit, &zone, week)
            .map(long)
            .ok_or_else(|| CommandError::new(Code::Overflow, "$dateDiff overflowed"))
    }
}

/// How many boundaries of the unit lie between two points in time.
fn difference(start: i64, end: i64, unit: Unit, zone: &Zone, week: i64) -> Option<i64> {
    let (from, to) = (zone.to_local(start)?, zone.to_local(end)?);
    match unit {
        Unit::Millis(1) => end.checked_sub(start),
        Unit::Millis(unit) => {
            // Boundaries are those of the local clock, but a change of clocks is no time passed.
            let clocks = (to - end).checked_sub(from - start)?;
            let local = to.div_euclid(unit).checked_sub(from.div_euclid(unit))?;
            local.checked_sub(clocks.div_euclid(unit))
        }
        Unit::Days(1) => to.div_euclid(MILLIS_PER_DAY).checked_sub(from.div_euclid(MILLIS_PER_DAY)),
        Unit::Days(_) => {
            let week_of = |local: i64| {
                let day = local.div_euclid(MILLIS_PER_DAY);
                (day - (iso_day_of_week(day) - week).rem_euclid(7)).div_euclid(7)
            };
            week_of(to).checked_sub(week_of(from))
        }
        Unit::Months(months) => {
            let number = |local: i64| {
                let civil = Civil::from_millis(local);
                (civil.year * 12 + civil.month - 1).div_euclid(months)
            };
            number(to).checked_sub(number(from))
        }
    }
}

fn parse_difference(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    let [start, end, unit, zone, start_of_week] = named(
        operands,
        ["startDate", "endDate", "unit", "timezone", "startOfWeek"],
        |_| {
            CommandError::location(
                5_166_301,
                format!("{name} only supports an object as its argument"),
            )
        },
        |field| {
            CommandError::location(5_166_302, format!("Unrecognized argument to {name}: {field}"))
        },
    )?;
    let missing = |number, field: &'static str| {
        move || CommandError::location(number, format!("Missing '{field}' parameter to {name}"))
    };
    let start = parser.required(start, missing(5_166_303, "startDate"))?;
    let end = parser.required(end, missing(5_166_304, "endDate"))?;
    let unit = parser.required(unit, missing(5_166_305, "unit"))?;
    let zone = parser.optional(zone)?;
    let start_of_week = parser.optional(start_of_week)?;
    let constant = [Some(&start), Some(&end), Some(&unit), zone.as_ref(), start_of_week.as_ref()]
        .into_iter()
        .flatten()
        .all(Node::is_constant);
    let difference = Difference { start, end, unit, zone, start_of_week };
    parser.fold_operator(Node::operator(difference), constant)
}
