//! Time zones: UTC, fixed offsets and the named zones of the time zone database.

use super::calendar::MILLIS_PER_DAY;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use quire_bson::Bson;
use quire_errors::{CommandError, Result};

use crate::expression::node::{Node, Scope};
use crate::expression::value::{is_nullish, show, type_name};

#[derive(Clone, Debug)]
pub(in crate::expression) enum Zone {
    /// Seconds east of Greenwich.
    Fixed(i64),
    Named(TimeZone),
}

impl Zone {
    pub(in crate::expression) const UTC: Zone = Zone::Fixed(0);

    /// Parses `UTC`, `+05:30`, `+0530`, `+05` and `Europe/Berlin`.
    pub(in crate::expression) fn parse(name: &str) -> Option<Zone> {
        if matches!(name, "UTC" | "GMT" | "Z") {
            return Some(Zone::UTC);
        }
        if name.starts_with(['+', '-']) {
            return parse_offset(name).map(Zone::Fixed);
        }
        TimeZone::get(name).ok().map(Zone::Named)
    }

    pub(super) fn is_utc(&self) -> bool {
        matches!(self, Zone::Fixed(0))
    }

    /// Milliseconds east of Greenwich at a point in time.
    pub(super) fn offset_at(&self, utc: i64) -> i64 {
        match self {
            Zone::Fixed(seconds) => seconds * 1000,
            Zone::Named(zone) => {
                // The database knows years 1 to 9999; beyond, its first and last rules hold on.
                let at = Timestamp::from_millisecond(utc).unwrap_or(if utc < 0 {
                    Timestamp::MIN
                } else {
                    Timestamp::MAX
                });
                i64::from(zone.to_offset(at).seconds()) * 1000
            }
        }
    }

    /// The local milliseconds of a point in time.
    pub(super) fn to_local(&self, utc: i64) -> Option<i64> {
        utc.checked_add(self.offset_at(utc))
    }

    /// The point in time of local milliseconds. A time that a change of clocks skips moves on by as
    /// much; of one that comes twice the first is meant.
    pub(super) fn to_utc(&self, local: i64) -> Option<i64> {
        let before = self.offset_at(local.saturating_sub(MILLIS_PER_DAY));
        let after = self.offset_at(local.saturating_add(MILLIS_PER_DAY));
        let early = local.checked_sub(before)?;
        if before == after || self.offset_at(early) == before {
            return Some(early);
        }
        let late = local.checked_sub(after)?;
        Some(if self.offset_at(late) == after { late } else { early })
    }
}

/// Seconds of `±hh`, `±hhmm` or `±hh:mm`.
pub(super) fn parse_offset(text: &str) -> Option<i64> {
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let number = |part: &str| -> Option<i64> {
        let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
        if plain { part.parse().ok() } else { None }
    };
    let (hours, minutes) = match digits.len() {
        2 => (number(digits)?, 0),
        4 => (number(digits.get(..2)?)?, number(digits.get(2..)?)?),
        5 if digits.get(2..3) == Some(":") => {
            (number(digits.get(..2)?)?, number(digits.get(3..)?)?)
        }
        _ => return None,
    };
    Some(sign * (hours * 3600 + minutes * 60))
}

/// Evaluates a `timezone` operand. UTC when it was not given, `None` when it is null.
pub(super) fn evaluate(
    node: Option<&Node>,
    scope: &mut Scope<'_>,
    name: &str,
) -> Result<Option<Zone>> {
    let Some(node) = node else { return Ok(Some(Zone::UTC)) };
    match node.evaluate(scope)? {
        value if is_nullish(&value) => Ok(None),
        Some(Bson::String(zone)) => Zone::parse(&zone).map(Some).ok_or_else(|| {
            CommandError::location(40485, format!("unrecognized time zone identifier: \"{zone}\""))
        }),
        other => Err(CommandError::location(
            40533,
            format!(
                "{name} requires a string for the timezone argument, but was given a {} ({})",
                type_name(other.as_ref()),
                show(other.as_ref())
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    /// 2023-03-26T01:00:00Z, when Berlin went from +1 to +2.
    const SPRING: i64 = 1_679_792_400_000;
    /// 2023-10-29T01:00:00Z, when it went back.
    const AUTUMN: i64 = 1_698_541_200_000;

    #[test]
    fn offsets_are_read_in_all_forms() {
        for (text, seconds) in [("+05:30", 19800), ("-0330", -12600), ("+02", 7200), ("-00:00", 0)]
        {
            assert_eq!(parse_offset(text), Some(seconds), "{text}");
        }
        for text in ["+5", "+05:3", "05:30", "+a5", "", "+05-30"] {
            assert_eq!(parse_offset(text), None, "{text}");
        }
    }

    #[test]
    fn a_named_zone_changes_its_clocks() {
        let berlin = Zone::parse("Europe/Berlin").unwrap();
        assert_eq!(berlin.offset_at(SPRING - 1), HOUR);
        assert_eq!(berlin.offset_at(SPRING), 2 * HOUR);
        // 02:30 was skipped and is 03:30; 02:30 in autumn came twice and is the first.
        let skipped = SPRING + HOUR + HOUR / 2;
        assert_eq!(berlin.to_utc(skipped), Some(SPRING + HOUR / 2));
        let twice = AUTUMN + HOUR + HOUR / 2;
        assert_eq!(berlin.to_utc(twice), Some(AUTUMN - HOUR / 2));
        assert_eq!(berlin.to_utc(AUTUMN + 3 * HOUR), Some(AUTUMN + 2 * HOUR));
    }

    #[test]
    fn unknown_zones_are_none() {
        assert!(Zone::parse("Europe/Atlantis").is_none());
    }
}
