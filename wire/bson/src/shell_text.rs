//! Documents as the shell shows them, for messages that quote a value.
//!
//! Owns the text form in duplicate-key errors, log lines and explain. Long values are not shortened
//! here; whoever quotes user data decides about that.

use crate::{RawDoc, RawValue};
use std::fmt::Write;

/// The document as `{ a: 1, b: "x" }`.
pub fn shell_text(doc: RawDoc<'_>) -> String {
    let mut out = String::new();
    write_doc(&mut out, doc);
    out
}

/// One value in the same form.
pub fn shell_value(value: RawValue<'_>) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_doc(out: &mut String, doc: RawDoc<'_>) {
    if doc.is_empty() {
        out.push_str("{}");
        return;
    }
    for (n, element) in doc.iter().enumerate() {
        out.push_str(if n == 0 { "{ " } else { ", " });
        let _ = write!(out, "{}: ", element.key());
        write_value(out, element.value());
    }
    out.push_str(" }");
}

fn write_array(out: &mut String, items: RawDoc<'_>) {
    if items.is_empty() {
        out.push_str("[]");
        return;
    }
    for (n, element) in items.iter().enumerate() {
        out.push_str(if n == 0 { "[ " } else { ", " });
        write_value(out, element.value());
    }
    out.push_str(" ]");
}

fn write_value(out: &mut String, value: RawValue<'_>) {
    let _ = match value {
        RawValue::Double(x) if x.fract() == 0.0 && x.abs() < 1e15 => write!(out, "{x:.1}"),
        RawValue::Double(x) => write!(out, "{x}"),
        RawValue::String(text) => write!(out, "{text:?}"),
        RawValue::Document(doc) => {
            write_doc(out, doc);
            Ok(())
        }
        RawValue::Array(items) => {
            write_array(out, items);
            Ok(())
        }
        RawValue::Binary { subtype, bytes } => {
            write!(out, "BinData({subtype}, {})", hex(bytes))
        }
        RawValue::Undefined => write!(out, "undefined"),
        RawValue::ObjectId(id) => write!(out, "ObjectId('{id}')"),
        RawValue::Boolean(flag) => write!(out, "{flag}"),
        RawValue::DateTime(millis) => write!(out, "new Date({millis})"),
        RawValue::Null => write!(out, "null"),
        RawValue::Regex { pattern, options } => write!(out, "/{pattern}/{options}"),
        RawValue::DbPointer { namespace, id } => write!(out, "DBRef('{namespace}', {id})"),
        RawValue::Code(code) => write!(out, "{code}"),
        RawValue::Symbol(text) => write!(out, "{text:?}"),
        RawValue::CodeWithScope { code, scope } => {
            let _ = write!(out, "CodeWScope( {code}, ");
            write_doc(out, scope);
            write!(out, ")")
        }
        RawValue::Int32(n) => write!(out, "{n}"),
        RawValue::Timestamp { time, increment } => write!(out, "Timestamp({time}, {increment})"),
        RawValue::Int64(n) => write!(out, "{n}"),
        RawValue::Decimal128(bytes) => {
            write!(out, "{}", crate::Decimal128::from_bytes(bytes))
        }
        RawValue::MinKey => write!(out, "MinKey"),
        RawValue::MaxKey => write!(out, "MaxKey"),
    };
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::shell_text;
    use crate::{DocBuf, doc};

    #[test]
    fn values_read_as_in_the_shell() {
        let doc = DocBuf::from(&doc! {"a": 1, "b": "x\"y", "c": [1.5, null, {}], "d": 2.0});
        assert_eq!(
            shell_text(doc.as_raw()),
            r#"{ a: 1, b: "x\"y", c: [ 1.5, null, {} ], d: 2.0 }"#
        );
    }
}
