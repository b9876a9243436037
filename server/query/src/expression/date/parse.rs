//! Dates in the forms that need no format: ISO 8601 and what people write.

use super::calendar::{Civil, days_in_month};
use super::format::{MONTHS, month_name};
use super::zone::{Zone, parse_offset};

/// The point in time that `text` names, or what is wrong with it. `zone` counts where the text does
/// not name its offset itself; naming both is refused.
pub(in crate::expression) fn parse_date(text: &str, zone: Option<&Zone>) -> Result<i64, String> {
    let trimmed = text.trim();
    let unknown = || format!("Error parsing date string '{text}'");
    let (days, rest) = date(trimmed).ok_or_else(|| {
        if looks_incomplete(trimmed) {
            format!(
                "an incomplete date/time string has been found, with elements missing: \"{text}\""
            )
        } else {
            unknown()
        }
    })?;
    let (year, month, day) = days;
    if !(1..=12).contains(&month) || !(1..=days_in_month(year, month)).contains(&day) {
        return Err(unknown());
    }
    let mut civil = Civil { year, month, day, hour: 0, minute: 0, second: 0, millisecond: 0 };
    let rest = rest.strip_prefix([',']).unwrap_or(rest);
    let rest = match rest.strip_prefix(['T', 't']) {
        Some(rest) => rest,
        None => rest.trim_start(),
    };
    let rest = clock(rest, &mut civil).ok_or_else(unknown)?.trim_start();
    let own = match rest {
        "" => None,
        rest => Some(own_zone(rest).ok_or_else(unknown)?),
    };
    let zone = match (own, zone) {
        (Some(_), Some(_)) => {
            return Err("you cannot pass in a date/time string with time zone information \
                        together with a timezone argument"
                .to_owned());
        }
        (Some(own), None) => own,
        (None, Some(zone)) => zone.clone(),
        (None, None) => Zone::UTC,
    };
    civil.to_millis().and_then(|local| zone.to_utc(local)).ok_or_else(unknown)
}

type Days = (i64, i64, i64);

/// The calendar date at the front of the text.
fn date(text: &str) -> Option<(Days, &str)> {
    year_first(text).or_else(|| compact(text)).or_else(|| slashed(text)).or_else(|| worded(text))
}

/// So many digits at the front, between a least and a most number of them.
fn digits(text: &str, least: usize, most: usize) -> Option<(i64, &str)> {
    let count = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(count)?;
    if count < least { None } else { Some((number.parse().ok()?, rest)) }
}

/// `2024-05-06`, `2024/5/6`.
fn year_first(text: &str) -> Option<(Days, &str)> {
    let (year, rest) = digits(text, 4, 4)?;
    let (month, rest) = digits(rest.strip_prefix(['-', '/'])?, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix(['-', '/'])?, 1, 2)?;
    Some(((year, month, day), rest))
}

/// `20240506`.
fn compact(text: &str) -> Option<(Days, &str)> {
    let (number, rest) = digits(text, 8, 8)?;
    Some(((number / 10_000, number / 100 % 100, number % 100), rest))
}

/// `5/6/2024`, the month first.
fn slashed(text: &str) -> Option<(Days, &str)> {
    let (month, rest) = digits(text, 1, 2)?;
    let (day, rest) = digits(rest.strip_prefix('/')?, 1, 2)?;
    let (year, rest) = digits(rest.strip_prefix('/')?, 4, 4)?;
    Some(((year, month, day), rest))
}

/// `May 6, 2024`, `6 May 2024`, `Mon, 06 May 2024`.
fn worded(text: &str) -> Option<(Days, &str)> {
    let text = match text.split_once(',') {
        Some((day_name, rest)) if is_day_name(day_name) => rest.trim_start(),
        _ => text,
    };
    if let Some((month, rest)) = month_word(text) {
        let (day, rest) = digits(rest.trim_start_matches(['.', ' ']), 1, 2)?;
        let (year, rest) = digits(rest.trim_start_matches([',', ' ']), 4, 4)?;
        return Some(((year, month, day), rest));
    }
    let (day, rest) = digits(text, 1, 2)?;
    let (month, rest) = month_word(rest.trim_start_matches(['-', ' ']))?;
    let (year, rest) = digits(rest.trim_start_matches(['-', ' ', ',', '.']), 4, 4)?;
    Some(((year, month, day), rest))
}

fn month_word(text: &str) -> Option<(i64, &str)> {
    month_name(text, true).or_else(|| month_name(text, false))
}

fn is_day_name(text: &str) -> bool {
    let known = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let start = text.get(..3).map(str::to_ascii_lowercase);
    start.is_some_and(|start| known.contains(&start.as_str()))
}

/// A year with a month, or a month alone: something is missing.
fn looks_incomplete(text: &str) -> bool {
    let year_and_month = digits(text, 4, 4)
        .and_then(|(_, rest)| digits(rest.strip_prefix('-')?, 1, 2))
        .is_some_and(|(_, rest)| rest.is_empty());
    year_and_month || MONTHS.iter().any(|month| month.eq_ignore_ascii_case(text))
}

/// Reads `10:20[:30[.456]]` or `102030`, if there is a clock at the front.
fn clock<'t>(text: &'t str, civil: &mut Civil) -> Option<&'t str> {
    if let Some((number, rest)) = digits(text, 6, 6)
        && !rest.starts_with(':')
    {
        civil.hour = number / 10_000;
        civil.minute = number / 100 % 100;
        civil.second = number % 100;
        return in_range(civil).then_some(fraction(rest, civil));
    }
    let Some((hour, rest)) = digits(text, 1, 2) else { return Some(text) };
    let (minute, mut rest) = digits(rest.strip_prefix(':')?, 2, 2)?;
    civil.hour = hour;
    civil.minute = minute;
    if let Some(after) = rest.strip_prefix(':') {
        let (second, after) = digits(after, 2, 2)?;
        civil.second = second;
        rest = fraction(after, civil);
    }
    in_range(civil).then_some(rest)
}

fn in_range(civil: &Civil) -> bool {
    civil.hour <= 24 && civil.minute < 60 && civil.second <= 60
}

/// Reads `.456`; digits beyond milliseconds are cut off.
fn fraction<'t>(text: &'t str, civil: &mut Civil) -> &'t str {
    let Some(digits) = text.strip_prefix(['.', ',']) else { return text };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let Some((fraction, rest)) = digits.split_at_checked(count) else { return text };
    let mut unit = 100;
    for digit in fraction.bytes().take(3) {
        civil.millisecond += i64::from(digit - b'0') * unit;
        unit /= 10;
    }
    rest
}

fn own_zone(text: &str) -> Option<Zone> {
    if text.eq_ignore_ascii_case("z") {
        return Some(Zone::UTC);
    }
    let offset = text.strip_prefix("GMT").or_else(|| text.strip_prefix("UTC")).unwrap_or(text);
    parse_offset(offset).map(Zone::Fixed).or_else(|| Zone::parse(text))
}
