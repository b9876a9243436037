//! Whole numbers from BSON numbers of any type.
//!
//! Owns the two readings that operators need: only numbers without a fraction (`$size`, bit
//! positions), or the fraction cut off (`$mod`).

use crate::render;
use quire_bson::{Number, RawElement, RawValue};

/// Why a number has no whole part as an int64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotWhole {
    NanOrInfinity,
    OutOfRange,
}

/// The whole part as an int64, and whether a fraction was cut off; `None` for other types.
fn split(value: RawValue<'_>) -> Option<Result<(i64, bool), NotWhole>> {
    Some(match Number::from_raw(value)? {
        Number::Int32(n) => Ok((i64::from(n), false)),
        Number::Int64(n) => Ok((n, false)),
        Number::Double(x) if !x.is_finite() => Err(NotWhole::NanOrInfinity),
        Number::Double(x) => {
            // 2^63 is exact as a double, so this is the range of int64.
            let limit = 9_223_372_036_854_775_808.0;
            let whole = x.trunc();
            if (-limit..limit).contains(&whole) {
                Ok((whole as i64, whole != x))
            } else {
                Err(NotWhole::OutOfRange)
            }
        }
        Number::Decimal(d) if !d.is_finite() => Err(NotWhole::NanOrInfinity),
        Number::Decimal(d) => {
            let signed = d.integer_part().and_then(|(magnitude, fraction)| {
                let magnitude = i128::try_from(magnitude).ok()?;
                let whole = if d.is_negative() { -magnitude } else { magnitude };
                Some((i64::try_from(whole).ok()?, fraction))
            });
            signed.ok_or(NotWhole::OutOfRange)
        }
    })
}

/// The number with its fraction cut off; `None` for a value that is no number.
pub(crate) fn truncated(value: RawValue<'_>) -> Option<Result<i64, NotWhole>> {
    Some(split(value)?.map(|(whole, _)| whole))
}

/// The number if it has no fraction and fits an int64.
pub(crate) fn exact(value: RawValue<'_>) -> Option<i64> {
    match split(value)? {
        Ok((whole, false)) => Some(whole),
        _ => None,
    }
}

/// A whole number that is not negative, or what is wrong with it in MongoDB's words.
pub(crate) fn non_negative(element: RawElement<'_>) -> Result<u64, String> {
    let value = element.value();
    if !value.is_number() {
        return Err(format!(
            "Expected a number in: {}",
            render::element(element.key(), element.value())
        ));
    }
    match exact(value) {
        Some(n) => u64::try_from(n).map_err(|_| {
            format!(
                "Expected a non-negative number in: {}",
                render::element(element.key(), element.value())
            )
        }),
        None if super::comparison::is_nan(value) => Err(format!(
            "Expected an integer, but found NaN in: {}",
            render::element(element.key(), element.value())
        )),
        None => match truncated(value) {
            Some(Err(_)) => Err(format!(
                "Cannot represent as a 64-bit integer: {}",
                render::element(element.key(), element.value())
            )),
            _ => Err(format!(
                "Expected an integer: {}",
                render::element(element.key(), element.value())
            )),
        },
    }
}
