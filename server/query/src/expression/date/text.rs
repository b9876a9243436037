//! `$dateToString` and `$dateFromString`.

use super::format::{Reader, Writer};
use super::{Zone, parse_date, require_date, zone};
use crate::expression::arguments::named;
use crate::expression::node::{Node, Operator, Scope};
use crate::expression::parser::Parser;
use crate::expression::table::{Family, Syntax};
use crate::expression::value::{NULL, Value, date, is_nullish, show, text, type_name};
use quire_bson::{Bson, RawValue};
use quire_errors::{Code, CommandError, Result};

pub(crate) const TABLE: Family = &[
    ("$dateFromString", Syntax::Own(parse_from_string)),
    ("$dateToString", Syntax::Own(parse_to_string)),
];

const UTC_FORMAT: &str = "%Y-%m-%dT%H:%M:%S.%LZ";
const LOCAL_FORMAT: &str = "%Y-%m-%dT%H:%M:%S.%L";

#[derive(Debug)]
struct ToString {
    date: Node,
    format: Option<Node>,
    zone: Option<Node>,
    on_null: Option<Node>,
}

impl Operator for ToString {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let name = "$dateToString";
        let when = self.date.evaluate(scope)?;
        let format = match &self.format {
            None => None,
            Some(format) => match format.evaluate(scope)? {
                value if is_nullish(&value) => return Ok(NULL),
                Some(Bson::String(format)) => Some(format),
                other => return Err(not_a_string(18533, name, "format", &other)),
            },
        };
        let Some(zone) = zone::evaluate(self.zone.as_ref(), scope, name)? else {
            return Ok(NULL);
        };
        if is_nullish(&when) {
            return self.on_null.as_ref().map_or(Ok(NULL), |on_null| on_null.evaluate(scope));
        }
        let default = if zone.is_utc() { UTC_FORMAT } else { LOCAL_FORMAT };
        let writer = Writer::new(format.as_deref().unwrap_or(default))?;
        Ok(text(writer.write(require_date(when.as_ref())?, &zone)?))
    }
}

fn not_a_string(number: i32, name: &str, field: &str, found: &Value) -> CommandError {
    CommandError::location(
        number,
        format!(
            "{name} requires that '{field}' be a string, found: {} with value {}",
            type_name(found.as_ref()),
            show(found.as_ref())
        ),
    )
}

fn parse_to_string(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    let [when, format, zone, on_null] = named(
        operands,
        ["date", "format", "timezone", "onNull"],
        |_| {
            CommandError::location(18629, format!("{name} only supports an object as its argument"))
        },
        |field| CommandError::location(18534, format!("Unrecognized argument to {name}: {field}")),
    )?;
    let date = parser.required(when, || {
        CommandError::location(18628, format!("Missing 'date' parameter to {name}"))
    })?;
    let format = parser.optional(format)?;
    if let Some(Some(Some(Bson::String(format)))) = format.as_ref().map(Node::as_constant) {
        // A bad format is refused even when there is no document to show.
        Writer::new(format)?;
    }
    let zone = parser.optional(zone)?;
    let on_null = parser.optional(on_null)?;
    let constant = [Some(&date), format.as_ref(), zone.as_ref(), on_null.as_ref()]
        .into_iter()
        .flatten()
        .all(Node::is_constant);
    parser.fold_operator(Node::operator(ToString { date, format, zone, on_null }), constant)
}

#[derive(Debug)]
struct FromString {
    text: Node,
    format: Option<Node>,
    zone: Option<Node>,
    on_error: Option<Node>,
    on_null: Option<Node>,
}

impl Operator for FromString {
    fn evaluate(&self, scope: &mut Scope<'_>) -> Result<Value> {
        let input = self.text.evaluate(scope)?;
        if is_nullish(&input) {
            return self.on_null.as_ref().map_or(Ok(NULL), |on_null| on_null.evaluate(scope));
        }
        match self.read(&input, scope) {
            Err(error) if error.code() == Code::ConversionFailure => match &self.on_error {
                Some(on_error) => on_error.evaluate(scope),
                None => Err(error),
            },
            result => result,
        }
    }
}

impl FromString {
    fn read(&self, input: &Value, scope: &mut Scope<'_>) -> Result<Value> {
        let name = "$dateFromString";
        let format = match &self.format {
            None => None,
            Some(format) => match format.evaluate(scope)? {
                value if is_nullish(&value) => return Ok(NULL),
                Some(Bson::String(format)) => Some(format),
                other => return Err(not_a_string(40684, name, "format", &other)),
            },
        };
        let zone = match &self.zone {
            None => None,
            zone => match zone::evaluate(zone.as_ref(), scope, name)? {
                None => return Ok(NULL),
                zone => zone,
            },
        };
        let Some(Bson::String(input)) = input else {
            let refusal = not_a_string(40543, name, "dateString", input);
            return Err(CommandError::new(Code::ConversionFailure, refusal.message()));
        };
        match &format {
            Some(format) => from_format(input, format, zone.as_ref()),
            None => parse_date(input, zone.as_ref())
                .map(date)
                .map_err(|why| CommandError::new(Code::ConversionFailure, why)),
        }
    }
}

fn from_format(input: &str, format: &str, zone: Option<&Zone>) -> Result<Value> {
    Reader::new(format)?.read(input, zone).map(date).map_err(|why| {
        CommandError::new(
            Code::ConversionFailure,
            format!("Error parsing date string '{input}'; {why}"),
        )
    })
}

fn parse_from_string(
    parser: &mut Parser<'_>,
    name: &'static str,
    operands: RawValue<'_>,
) -> Result<Node> {
    let [input, format, zone, on_error, on_null] = named(
        operands,
        ["dateString", "format", "timezone", "onError", "onNull"],
        |found| {
            CommandError::location(
                40540,
                format!("{name} only supports an object as an argument, found: {found}"),
            )
        },
        |field| CommandError::location(40541, format!("Unrecognized argument to {name}: {field}")),
    )?;
    let from_string = FromString {
        text: parser.required(input, || {
            CommandError::location(40542, format!("Missing 'dateString' parameter to {name}"))
        })?,
        format: parser.optional(format)?,
        zone: parser.optional(zone)?,
        on_error: parser.optional(on_error)?,
        on_null: parser.optional(on_null)?,
    };
    let optional =
        [&from_string.format, &from_string.zone, &from_string.on_error, &from_string.on_null];
    let constant =
        from_string.text.is_constant() && optional.into_iter().flatten().all(Node::is_constant);
    parser.fold_operator(Node::operator(from_string), constant)
}
