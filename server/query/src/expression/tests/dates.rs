//! Tables of cases: dates.

use super::*;
use quire_bson::{DateTime, bson};

fn at(text: &str) -> Bson {
    Bson::DateTime(DateTime::parse_rfc3339_str(text).unwrap())
}

fn document() -> Document {
    // A Thursday in summer time.
    doc! { "d": at("2024-07-18T22:05:09.123Z"), "n": 5, "s": "x" }
}

#[test]
fn parts_are_read_in_any_zone() {
    gives(
        document(),
        [
            (bson!({ "$year": "$d" }), bson!(2024)),
            (bson!({ "$month": ["$d"] }), bson!(7)),
            (bson!({ "$dayOfMonth": { "date": "$d" } }), bson!(18)),
            (bson!({ "$dayOfMonth": { "date": "$d", "timezone": "Europe/Berlin" } }), bson!(19)),
            (bson!({ "$hour": { "date": "$d", "timezone": "+05:30" } }), bson!(3)),
            (bson!({ "$minute": { "date": "$d", "timezone": "+0530" } }), bson!(35)),
            (bson!({ "$second": "$d" }), bson!(9)),
            (bson!({ "$millisecond": "$d" }), bson!(123)),
            (bson!({ "$dayOfWeek": "$d" }), bson!(5)),
            (bson!({ "$isoDayOfWeek": "$d" }), bson!(4)),
            (bson!({ "$dayOfYear": "$d" }), bson!(200)),
            (bson!({ "$week": "$d" }), bson!(28)),
            (bson!({ "$isoWeek": "$d" }), bson!(29)),
            (bson!({ "$isoWeekYear": "$d" }), bson!(2024_i64)),
            (bson!({ "$year": "$gone" }), Bson::Null),
            (bson!({ "$year": { "date": "$d", "timezone": "$gone" } }), Bson::Null),
            (
                bson!({ "$dateToParts": { "date": "$d", "timezone": "-01" } }),
                bson!({
            "year": 2024, "month": 7, "day": 18, "hour": 21, "minute": 5, "second": 9,
            "millisecond": 123 }),
            ),
            (
                bson!({ "$dateToParts": { "date": "$d", "iso8601": true } }),
                bson!({
            "isoWeekYear": 2024, "isoWeek": 29, "isoDayOfWeek": 4, "hour": 22, "minute": 5,
            "second": 9, "millisecond": 123 }),
            ),
        ],
    );
    fails(
        document(),
        [
            (bson!({ "$year": "$s" }), 16006, "can't convert from BSON type string to Date"),
            (
                bson!({ "$year": { "date": "$d", "timezone": "Nowhere" } }),
                40485,
                "unrecognized time zone identifier: \"Nowhere\"",
            ),
            (
                bson!({ "$year": { "date": "$d", "timezone": "$n" } }),
                40533,
                "$year requires a string for the timezone argument, but was given a int (5)",
            ),
            (
                bson!({ "$year": { "date": "$d", "zone": "x" } }),
                40535,
                "unrecognized option to $year: \"zone\"",
            ),
            (
                bson!({ "$year": ["$d", "$d"] }),
                40536,
                "$year accepts exactly one argument if given an array, but was given 2",
            ),
        ],
    );
}

#[test]
fn dates_are_made_from_parts() {
    gives(
        document(),
        [
            (
                bson!({ "$dateFromParts": { "year": 2024, "month": 2, "day": 29 } }),
                at("2024-02-29T00:00:00Z"),
            ),
            (
                bson!({ "$dateFromParts": { "year": 2024, "month": 14, "day": 0, "hour": 25 } }),
                at("2025-02-01T01:00:00Z"),
            ),
            (
                bson!({ "$dateFromParts": { "year": 2024, "timezone": "America/New_York" } }),
                at("2024-01-01T05:00:00Z"),
            ),
            (
                bson!({ "$dateFromParts": { "isoWeekYear": 2021, "isoWeek": 1 } }),
                at("2021-01-04T00:00:00Z"),
            ),
            (bson!({ "$dateFromParts": { "year": "$gone" } }), Bson::Null),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$dateFromParts": { "month": 1 } }),
                40516,
                "$dateFromParts requires either 'year' or 'isoWeekYear' to be present",
            ),
            (
                bson!({ "$dateFromParts": { "year": 2024, "isoWeek": 1 } }),
                40489,
                "$dateFromParts does not allow mixing natural dates with ISO dates",
            ),
            (
                bson!({ "$dateFromParts": { "year": 0 } }),
                40523,
                "'year' must evaluate to an integer in the range 1 to 9999, found 0",
            ),
            (
                bson!({ "$dateFromParts": { "year": "$s" } }),
                40515,
                "'year' must evaluate to an integer, found string with value :\"x\"",
            ),
        ],
    );
}

#[test]
fn dates_are_written_by_format() {
    gives(
        document(),
        [
            (bson!({ "$dateToString": { "date": "$d" } }), bson!("2024-07-18T22:05:09.123Z")),
            (
                bson!({ "$dateToString": { "date": "$d", "timezone": "Europe/Berlin" } }),
                bson!("2024-07-19T00:05:09.123"),
            ),
            (
                bson!({ "$dateToString": { "date": "$d", "format": "%d/%m/%Y %H:%M:%S.%L %j %u %w %V %G %U %%" } }),
                bson!("18/07/2024 22:05:09.123 200 4 5 29 2024 28 %"),
            ),
            (
                bson!({ "$dateToString": { "date": "$d", "format": "%b %B %z %Z", "timezone": "-03:30" } }),
                bson!("Jul July -0330 -210"),
            ),
            (bson!({ "$dateToString": { "date": "$gone", "onNull": "none" } }), bson!("none")),
            (bson!({ "$dateToString": { "date": "$gone" } }), Bson::Null),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$dateToString": { "date": "$d", "format": "%Q" } }),
                18536,
                "Invalid format character '%Q' in format string",
            ),
            (
                bson!({ "$dateToString": { "date": "$d", "format": "%" } }),
                18535,
                "Unmatched '%' at end of format string",
            ),
            (
                bson!({ "$dateToString": { "format": "%Y" } }),
                18628,
                "Missing 'date' parameter to $dateToString",
            ),
        ],
    );
}

#[test]
fn dates_are_read_in_the_usual_forms() {
    let whole = at("2024-02-03T04:05:06.700Z");
    for text in [
        "2024-02-03T04:05:06.7Z",
        "2024-02-03 04:05:06.700",
        "2024-02-03T05:05:06.7+01:00",
        "2024-02-03T05:05:06.7 +0100",
        "20240203T040506.7",
        "2024/2/3 04:05:06.7",
        "Feb 3, 2024 04:05:06.7",
        "Sat, 03 Feb 2024 04:05:06.7 GMT",
        "2024-02-03T05:05:06.7 Europe/Berlin",
    ] {
        gives(doc! {}, [(bson!({ "$dateFromString": { "dateString": text } }), whole.clone())]);
    }
    gives(
        doc! {},
        [
            (
                bson!({ "$dateFromString": { "dateString": "2024-02-03", "timezone": "Europe/Berlin" } }),
                at("2024-02-02T23:00:00Z"),
            ),
            (
                bson!({ "$dateFromString": { "dateString": "03-02-2024 4h", "format": "%d-%m-%Y %Hh" } }),
                at("2024-02-03T04:00:00Z"),
            ),
            (
                bson!({ "$dateFromString": { "dateString": "2024 W05-6", "format": "%G W%V-%u" } }),
                at("2024-02-03T00:00:00Z"),
            ),
            (
                bson!({ "$dateFromString": { "dateString": "Feb 3 2024 +0100", "format": "%b %d %Y %z" } }),
                at("2024-02-02T23:00:00Z"),
            ),
            (
                bson!({ "$dateFromString": { "dateString": "nonsense", "onError": "bad" } }),
                bson!("bad"),
            ),
            (bson!({ "$dateFromString": { "dateString": null, "onNull": "none" } }), bson!("none")),
            (bson!({ "$dateFromString": { "dateString": null } }), Bson::Null),
        ],
    );
    fails(
        doc! {},
        [
            (
                bson!({ "$dateFromString": { "dateString": "nonsense" } }),
                241,
                "Error parsing date string 'nonsense'",
            ),
            (
                bson!({ "$dateFromString": { "dateString": "2024-02" } }),
                241,
                "an incomplete date/time string has been found, with elements missing: \"2024-02\"",
            ),
            (
                bson!({ "$dateFromString": { "dateString": "2024-02-30" } }),
                241,
                "Error parsing date string '2024-02-30'",
            ),
            (
                bson!({ "$dateFromString": { "dateString": 5 } }),
                241,
                "$dateFromString requires that 'dateString' be a string, found: int with value 5",
            ),
        ],
    );
}

#[test]
fn dates_move_by_the_calendar() {
    gives(
        document(),
        [
            (
                bson!({ "$dateAdd": { "startDate": at("2024-01-31T00:00:00Z"), "unit": "month", "amount": 1 } }),
                at("2024-02-29T00:00:00Z"),
            ),
            (
                bson!({ "$dateSubtract": { "startDate": at("2024-02-29T00:00:00Z"), "unit": "year", "amount": 1 } }),
                at("2023-02-28T00:00:00Z"),
            ),
            (
                bson!({ "$dateAdd": { "startDate": "$d", "unit": "hour", "amount": -23 } }),
                at("2024-07-17T23:05:09.123Z"),
            ),
            // A day over the change of clocks is 23 hours long.
            (
                bson!({ "$dateAdd": { "startDate": at("2023-03-25T12:00:00Z"), "unit": "day", "amount": 1,
                               "timezone": "Europe/Berlin" } }),
                at("2023-03-26T11:00:00Z"),
            ),
            (
                bson!({ "$dateAdd": { "startDate": "$gone", "unit": "day", "amount": 1 } }),
                Bson::Null,
            ),
            (
                bson!({ "$dateDiff": { "startDate": at("2023-12-31T23:59:59Z"), "endDate": at("2024-01-01T00:00:00Z"),
                                "unit": "year" } }),
                bson!(1_i64),
            ),
            (
                bson!({ "$dateDiff": { "startDate": at("2024-01-06T00:00:00Z"), "endDate": at("2024-01-07T00:00:00Z"),
                                "unit": "week" } }),
                bson!(1_i64),
            ),
            (
                bson!({ "$dateDiff": { "startDate": at("2024-01-06T00:00:00Z"), "endDate": at("2024-01-07T00:00:00Z"),
                                "unit": "week", "startOfWeek": "Mon" } }),
                bson!(0_i64),
            ),
            (
                bson!({ "$dateDiff": { "startDate": at("2024-03-01T10:30:00Z"), "endDate": at("2024-03-01T08:59:00Z"),
                                "unit": "hour" } }),
                bson!(-2_i64),
            ),
            (
                bson!({ "$dateDiff": { "startDate": at("2023-03-25T12:00:00Z"), "endDate": at("2023-03-26T12:00:00Z"),
                                "unit": "hour", "timezone": "Europe/Berlin" } }),
                bson!(24_i64),
            ),
            (
                bson!({ "$dateTrunc": { "date": "$d", "unit": "month" } }),
                at("2024-07-01T00:00:00Z"),
            ),
            (bson!({ "$dateTrunc": { "date": "$d", "unit": "week" } }), at("2024-07-14T00:00:00Z")),
            (
                bson!({ "$dateTrunc": { "date": "$d", "unit": "week", "startOfWeek": "monday" } }),
                at("2024-07-15T00:00:00Z"),
            ),
            (
                bson!({ "$dateTrunc": { "date": "$d", "unit": "minute", "binSize": 15 } }),
                at("2024-07-18T22:00:00Z"),
            ),
            (
                bson!({ "$dateTrunc": { "date": "$d", "unit": "day", "timezone": "Europe/Berlin" } }),
                at("2024-07-18T22:00:00Z"),
            ),
            (
                bson!({ "$dateTrunc": { "date": "$d", "unit": "quarter" } }),
                at("2024-07-01T00:00:00Z"),
            ),
        ],
    );
    fails(
        document(),
        [
            (
                bson!({ "$dateAdd": { "startDate": "$s", "unit": "day", "amount": 1 } }),
                5_166_403,
                "$dateAdd requires startDate to be convertible to a date, but got string",
            ),
            (
                bson!({ "$dateAdd": { "startDate": "$d", "unit": "day" } }),
                5_166_402,
                "$dateAdd requires startDate, unit, and amount to be present",
            ),
            (
                bson!({ "$dateAdd": { "startDate": "$d", "unit": "aeon", "amount": 1 } }),
                9,
                "$dateAdd parameter 'unit' value cannot be recognized as a time unit: aeon",
            ),
            (
                bson!({ "$dateTrunc": { "date": "$d", "unit": "day", "binSize": 0 } }),
                5_439_018,
                "$dateTrunc requires 'binSize' to be greater than 0, but got value 0",
            ),
            (
                bson!({ "$dateDiff": { "startDate": "$d", "unit": "day" } }),
                5_166_304,
                "Missing 'endDate' parameter to $dateDiff",
            ),
        ],
    );
}
