//! The proleptic Gregorian calendar over all dates that 64 bits of milliseconds can name.

pub(super) const MILLIS_PER_DAY: i64 = 86_400_000;

/// A point in time by the calendar and the clock of some zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    /// 1 to 12.
    pub(super) month: i64,
    /// 1 to 31.
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) millisecond: i64,
}

impl Civil {
    /// Reads local milliseconds: those since the epoch, as if the zone were UTC.
    pub(super) fn from_millis(local: i64) -> Civil {
        let (year, month, day) = date_of(local.div_euclid(MILLIS_PER_DAY));
        let clock = local.rem_euclid(MILLIS_PER_DAY);
        Civil {
            year,
            month,
            day,
            hour: clock / 3_600_000,
            minute: clock / 60_000 % 60,
            second: clock / 1000 % 60,
            millisecond: clock % 1000,
        }
    }

    /// The local milliseconds. Every part may be out of its usual range and then carries over into
    /// the next larger one; `None` when the result is too far away.
    pub(super) fn to_millis(self) -> Option<i64> {
        let months = self.year.checked_mul(12)?.checked_add(self.month.checked_sub(1)?)?;
        let first = day_number(months.div_euclid(12), months.rem_euclid(12) + 1)?;
        let days = first.checked_add(self.day.checked_sub(1)?)?;
        // Wider than the result: the first of a day may lie beyond the end that its hours reach.
        let wide = i128::from;
        let millis = wide(days) * wide(MILLIS_PER_DAY)
            + wide(self.hour) * 3_600_000
            + wide(self.minute) * 60_000
            + wide(self.second) * 1000
            + wide(self.millisecond);
        i64::try_from(millis).ok()
    }

    /// Days since the epoch.
    pub(super) fn days(self) -> i64 {
        day_number(self.year, self.month).map_or(0, |first| first.saturating_add(self.day - 1))
    }

    /// 1 to 366.
    pub(super) fn day_of_year(self) -> i64 {
        self.days() - day_number(self.year, 1).unwrap_or(0) + 1
    }

    /// 1 for Monday to 7 for Sunday.
    pub(super) fn iso_day_of_week(self) -> i64 {
        iso_day_of_week(self.days())
    }

    /// 1 for Sunday to 7 for Saturday.
    pub(super) fn day_of_week(self) -> i64 {
        self.iso_day_of_week() % 7 + 1
    }

    /// Weeks that start on Sunday; days before the first Sunday are in week 0.
    pub(super) fn week(self) -> i64 {
        (self.day_of_year() + 7 - self.day_of_week()) / 7
    }

    /// The ISO 8601 week and the year it belongs to: a week is where its Thursday is.
    pub(super) fn iso_week(self) -> (i64, i64) {
        let thursday = self.days() - self.iso_day_of_week() + 4;
        let (year, ..) = date_of(thursday);
        let first = day_number(year, 1).unwrap_or(0);
        (year, (thursday - first) / 7 + 1)
    }
}

/// 1 for Monday to 7 for Sunday, of a day counted from the epoch, which was a Thursday.
pub(super) fn iso_day_of_week(days: i64) -> i64 {
    (days.rem_euclid(7) + 3) % 7 + 1
}

/// The Monday of the first ISO week of a year, in days since the epoch.
pub(super) fn first_iso_monday(year: i64) -> Option<i64> {
    // The fourth of January is always in the first week.
    let fourth = day_number(year, 1)?.checked_add(3)?;
    fourth.checked_sub(iso_day_of_week(fourth) - 1)
}

pub(super) fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

const DAYS_PER_ERA: i64 = 146_097;
/// Days from the first of March of year 0 to the epoch.
const EPOCH_SHIFT: i64 = 719_468;

/// The days from the epoch to the first of a month. Years start in March here, so that the leap day
/// is the last of its year, and repeat every 400 years.
fn day_number(year: i64, month: i64) -> Option<i64> {
    let year = if month <= 2 { year.checked_sub(1)? } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era.checked_mul(DAYS_PER_ERA)?.checked_add(day_of_era - EPOCH_SHIFT)
}

/// Year, month and day of a day counted from the epoch.
fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days.saturating_add(EPOCH_SHIFT);
    let era = days.div_euclid(DAYS_PER_ERA);
    let day_of_era = days.rem_euclid(DAYS_PER_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_eight_centuries_is_read_as_it_was_written() {
        let mut expected = (1600, 1, 1);
        let start = day_number(1600, 1).unwrap();
        for days in start..start + 2 * DAYS_PER_ERA {
            assert_eq!(date_of(days), expected);
            assert_eq!(day_number(expected.0, expected.1).unwrap() + expected.2 - 1, days);
            expected.2 += 1;
            if expected.2 > days_in_month(expected.0, expected.1) {
                expected = (expected.0, expected.1 + 1, 1);
            }
            if expected.1 > 12 {
                expected = (expected.0 + 1, 1, 1);
            }
        }
        assert_eq!(expected, (2400, 1, 1));
    }

    #[test]
    fn weeks_are_counted_by_both_rules() {
        let civil = |year, month, day| Civil {
            year,
            month,
            day,
            hour: 0,
            minute: 0,
            second: 0,
            millisecond: 0,
        };
        for (date, week, iso) in [
            (civil(2016, 1, 1), 0, (2015, 53)),
            (civil(2016, 1, 4), 1, (2016, 1)),
            (civil(2017, 1, 1), 1, (2016, 52)),
            (civil(2018, 12, 31), 52, (2019, 1)),
            (civil(2024, 12, 30), 52, (2025, 1)),
        ] {
            assert_eq!((date.week(), date.iso_week()), (week, iso), "{date:?}");
        }
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        for millis in [i64::MIN, i64::MAX, 0, -1] {
            assert_eq!(Civil::from_millis(millis).to_millis(), Some(millis));
        }
    }
}
