//! `$dateFromParts`.

use super::calendar::{Civil, MILLIS_PER_DAY, first_iso_monday};
use super::zone;
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::numeric::exact_i64;
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, date, is_nullish, show, type_name};
use quire_bson::RawValue;
use quire_errors::{Code, CommandError, Result};

pub(crate) const TABLE: Family = &[("$dateFromParts", Syntax::Own(parse))];

/// Which calendar the parts belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Calendar {
    Natural,
    Iso,
}

#[derive(Debug)]
struct FromParts {
    calendar: Calendar,
    /// Year, month, day; or year, week, day of week.
    days: [Option<Node>; 3],
    clock: [Option<Node>; 4],
    zone: Option<Node>,
}

const NATURAL: [&str; 3] = ["year", "month", "day"];
const ISO: [&str; 3] = ["isoWeekYear", "isoWeek", "isoDayOfWeek"];
const CLOCK: [&str; 4] = ["hour", "minute", "second", "millisecond"];

impl Operator for FromParts {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let Some(zone) = zone::evaluate(self.zone.as_ref(), scope, "$dateFromParts")? else {
            return Ok(NULL);
        };
        let names = if self.calendar == Calendar::Iso { ISO } else { NATURAL };
        let mut days = [1; 3];
        for ((node, name), slot) in self.days.iter().zip(names).zip(&mut days) {
            match part(node.as_ref(), name, 1, scope)? {
                Some(n) => *slot = n,
                None => return Ok(NULL),
            }
        }
        let mut clock = [0; 4];
        for ((node, name), slot) in self.clock.iter().zip(CLOCK).zip(&mut clock) {
            match part(node.as_ref(), name, 0, scope)? {
                Some(n) => *slot = n,
                None => return Ok(NULL),
            }
        }
        let utc = self.local_millis(days, clock).and_then(|local| zone.to_utc(local));
        utc.map(date).ok_or_else(|| {
            CommandError::new(Code::Overflow, "$dateFromParts gives a date out of range")
        })
    }
}

impl FromParts {
    fn local_millis(
        &self,
        [year, second, third]: [i64; 3],
        [hour, minute, seconds, millisecond]: [i64; 4],
    ) -> Option<i64> {
        let clock = Civil { year, month: 1, day: 1, hour, minute, second: seconds, millisecond };
        if self.calendar == Calendar::Natural {
            return Civil { month: second, day: third, ..clock }.to_millis();
        }
        let days = first_iso_monday(year)?
            .checked_add(second.checked_sub(1)?.checked_mul(7)?)?
            .checked_add(third.checked_sub(1)?)?;
        let time = Civil { year: 1970, ..clock }.to_millis()?;
        days.checked_mul(MILLIS_PER_DAY)?.checked_add(time)
    }
}

/// The value of one part; `None` when it is null.
fn part(
    node: Option<&Node>,
    name: &str,
    default: i64,
    scope: &mut Scope<'_>,
) -> Result<Option<i64>> {
    let Some(node) = node else { return Ok(Some(default)) };
    let value = node.evaluate(scope)?;
    if is_nullish(&value) {
        return Ok(None);
    }
    let n = value.as_ref().and_then(exact_i64).ok_or_else(|| {
        CommandError::location(
            40515,
            format!(
                "'{name}' must evaluate to an integer, found {} with value :{}",
                type_name(value.as_ref()),
                show(value.as_ref())
            ),
        )
    })?;
    let is_year = matches!(name, "year" | "isoWeekYear");
    if is_year && !(1..=9999).contains(&n) {
        let number = if name == "year" { 40523 } else { 31095 };
        return Err(CommandError::location(
            number,
            format!("'{name}' must evaluate to an integer in the range 1 to 9999, found {n}"),
        ));
    }
    // Seconds and milliseconds may count from far away; the other parts may not.
    let bounded = !matches!(name, "second" | "millisecond");
    if bounded && !(-32_768..=32_767).contains(&n) {
        return Err(CommandError::location(
            31034,
            format!(
                "'{name}' must evaluate to a value in the range [-32768, 32767]; value {n} is not \
                 in range"
            ),
        ));
    }
    Ok(Some(n))
}

fn parse(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let fields = named(
        operands,
        [
            "year",
            "month",
            "day",
            "isoWeekYear",
            "isoWeek",
            "isoDayOfWeek",
            "hour",
            "minute",
            "second",
            "millisecond",
            "timezone",
        ],
        |_| {
            CommandError::location(40519, format!("{name} only supports an object as its argument"))
        },
        |field| CommandError::location(40518, format!("Unrecognized argument to {name}: {field}")),
    )?;
    let [year, month, day, iso_year, iso_week, iso_day, hour, minute, second, millisecond, zone] =
        fields;
    let has = |fields: [Option<RawValue<'_>>; 3]| fields.iter().any(Option::is_some);
    let mixed = "$dateFromParts does not allow mixing natural dates with ISO dates";
    if year.is_none() && iso_year.is_none() {
        return Err(CommandError::location(
            40516,
            "$dateFromParts requires either 'year' or 'isoWeekYear' to be present",
        ));
    }
    let (calendar, days) = match (year.is_some(), has([iso_year, iso_week, iso_day])) {
        (true, true) => return Err(CommandError::location(40489, mixed)),
        (true, false) => (Calendar::Natural, [year, month, day]),
        (false, _) if has([None, month, day]) => return Err(CommandError::location(40525, mixed)),
        (false, _) => (Calendar::Iso, [iso_year, iso_week, iso_day]),
    };
    let mut node = |field| parser.optional(field);
    let from_parts = FromParts {
        calendar,
        days: [node(days[0])?, node(days[1])?, node(days[2])?],
        clock: [node(hour)?, node(minute)?, node(second)?, node(millisecond)?],
        zone: node(zone)?,
    };
    let nodes = from_parts.days.iter().chain(&from_parts.clock).chain([&from_parts.zone]);
    let constant = nodes.flatten().all(Node::is_constant);
    parser.fold_operator(Node::operator(from_parts), constant)
}
