//! The time as the log tells it, always UTC: `2024-05-01T12:00:00.000+00:00`.
//!
//! Pure: the caller reads the clock.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

/// A moment taken apart.
struct Civil {
    year: u64,
    month: u64,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    millisecond: u32,
}

/// Appends the time of a line.
pub(crate) fn push(out: &mut String, moment: SystemTime) {
    let at = civil(moment);
    let _ = write!(
        out,
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}+00:00",
        at.year, at.month, at.day, at.hour, at.minute, at.second, at.millisecond
    );
}

/// The suffix of a file that was moved aside: `2024-05-01T12-00-00`.
pub(super) fn file_suffix(moment: SystemTime) -> String {
    let at = civil(moment);
    format!(
        "{:04}-{:02}-{:02}T{:02}-{:02}-{:02}",
        at.year, at.month, at.day, at.hour, at.minute, at.second
    )
}

/// A clock before 1970 shows 1970.
fn civil(moment: SystemTime) -> Civil {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    let seconds = since.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    Civil {
        year,
        month,
        day,
        hour: seconds / 3_600 % 24,
        minute: seconds / 60 % 60,
        second: seconds % 60,
        millisecond: since.subsec_millis(),
    }
}

/// The date that lies this many days after 1 January 1970, counted in eras of 400 years that begin
/// on 1 March, so that the leap day is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    const DAYS_FROM_ERA_TO_EPOCH: u64 = 719_468;
    const DAYS_PER_ERA: u64 = 146_097;
    let days = days + DAYS_FROM_ERA_TO_EPOCH;
    let era = days / DAYS_PER_ERA;
    let day_of_era = days % DAYS_PER_ERA;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn times_are_told_in_utc_to_the_millisecond() {
        let cases = [
            (0, "1970-01-01T00:00:00.000+00:00"),
            (951_782_399_999, "2000-02-28T23:59:59.999+00:00"),
            (951_782_400_000, "2000-02-29T00:00:00.000+00:00"),
            (1_714_564_800_123, "2024-05-01T12:00:00.123+00:00"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000+00:00"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000+00:00"),
        ];
        for (milliseconds, expected) in cases {
            let mut text = String::new();
            push(&mut text, UNIX_EPOCH + Duration::from_millis(milliseconds));
            assert_eq!(text, expected);
        }
    }

    #[test]
    fn file_suffixes_have_no_colons() {
        let moment = UNIX_EPOCH + Duration::from_secs(1_714_564_800);
        assert_eq!(file_suffix(moment), "2024-05-01T12-00-00");
    }

    #[test]
    fn a_clock_before_1970_does_not_panic() {
        let moment = UNIX_EPOCH - Duration::from_secs(5);
        assert_eq!(file_suffix(moment), "1970-01-01T00-00-00");
    }
}
