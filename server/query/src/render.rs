//! Values as they read inside error messages: `{ a: 1, b: "x" }`.
//!
//! Owns the notation of messages that quote a part of a document or of a command, which clients and
//! people match on. Never used for data that is sent as data.

use quire_bson::{RawDoc, RawValue};
use std::fmt::Write;

/// Quoted parts nest at most this deep and are cut at this length, so that a message stays readable.
const DEPTH_MAX: usize = 100;
const TEXT_MAX: usize = 2048;

/// A document: `{ a: 1, b: "x" }`, or `{}`.
pub(crate) fn document(doc: RawDoc<'_>) -> String {
    let mut out = String::new();
    write_document(&mut out, doc, 0);
    out
}

/// A value alone.
pub(crate) fn value(value: RawValue<'_>) -> String {
    let mut out = String::new();
    write_value(&mut out, value, 0);
    out
}

/// A named value: `a: 1`.
pub(crate) fn element(name: &str, value: RawValue<'_>) -> String {
    let mut out = format!("{name}: ");
    write_value(&mut out, value, 0);
    out
}

/// The element `_id: …` of a document inside braces, by which messages name a document.
pub(crate) fn id_of(doc: RawDoc<'_>) -> String {
    match doc.get("_id") {
        Some(id) => format!("{{{}}}", element("_id", id)),
        None => "{no id}".to_owned(),
    }
}

fn write_document(out: &mut String, doc: RawDoc<'_>, depth: usize) {
    write_members(out, doc, depth, '{', '}', true);
}

fn write_members(
    out: &mut String,
    doc: RawDoc<'_>,
    depth: usize,
    open: char,
    close: char,
    named: bool,
) {
    out.push(open);
    for (position, element) in doc.iter().enumerate() {
        if depth >= DEPTH_MAX || out.len() > TEXT_MAX {
            out.push_str(" ...");
            break;
        }
        out.push_str(if position == 0 { " " } else { ", " });
        if named {
            out.push_str(element.key());
            out.push_str(": ");
        }
        write_value(out, element.value(), depth + 1);
    }
    if !doc.is_empty() {
        out.push(' ');
    }
    out.push(close);
}

fn write_value(out: &mut String, value: RawValue<'_>, depth: usize) {
    // Writing to a string cannot fail.
    let _ = match value {
        RawValue::Document(doc) => {
            write_document(out, doc, depth);
            Ok(())
        }
        RawValue::Array(items) => {
            write_members(out, items, depth, '[', ']', false);
            Ok(())
        }
        RawValue::Double(x) => write_double(out, x),
        RawValue::String(text) | RawValue::Symbol(text) => write!(out, "\"{text}\""),
        RawValue::Binary { subtype, bytes } => write_binary(out, subtype, bytes),
        RawValue::Undefined => out.write_str("undefined"),
        RawValue::ObjectId(id) => write!(out, "ObjectId('{id}')"),
        RawValue::Boolean(flag) => write!(out, "{flag}"),
        RawValue::DateTime(millis) => write!(out, "new Date({millis})"),
        RawValue::Null => out.write_str("null"),
        RawValue::Regex { pattern, options } => write!(out, "/{pattern}/{options}"),
        RawValue::DbPointer { namespace, id } => write!(out, "DBRef('{namespace}',{id})"),
        RawValue::Code(code) => out.write_str(code),
        RawValue::CodeWithScope { code, scope } => {
            let _ = write!(out, "CodeWScope( {code}, ");
            write_document(out, scope, depth + 1);
            out.write_char(')')
        }
        RawValue::Int32(n) => write!(out, "{n}"),
        RawValue::Int64(n) => write!(out, "{n}"),
        RawValue::Timestamp { time, increment } => write!(out, "Timestamp({time}, {increment})"),
        RawValue::Decimal128(bytes) => {
            write!(out, "{}", quire_bson::Decimal128::from_bytes(bytes))
        }
        RawValue::MinKey => out.write_str("MinKey"),
        RawValue::MaxKey => out.write_str("MaxKey"),
    };
}

/// A double always shows that it is one: `1.0`.
fn write_double(out: &mut String, x: f64) -> std::fmt::Result {
    if x.is_nan() {
        out.write_str("nan.0")
    } else if x.is_infinite() {
        out.write_str(if x > 0.0 { "inf.0" } else { "-inf.0" })
    } else if x == x.trunc() && x.abs() < 1e16 {
        write!(out, "{x:.1}")
    } else {
        write!(out, "{x}")
    }
}

fn write_binary(out: &mut String, subtype: u8, bytes: &[u8]) -> std::fmt::Result {
    write!(out, "BinData({subtype}, ")?;
    for byte in bytes.iter().take(64) {
        write!(out, "{byte:02X}")?;
    }
    out.write_char(')')
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::{Bson, DocBuf, doc};

    fn rendered(value: Bson) -> String {
        document(DocBuf::from(&doc! { "v": value }).as_raw())
    }

    #[test]
    fn values_read_as_in_the_shell() {
        for (value, text) in [
            (Bson::Int32(1), "{ v: 1 }"),
            (Bson::Double(1.0), "{ v: 1.0 }"),
            (Bson::Double(0.25), "{ v: 0.25 }"),
            (Bson::String("x".into()), "{ v: \"x\" }"),
            (Bson::Null, "{ v: null }"),
            (Bson::Array(vec![Bson::Int32(1), Bson::Boolean(true)]), "{ v: [ 1, true ] }"),
            (Bson::Array(vec![]), "{ v: [] }"),
            (Bson::Document(doc! {}), "{ v: {} }"),
            (Bson::Document(doc! { "a": 1 }), "{ v: { a: 1 } }"),
        ] {
            assert_eq!(rendered(value), text);
        }
    }

    #[test]
    fn a_long_document_is_cut() {
        let items = vec![Bson::Int32(1_000_000); 10_000];
        assert!(rendered(Bson::Array(items)).len() < TEXT_MAX + 64);
    }
}
