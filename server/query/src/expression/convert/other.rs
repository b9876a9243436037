//! Conversions to strings, object ids and dates.

use super::{NO_ON_ERROR, binary, failure, unsupported};
use crate::expression::date::{iso_string, parse_date, point_in_time};
use crate::expression::value::double_text;
use quire_bson::{Bson, DateTime, Number, ObjectId};
use quire_errors::Result;

pub(super) fn to_text(value: Bson, format: Option<&str>) -> Result<Bson> {
    Ok(Bson::String(match value {
        Bson::String(text) => text,
        Bson::Boolean(flag) => flag.to_string(),
        Bson::Int32(n) => n.to_string(),
        Bson::Int64(n) => n.to_string(),
        Bson::Double(x) if x.is_infinite() => {
            if x > 0.0 { "Infinity" } else { "-Infinity" }.to_owned()
        }
        Bson::Double(x) => double_text(x),
        Bson::Decimal128(decimal) => decimal.to_string(),
        Bson::ObjectId(id) => id.to_hex(),
        Bson::DateTime(when) => iso_string(when),
        Bson::Binary(ref data) => binary::to_text(data, format)?,
        other => return Err(unsupported(&other, "string")),
    }))
}

pub(super) fn to_object_id(value: Bson) -> Result<Bson> {
    match value {
        Bson::ObjectId(_) => Ok(value),
        Bson::String(text) => ObjectId::parse_str(&text).map(Bson::ObjectId).map_err(|_| {
            let why = if text.len() == 24 {
                "Invalid character found in hex string".to_owned()
            } else {
                format!(
                    "Invalid string length for parsing to OID, expected 24 but found {}",
                    text.len()
                )
            };
            failure(format!("Failed to parse objectId '{text}' {NO_ON_ERROR}: {why}"))
        }),
        other => Err(unsupported(&other, "objectId")),
    }
}

pub(super) fn to_date(value: &Bson) -> Result<Bson> {
    let millis = match value {
        Bson::String(text) => parse_date(text, None).map_err(failure)?,
        Bson::Int64(n) => *n,
        Bson::Double(_) | Bson::Decimal128(_) => {
            let number = Number::from_bson(value).unwrap_or(Number::Int32(0));
            number.to_i64_truncating().ok_or_else(|| {
                failure(format!(
                    "Conversion would overflow target type {NO_ON_ERROR}: {}",
                    crate::expression::show(Some(value))
                ))
            })?
        }
        other => point_in_time(other).ok_or_else(|| unsupported(other, "date"))?,
    };
    Ok(Bson::DateTime(DateTime::from_millis(millis)))
}
