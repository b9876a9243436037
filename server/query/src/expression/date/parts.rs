//! Parts of a date: `$year`, `$month`, ..., and all of them: `$dateToParts`.

use super::calendar::Civil;
use super::{require_date, zone};
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, is_nullish, is_true, type_name};
use quire_bson::{Bson, Document, RawValue};
use quire_errors::{Code, CommandError, Result};

macro_rules! part {
    ($name:literal, $read:expr) => {
        ($name, Syntax::Own(|parser, name, operands| parse(parser, name, operands, $read)))
    };
}

pub(crate) const TABLE: Family = &[
    ("$dateToParts", Syntax::Own(parse_all)),
    part!("$dayOfMonth", |civil| small(civil.day)),
    part!("$dayOfWeek", |civil| small(civil.day_of_week())),
    part!("$dayOfYear", |civil| small(civil.day_of_year())),
    part!("$hour", |civil| small(civil.hour)),
    part!("$isoDayOfWeek", |civil| small(civil.iso_day_of_week())),
    part!("$isoWeek", |civil| small(civil.iso_week().1)),
    part!("$isoWeekYear", |civil| Bson::Int64(civil.iso_week().0)),
    part!("$millisecond", |civil| small(civil.millisecond)),
    part!("$minute", |civil| small(civil.minute)),
    part!("$month", |civil| small(civil.month)),
    part!("$second", |civil| small(civil.second)),
    part!("$week", |civil| small(civil.week())),
    part!("$year", |civil| small(civil.year)),
];

/// A part as an int; years far away need a long.
fn small(n: i64) -> Bson {
    crate::expression::numeric::int_or_long(n, false)
}

type Read = fn(Civil) -> Bson;

#[derive(Debug)]
struct Part {
    name: &'static str,
    date: Node,
    zone: Option<Node>,
    read: Read,
}

impl Operator for Part {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let civil = local(self.name, &self.date, self.zone.as_ref(), scope)?;
        Ok(civil.map_or(NULL, |civil| Some((self.read)(civil))))
    }
}

/// A date by the calendar of a zone; `None` when either is null.
fn local(
    name: &str,
    date: &Node,
    zone: Option<&Node>,
    scope: &mut Scope<'_>,
) -> Result<Option<Civil>> {
    let date = date.evaluate(scope)?;
    if is_nullish(&date) {
        return Ok(None);
    }
    let Some(zone) = zone::evaluate(zone, scope, name)? else { return Ok(None) };
    let utc = require_date(date.as_ref())?;
    match zone.to_local(utc) {
        Some(local) => Ok(Some(Civil::from_millis(local))),
        None => Err(CommandError::new(Code::Overflow, format!("date overflow in {name}"))),
    }
}

/// Takes `<date>`, `[<date>]` and `{date: …, timezone: …}`.
fn parse(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
    read: Read,
) -> Result<Node> {
    let named_form = match operands {
        RawValue::Document(doc) => {
            doc.iter().next().is_none_or(|first| !first.key().starts_with('$'))
        }
        _ => false,
    };
    let (date, zone) = if named_form {
        let [date, zone] = named(
            operands,
            ["date", "timezone"],
            |found| CommandError::location(40539, format!("{name} found {found}")),
            |field| {
                CommandError::location(40535, format!("unrecognized option to {name}: \"{field}\""))
            },
        )?;
        let date = parser.required(date, || {
            CommandError::location(40539, format!("missing 'date' argument to {name}"))
        })?;
        (date, parser.optional(zone)?)
    } else {
        (single(parser, name, operands)?, None)
    };
    let constant = date.is_constant() && zone.as_ref().is_none_or(Node::is_constant);
    parser.fold_operator(Node::operator(Part { name, date, zone, read }), constant)
}

fn single(parser: &mut Parser<'_>, name: &str, operands: RawValue<'_>) -> Result<Node> {
    let operands = parser.list(operands)?;
    let given = operands.len();
    match <[Node; 1]>::try_from(operands) {
        Ok([date]) => Ok(date),
        Err(_) => Err(CommandError::location(
            40536,
            format!("{name} accepts exactly one argument if given an array, but was given {given}"),
        )),
    }
}

#[derive(Debug)]
struct AllParts {
    date: Node,
    zone: Option<Node>,
    iso: Option<Node>,
}

impl Operator for AllParts {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let iso = match &self.iso {
            None => false,
            Some(iso) => match iso.evaluate(scope)? {
                value if is_nullish(&value) => return Ok(NULL),
                value @ Some(Bson::Boolean(_)) => is_true(value.as_ref()),
                other => {
                    return Err(CommandError::location(
                        40521,
                        format!(
                            "iso8601 must evaluate to a bool, found {}",
                            type_name(other.as_ref())
                        ),
                    ));
                }
            },
        };
        let civil = local("$dateToParts", &self.date, self.zone.as_ref(), scope)?;
        let Some(civil) = civil else { return Ok(NULL) };
        let mut parts = Document::new();
        if iso {
            let (year, week) = civil.iso_week();
            parts.insert("isoWeekYear", small(year));
            parts.insert("isoWeek", small(week));
            parts.insert("isoDayOfWeek", small(civil.iso_day_of_week()));
        } else {
            parts.insert("year", small(civil.year));
            parts.insert("month", small(civil.month));
            parts.insert("day", small(civil.day));
        }
        parts.insert("hour", small(civil.hour));
        parts.insert("minute", small(civil.minute));
        parts.insert("second", small(civil.second));
        parts.insert("millisecond", small(civil.millisecond));
        Ok(Some(Bson::Document(parts)))
    }
}

fn parse_all(parser: &mut Parser<'_>, name: &'static str, operands: RawValue<'_>) -> Result<Node> {
    let [date, zone, iso] = named(
        operands,
        ["date", "timezone", "iso8601"],
        |_| {
            CommandError::location(40524, format!("{name} only supports an object as its argument"))
        },
        |field| CommandError::location(40520, format!("Unrecognized argument to {name}: {field}")),
    )?;
    let date = parser.required(date, || {
        CommandError::location(40522, format!("Missing 'date' parameter to {name}"))
    })?;
    let zone = parser.optional(zone)?;
    let iso = parser.optional(iso)?;
    let constant =
        [Some(&date), zone.as_ref(), iso.as_ref()].into_iter().flatten().all(Node::is_constant);
    parser.fold_operator(Node::operator(AllParts { date, zone, iso }), constant)
}
