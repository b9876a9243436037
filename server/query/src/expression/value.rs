//! Values while they are computed: what is true, what is null, how they compare and how they read in
//! a message.

use quire_bson::{Bson, DateTime, compare_bson};
use quire_collation::ValueOrder;
use std::cmp::Ordering;

/// A computed value; `None` is a missing one.
pub type Value = Option<Bson>;

/// MongoDB's truth: everything but false, null, undefined, missing and zero.
pub fn is_true(value: Option<&Bson>) -> bool {
    match value {
        None | Some(Bson::Boolean(false) | Bson::Null | Bson::Undefined | Bson::Int32(0)) => false,
        Some(Bson::Int64(n)) => *n != 0,
        Some(Bson::Double(x)) => *x != 0.0,
        Some(decimal @ Bson::Decimal128(_)) => {
            compare_bson(decimal, &Bson::Int32(0)) != Ordering::Equal
        }
        Some(_) => true,
    }
}

/// Compares as `$cmp` does. A missing value stands where undefined does, below null.
pub fn compare_values(order: &ValueOrder, a: Option<&Bson>, b: Option<&Bson>) -> Ordering {
    order.compare_bson(a.unwrap_or(&Bson::Undefined), b.unwrap_or(&Bson::Undefined))
}

/// Null, undefined or missing: what most operators answer with null.
pub(crate) fn is_nullish(value: &Value) -> bool {
    matches!(value, None | Some(Bson::Null | Bson::Undefined))
}

pub(crate) fn is_number(value: &Bson) -> bool {
    matches!(value, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_) | Bson::Decimal128(_))
}

pub(crate) const NULL: Value = Some(Bson::Null);

/// MongoDB's name of the value's type.
pub fn type_name(value: Option<&Bson>) -> &'static str {
    match value {
        None => "missing",
        Some(Bson::Double(_)) => "double",
        Some(Bson::String(_)) => "string",
        Some(Bson::Array(_)) => "array",
        Some(Bson::Document(_)) => "object",
        Some(Bson::Boolean(_)) => "bool",
        Some(Bson::Null) => "null",
        Some(Bson::RegularExpression(_)) => "regex",
        Some(Bson::JavaScriptCode(_)) => "javascript",
        Some(Bson::JavaScriptCodeWithScope(_)) => "javascriptWithScope",
        Some(Bson::Int32(_)) => "int",
        Some(Bson::Int64(_)) => "long",
        Some(Bson::Timestamp(_)) => "timestamp",
        Some(Bson::Binary(_)) => "binData",
        Some(Bson::ObjectId(_)) => "objectId",
        Some(Bson::DateTime(_)) => "date",
        Some(Bson::Symbol(_)) => "symbol",
        Some(Bson::Decimal128(_)) => "decimal",
        Some(Bson::Undefined) => "undefined",
        Some(Bson::MaxKey) => "maxKey",
        Some(Bson::MinKey) => "minKey",
        Some(Bson::DbPointer(_)) => "dbPointer",
    }
}

/// The value as error messages show it.
pub fn show(value: Option<&Bson>) -> String {
    let mut out = String::new();
    write(&mut out, value);
    out
}

fn write(out: &mut String, value: Option<&Bson>) {
    match value {
        None => out.push_str("MISSING"),
        Some(Bson::Document(doc)) => write_list(out, '{', '}', doc.iter(), |out, (key, value)| {
            out.push_str(key);
            out.push_str(": ");
            write(out, Some(value));
        }),
        Some(Bson::Array(items)) => write_list(out, '[', ']', items.iter(), |out, item| {
            write(out, Some(item));
        }),
        Some(Bson::String(text)) => {
            out.push('"');
            out.push_str(text);
            out.push('"');
        }
        Some(Bson::Undefined) => out.push_str("undefined"),
        Some(Bson::MinKey) => out.push_str("MinKey"),
        Some(Bson::MaxKey) => out.push_str("MaxKey"),
        Some(Bson::DateTime(when)) => out.push_str(&super::date::iso_string(*when)),
        Some(Bson::Double(x)) => out.push_str(&double_text(*x)),
        Some(Bson::ObjectId(id)) => out.push_str(&id.to_hex()),
        Some(other) => out.push_str(&other.to_string()),
    }
}

fn write_list<T>(
    out: &mut String,
    open: char,
    close: char,
    items: impl Iterator<Item = T>,
    mut item: impl FnMut(&mut String, T),
) {
    out.push(open);
    for (n, each) in items.enumerate() {
        if n > 0 {
            out.push_str(", ");
        }
        item(out, each);
    }
    out.push(close);
}

/// A double as MongoDB prints it: like C's `%.15g`, or with the 17 digits that it takes when 15
/// would name another number.
pub(crate) fn double_text(x: f64) -> String {
    if x.is_nan() {
        return "NaN".to_owned();
    }
    if x.is_infinite() {
        return if x > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let short = general(x, 15);
    if short.parse() == Ok(x) { short } else { general(x, 17) }
}

/// C's `%.<digits>g`.
fn general(x: f64, digits: usize) -> String {
    let scientific = format!("{x:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let limit = i32::try_from(digits).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    let decimals = usize::try_from(limit - 1 - exponent).unwrap_or(0);
    without_zeros(&format!("{x:.decimals$}")).to_owned()
}

fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// A date value of `millis` since the epoch.
pub(crate) fn date(millis: i64) -> Value {
    Some(Bson::DateTime(DateTime::from_millis(millis)))
}

pub(crate) fn int(n: usize) -> Value {
    Some(match i32::try_from(n) {
        Ok(n) => Bson::Int32(n),
        Err(_) => Bson::Int64(i64::try_from(n).unwrap_or(i64::MAX)),
    })
}

pub(crate) fn long(n: i64) -> Value {
    Some(Bson::Int64(n))
}

pub(crate) fn text(text: impl Into<String>) -> Value {
    Some(Bson::String(text.into()))
}

pub(crate) fn boolean(flag: bool) -> Value {
    Some(Bson::Boolean(flag))
}
