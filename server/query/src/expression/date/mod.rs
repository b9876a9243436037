//! Dates.

use quire_bson::DateTime;

/// The date in ISO 8601 with milliseconds, as messages and conversions show it.
pub(crate) fn iso_string(when: DateTime) -> String {
    when.to_string()
}
