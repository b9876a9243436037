//! `$mod`.

use super::parse::{FieldOperator, Parsed};
use super::predicate::Predicate;
use super::whole::{NotWhole, truncated};
use quire_bson::RawValue;
use quire_errors::{CommandError, Result};

/// `value % divisor == remainder`, fractions cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Modulo {
    divisor: i64,
    remainder: i64,
}

impl Modulo {
    pub(crate) fn matches(&self, value: Option<RawValue<'_>>) -> bool {
        let Some(Ok(value)) = value.and_then(truncated) else {
            return false;
        };
        // i64::MIN % -1 overflows; its remainder is zero.
        value.checked_rem(self.divisor).unwrap_or(0) == self.remainder
    }

    pub(crate) fn parts(&self) -> (i64, i64) {
        (self.divisor, self.remainder)
    }
}

pub(super) fn modulo(operator: &FieldOperator<'_>) -> Parsed {
    let RawValue::Array(items) = operator.element.value() else {
        return Err(CommandError::bad_value("malformed mod, needs to be an array"));
    };
    let mut items = items.iter();
    let mut number = |role: &str| {
        let Some(item) = items.next() else {
            return Err(CommandError::bad_value("malformed mod, not enough elements"));
        };
        truncated(item.value())
            .ok_or_else(|| CommandError::bad_value(format!("malformed mod, {role} not a number")))
    };
    // The shape is judged before the values.
    let divisor = number("divisor")?;
    let remainder = number("remainder")?;
    if items.next().is_some() {
        return Err(CommandError::bad_value("malformed mod, too many elements"));
    }
    let divisor = whole("divisor", divisor)?;
    let remainder = whole("remainder", remainder)?;
    if divisor == 0 {
        return Err(CommandError::bad_value("divisor cannot be 0"));
    }
    Ok(Some(Predicate::Modulo(Modulo { divisor, remainder })))
}

fn whole(role: &str, number: Result<i64, NotWhole>) -> Result<i64> {
    number.map_err(|why| {
        let why = match why {
            NotWhole::NanOrInfinity => "Unable to coerce NaN/Inf to integral type",
            NotWhole::OutOfRange => "Out of bounds coercing to integral value",
        };
        CommandError::bad_value(why).context(&format!("malformed mod, {role} value is invalid"))
    })
}
