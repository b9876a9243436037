//! `find`'s `$slice`: a window of an array.

use quire_bson::{Number, RawDoc, RawValue};
use quire_errors::{CommandError, Result};

/// A window: how many elements to skip (from the end when negative) and how many to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    skip: i64,
    limit: i64,
}

impl Slice {
    /// `n` or `[skip, limit]`.
    pub(super) fn parse(value: RawValue<'_>) -> Result<Slice> {
        if let Some(n) = integer(value) {
            let skip = if n < 0 { n } else { 0 };
            return Ok(Slice { skip, limit: n.abs() });
        }
        let Some(pair) = value.as_array() else {
            return Err(CommandError::location(
                31273,
                "$slice only supports numbers and [skip, limit] arrays",
            ));
        };
        let (Some(skip), Some(limit), 2) = (pair.nth(0), pair.nth(1), pair.count()) else {
            return Err(CommandError::location(
                31272,
                "$slice array argument should be of form [skip, limit]",
            ));
        };
        let number = |code, what, value: RawValue<'_>| {
            integer(value).ok_or_else(|| {
                let found = value.type_name();
                let message =
                    format!("$slice expects the {what} argument to be a number, got {found}");
                CommandError::location(code, message)
            })
        };
        let skip = number(31257, "skip", skip.value())?;
        let limit = number(31258, "limit", limit.value())?;
        if limit <= 0 {
            let message = format!("$slice limit must be positive, got {limit}");
            return Err(CommandError::location(31259, message));
        }
        Ok(Slice { skip, limit })
    }

    /// The first position of the window over `len` elements, and its length.
    pub(super) fn window(self, len: usize) -> (usize, usize) {
        let from_end = usize::try_from(self.skip.unsigned_abs()).unwrap_or(usize::MAX);
        let first = if self.skip < 0 { len.saturating_sub(from_end) } else { from_end.min(len) };
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        (first, limit.min(len - first))
    }

    /// The elements of `array` inside the window.
    pub(super) fn of(self, array: RawDoc<'_>) -> impl Iterator<Item = quire_bson::RawElement<'_>> {
        let (first, count) = self.window(array.count());
        array.iter().skip(first).take(count)
    }
}

/// A number cut to 32 bits, as MongoDB reads the arguments here.
fn integer(value: RawValue<'_>) -> Option<i64> {
    let wide = match Number::from_raw(value)? {
        Number::Int32(n) => i64::from(n),
        Number::Int64(n) => n,
        // `as` saturates and turns NaN into zero.
        Number::Double(x) => x as i64,
        Number::Decimal(d) => d.to_f64() as i64,
    };
    Some(wide.clamp(i64::from(i32::MIN), i64::from(i32::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_cut_to_the_array() {
        for ((skip, limit), len, window) in [
            ((0, 2), 5, (0, 2)),
            ((-2, 2), 5, (3, 2)),
            ((-9, 9), 5, (0, 5)),
            ((1, 2), 5, (1, 2)),
            ((4, 9), 5, (4, 1)),
            ((9, 1), 5, (5, 0)),
            ((-3, 2), 5, (2, 2)),
            ((0, 0), 5, (0, 0)),
        ] {
            assert_eq!(Slice { skip, limit }.window(len), window, "[{skip}, {limit}] of {len}");
        }
    }
}
