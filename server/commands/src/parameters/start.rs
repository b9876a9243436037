//! Values of parameters as the command line spells them.
//!
//! Owns reading one text as the value it most plainly is: a boolean, a number, a list or document in
//! JSON, or else the text itself. What a value may be is the parameter's own affair.

use quire_bson::{Bson, Document};
use serde_json::Value;

pub(super) fn read(text: &str) -> Bson {
    let trimmed = text.trim();
    match serde_json::from_str::<Value>(trimmed) {
        Ok(value) => bson(value),
        Err(_) => Bson::String(trimmed.to_owned()),
    }
}

fn bson(value: Value) -> Bson {
    match value {
        Value::Null => Bson::Null,
        Value::Bool(flag) => Bson::Boolean(flag),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => i32::try_from(whole).map_or(Bson::Int64(whole), Bson::Int32),
            None => Bson::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Bson::String(text),
        Value::Array(items) => Bson::Array(items.into_iter().map(bson).collect()),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, bson(value)));
            Bson::Document(fields.collect::<Document>())
        }
    }
}
