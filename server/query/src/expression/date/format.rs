//! Date formats such as `%Y-%m-%d`: written by `$dateToString`, read by `$dateFromString`.

use super::calendar::{Civil, MILLIS_PER_DAY, first_iso_monday};
use super::zone::{Zone, parse_offset};
use quire_errors::{CommandError, Result};

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Splits a format into literal text and specifiers.
fn pieces(format: &str, known: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            pieces.push(Piece::Literal(c));
            continue;
        }
        match chars.next() {
            Some('%') => pieces.push(Piece::Literal('%')),
            Some(specifier) if known.contains(specifier) => {
                pieces.push(Piece::Specifier(specifier));
            }
            Some(unknown) => {
                return Err(CommandError::location(
                    18536,
                    format!("Invalid format character '%{unknown}' in format string"),
                ));
            }
            None => {
                return Err(CommandError::location(18535, "Unmatched '%' at end of format string"));
            }
        }
    }
    Ok(pieces)
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Literal(char),
    Specifier(char),
}

/// A checked format for writing.
#[derive(Clone, Debug)]
pub(super) struct Writer(Vec<Piece>);

impl Writer {
    pub(super) fn new(format: &str) -> Result<Writer> {
        pieces(format, "dGHjLmMSuUVwYzZbB").map(Writer)
    }

    pub(super) fn write(&self, utc: i64, zone: &Zone) -> Result<String> {
        let offset = zone.offset_at(utc);
        let civil = Civil::from_millis(utc.saturating_add(offset));
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(c) => out.push(*c),
                Piece::Specifier(specifier) => out.push_str(&written(*specifier, civil, offset)?),
            }
        }
        Ok(out)
    }
}

fn written(specifier: char, civil: Civil, offset: i64) -> Result<String> {
    let month = || {
        usize::try_from(civil.month - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or("")
    };
    let minutes = offset / 60_000;
    let sign = if minutes < 0 { '-' } else { '+' };
    Ok(match specifier {
        'd' => format!("{:02}", civil.day),
        'G' => format!("{:04}", four_digits(civil.iso_week().0)?),
        'H' => format!("{:02}", civil.hour),
        'j' => format!("{:03}", civil.day_of_year()),
        'L' => format!("{:03}", civil.millisecond),
        'm' => format!("{:02}", civil.month),
        'M' => format!("{:02}", civil.minute),
        'S' => format!("{:02}", civil.second),
        'u' => civil.iso_day_of_week().to_string(),
        'U' => format!("{:02}", civil.week()),
        'V' => format!("{:02}", civil.iso_week().1),
        'w' => civil.day_of_week().to_string(),
        'Y' => format!("{:04}", four_digits(civil.year)?),
        'z' => format!("{sign}{:02}{:02}", minutes.abs() / 60, minutes.abs() % 60),
        'Z' => format!("{sign}{}", minutes.abs()),
        'b' => month().get(..3).unwrap_or_default().to_owned(),
        'B' => month().to_owned(),
        _ => String::new(),
    })
}

fn four_digits(year: i64) -> Result<i64> {
    if (0..=9999).contains(&year) {
        return Ok(year);
    }
    Err(CommandError::location(
        18537,
        format!("$dateToString is only defined on year 0-9999, tried to use year {year}"),
    ))
}

/// A checked format for reading.
#[derive(Clone, Debug)]
pub(super) struct Reader(Vec<Piece>);

/// What was read so far.
#[derive(Default)]
struct Fields {
    year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    iso_year: Option<i64>,
    iso_week: Option<i64>,
    iso_day: Option<i64>,
    clock: Clock,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

#[derive(Default)]
struct Clock {
    hour: i64,
    minute: i64,
    second: i64,
    millisecond: i64,
}

impl Reader {
    pub(super) fn new(format: &str) -> Result<Reader> {
        pieces(format, "dGHjLmMSuVYzZbB").map(Reader)
    }

    /// The point in time that `text` names, or what is wrong with it. `zone` counts where the text
    /// does not name its offset itself; naming both is refused.
    pub(super) fn read(&self, text: &str, zone: Option<&Zone>) -> Result<i64, String> {
        let mut fields = Fields::default();
        let mut rest = text;
        for piece in &self.0 {
            let at = text.len() - rest.len();
            rest = match piece {
                Piece::Literal(c) => rest.strip_prefix(*c).ok_or_else(|| {
                    format!("{at}: Format literal not found '{}'", first_char(rest))
                })?,
                Piece::Specifier(specifier) => fields.read(*specifier, rest).ok_or_else(|| {
                    format!(
                        "{at}: {} could not be found '{}'",
                        called(*specifier),
                        first_char(rest)
                    )
                })?,
            };
        }
        if !rest.is_empty() {
            return Err(format!(
                "{}: Trailing data '{}'",
                text.len() - rest.len(),
                first_char(rest)
            ));
        }
        fields.to_utc(zone)
    }
}

fn first_char(text: &str) -> String {
    text.chars().next().map(String::from).unwrap_or_default()
}

fn called(specifier: char) -> &'static str {
    match specifier {
        'd' => "A two digit day",
        'G' | 'Y' => "A four digit year",
        'H' => "A two digit hour",
        'j' => "A three digit day-of-year",
        'L' => "A three digit millisecond",
        'm' => "A two digit month",
        'M' => "A two digit minute",
        'S' => "A two digit second",
        'u' => "A one digit ISO day of week",
        'V' => "A two digit ISO week",
        'b' | 'B' => "A textual month",
        _ => "An offset from UTC",
    }
}

impl Fields {
    /// Reads one field off the front; `None` when it is not there.
    fn read<'t>(&mut self, specifier: char, text: &'t str) -> Option<&'t str> {
        let number = |most: usize, bounds: std::ops::RangeInclusive<i64>| {
            let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
            let (number, rest) = text.split_at_checked(digits)?;
            let number: i64 = number.parse().ok()?;
            bounds.contains(&number).then_some((number, rest))
        };
        let (slot, found) = match specifier {
            'Y' => (&mut self.year, number(4, 0..=9999)),
            'm' => (&mut self.month, number(2, 1..=12)),
            'd' => (&mut self.day, number(2, 1..=31)),
            'j' => (&mut self.day_of_year, number(3, 1..=366)),
            'G' => (&mut self.iso_year, number(4, 0..=9999)),
            'V' => (&mut self.iso_week, number(2, 1..=53)),
            'u' => (&mut self.iso_day, number(1, 1..=7)),
            'H' => return store(&mut self.clock.hour, number(2, 0..=23)),
            'M' => return store(&mut self.clock.minute, number(2, 0..=59)),
            'S' => return store(&mut self.clock.second, number(2, 0..=59)),
            'L' => return store(&mut self.clock.millisecond, number(3, 0..=999)),
            'b' | 'B' => (&mut self.month, month_name(text, specifier == 'B')),
            'z' => (&mut self.offset, offset(text)),
            'Z' => (&mut self.offset, minutes_offset(text)),
            _ => return None,
        };
        let (value, rest) = found?;
        *slot = Some(value);
        Some(rest)
    }

    fn to_utc(&self, zone: Option<&Zone>) -> Result<i64, String> {
        let clock = Civil {
            year: 1970,
            month: 1,
            day: 1,
            hour: self.clock.hour,
            minute: self.clock.minute,
            second: self.clock.second,
            millisecond: self.clock.millisecond,
        };
        let too_far = || "the date is out of range".to_owned();
        let local = match (self.iso_year, self.year) {
            (Some(_), Some(_)) => {
                return Err("a mixture of ISO and natural dates is not allowed".to_owned());
            }
            (Some(year), None) => {
                let weeks = self.iso_week.unwrap_or(1) - 1;
                let days = first_iso_monday(year).ok_or_else(too_far)?
                    + weeks * 7
                    + self.iso_day.unwrap_or(1)
                    - 1;
                clock
                    .to_millis()
                    .and_then(|time| days.checked_mul(MILLIS_PER_DAY)?.checked_add(time))
            }
            (None, Some(year)) => match self.day_of_year {
                Some(day) => Civil { year, day, ..clock }.to_millis(),
                None => match (self.month, self.day) {
                    (Some(month), Some(day)) => Civil { year, month, day, ..clock }.to_millis(),
                    _ => return Err(incomplete()),
                },
            },
            (None, None) => return Err(incomplete()),
        };
        let local = local.ok_or_else(too_far)?;
        match (self.offset, zone) {
            (Some(_), Some(_)) => Err("you cannot pass in a date/time string with GMT offset \
                                       together with a timezone argument"
                .to_owned()),
            (Some(offset), None) => local.checked_sub(offset * 1000).ok_or_else(too_far),
            (None, Some(zone)) => zone.to_utc(local).ok_or_else(too_far),
            (None, None) => Ok(local),
        }
    }
}

fn incomplete() -> String {
    "an incomplete date/time string has been found, with elements missing".to_owned()
}

fn store<'t>(slot: &mut i64, found: Option<(i64, &'t str)>) -> Option<&'t str> {
    let (value, rest) = found?;
    *slot = value;
    Some(rest)
}

/// The number of the month that `text` starts with the name of.
pub(super) fn month_name(text: &str, full: bool) -> Option<(i64, &str)> {
    (1..).zip(MONTHS).find_map(|(number, name)| {
        let name = if full { name } else { name.get(..3)? };
        let (start, rest) = text.split_at_checked(name.len())?;
        start.eq_ignore_ascii_case(name).then_some((number, rest))
    })
}

/// Seconds of `+hhmm` or `+hh:mm`.
fn offset(text: &str) -> Option<(i64, &str)> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some((0, rest));
    }
    [6, 5, 3].into_iter().find_map(|len| {
        let (offset, rest) = text.split_at_checked(len)?;
        Some((parse_offset(offset)?, rest))
    })
}

/// Seconds of `+mmm`, minutes.
fn minutes_offset(text: &str) -> Option<(i64, &str)> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits = text.bytes().skip(1).take(4).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits + 1)?;
    let minutes: i64 = number.get(1..)?.parse().ok()?;
    Some((sign * minutes * 60, rest))
}
