//! Units of time and days of the week, as the date operators name them.

use crate::expression::node::{Node, Scope};
use crate::expression::value::{Value, is_nullish, type_name};
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many months: 12, 3 or 1.
    Months(i64),
    /// So many days: 7 or 1.
    Days(i64),
    /// So many milliseconds: an hour or less.
    Millis(i64),
}

impl Unit {
    fn parse(name: &str) -> Option<Unit> {
        Some(match name {
            "year" => Unit::Months(12),
            "quarter" => Unit::Months(3),
            "month" => Unit::Months(1),
            "week" => Unit::Days(7),
            "day" => Unit::Days(1),
            "hour" => Unit::Millis(3_600_000),
            "minute" => Unit::Millis(60_000),
            "second" => Unit::Millis(1000),
            "millisecond" => Unit::Millis(1),
            _ => return None,
        })
    }

    /// Evaluates a `unit` operand; `None` when it is null.
    pub(super) fn evaluate(
        node: &Node,
        scope: &mut Scope<'_>,
        operator: &str,
    ) -> Result<Option<Unit>> {
        match node.evaluate(scope)? {
            value if is_nullish(&value) => Ok(None),
            Some(Bson::String(name)) => Unit::parse(&name).map(Some).ok_or_else(|| {
                CommandError::failed_to_parse(format!(
                    "{operator} parameter 'unit' value cannot be recognized as a time unit: {name}"
                ))
            }),
            other => Err(not_a_string(5_439_013, operator, "unit", &other)),
        }
    }
}

fn not_a_string(number: i32, operator: &str, field: &str, found: &Value) -> CommandError {
    CommandError::location(
        number,
        format!(
            "{operator} requires '{field}' to be a string, but got {}",
            type_name(found.as_ref())
        ),
    )
}

const DAYS: [&str; 7] =
    ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

/// Evaluates a `startOfWeek` operand to 1 (Monday) to 7 (Sunday, the default); `None` when null.
pub(super) fn start_of_week(
    node: Option<&Node>,
    scope: &mut Scope<'_>,
    operator: &str,
) -> Result<Option<i64>> {
    let Some(node) = node else { return Ok(Some(7)) };
    let name = match node.evaluate(scope)? {
        value if is_nullish(&value) => return Ok(None),
        Some(Bson::String(name)) => name,
        other => return Err(not_a_string(5_439_015, operator, "startOfWeek", &other)),
    };
    let wanted = name.to_ascii_lowercase();
    let day = (1..).zip(DAYS).find(|(_, day)| *day == wanted || day.get(..3) == Some(&wanted));
    day.map(|(number, _)| Some(number)).ok_or_else(|| {
        CommandError::failed_to_parse(format!(
            "{operator} parameter 'startOfWeek' value cannot be recognized as a day of a week: \
             {name}"
        ))
    })
}
