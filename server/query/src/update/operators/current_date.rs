//! `$currentDate`: the time at which the command began, as a date or a timestamp.

use super::{Argument, Change, Operator, Parsed, Place, one, replace};
use crate::update::timestamps;
use crate::update::tree::{Tree, Value};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};

#[derive(Debug)]
enum CurrentDate {
    Date,
    Timestamp,
}

pub(super) fn parse(argument: &Argument<'_>) -> Result<Parsed> {
    let kind = match argument.value() {
        RawValue::Boolean(_) => CurrentDate::Date,
        RawValue::Document(spec) => kind_of(spec)?,
        other => {
            return Err(CommandError::bad_value(format!(
                "{} is not valid type for $currentDate. Please use a boolean ('true') or a $type \
                 expression ({{$type: 'timestamp/date'}}).",
                other.type_name()
            )));
        }
    };
    one(argument, kind)
}

fn kind_of(spec: RawDoc<'_>) -> Result<CurrentDate> {
    let mut kind = None;
    for element in spec {
        if element.key() != "$type" {
            return Err(CommandError::bad_value(format!(
                "Unrecognized $currentDate option: {}",
                element.key()
            )));
        }
        kind = match element.value().as_str() {
            Some("date") => Some(CurrentDate::Date),
            Some("timestamp") => Some(CurrentDate::Timestamp),
            _ => None,
        };
    }
    kind.ok_or_else(|| {
        CommandError::bad_value(
            "The '$type' string field is required to be 'date' or 'timestamp': \
             {$currentDate: {field : {$type: 'date'}}}",
        )
    })
}

impl CurrentDate {
    fn value(&self, place: &Place<'_>) -> Value {
        Value::of(match self {
            CurrentDate::Date => RawValue::DateTime(place.constants.now_millis),
            CurrentDate::Timestamp => {
                let (time, increment) = timestamps::now(place.constants);
                RawValue::Timestamp { time, increment }
            }
        })
    }
}

impl Operator for CurrentDate {
    fn change(&self, current: &mut Tree<'_>, place: &Place<'_>) -> Result<Change> {
        Ok(replace(current, &self.value(place)))
    }

    fn create(&self, place: &Place<'_>) -> Result<Option<Value>> {
        Ok(Some(self.value(place)))
    }
}
