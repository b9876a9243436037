//! Documents as relaxed extended JSON, for log lines that other tools read.
//!
//! Fields keep their order: readers take the first one for the name of the command.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use quire_bson::{Bson, Document};
use serde_json::{Value, json};

/// Levels that are written; deeper ones are left out. Only documents that were cut come here.
const DEPTH_MAX: usize = 64;

pub fn text(doc: &Document) -> String {
    let mut out = String::new();
    write_document(&mut out, doc, DEPTH_MAX);
    out
}

fn write_document(out: &mut String, doc: &Document, depth: usize) {
    out.push('{');
    for (n, (key, value)) in doc.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        out.push_str(&json!(key).to_string());
        out.push(':');
        write_value(out, value, depth);
    }
    out.push('}');
}

fn write_value(out: &mut String, value: &Bson, depth: usize) {
    match (value, depth.checked_sub(1)) {
        (Bson::Document(_) | Bson::Array(_), None) => out.push_str("null"),
        (Bson::Document(doc), Some(depth)) => write_document(out, doc, depth),
        (Bson::Array(items), Some(depth)) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write_value(out, item, depth);
            }
            out.push(']');
        }
        (scalar, _) => out.push_str(&scalar_value(scalar).to_string()),
    }
}

/// What has no form of its own in JSON is written as the shell's text.
fn scalar_value(bson: &Bson) -> Value {
    match bson {
        Bson::Double(x) if x.is_finite() => json!(x),
        Bson::Double(x) => json!({ "$numberDouble": x.to_string() }),
        Bson::String(text) => json!(text),
        Bson::Boolean(flag) => json!(flag),
        Bson::Null => Value::Null,
        Bson::Int32(n) => json!(n),
        Bson::Int64(n) => json!(n),
        Bson::ObjectId(id) => json!({ "$oid": id.to_hex() }),
        Bson::DateTime(date) => match date.try_to_rfc3339_string() {
            Ok(text) => json!({ "$date": text }),
            Err(_) => json!({ "$date": { "$numberLong": date.timestamp_millis().to_string() } }),
        },
        Bson::Timestamp(t) => json!({ "$timestamp": { "t": t.time, "i": t.increment } }),
        Bson::Decimal128(n) => json!({ "$numberDecimal": n.to_string() }),
        Bson::Binary(binary) => binary_value(binary.subtype.into(), &binary.bytes),
        Bson::MinKey => json!({ "$minKey": 1 }),
        Bson::MaxKey => json!({ "$maxKey": 1 }),
        Bson::Undefined => json!({ "$undefined": true }),
        other => json!(other.to_string()),
    }
}

/// UUIDs have a form that log readers search for.
fn binary_value(subtype: u8, bytes: &[u8]) -> Value {
    if let (4, Ok(uuid)) = (subtype, <[u8; 16]>::try_from(bytes)) {
        let hex = format!("{:032x}", u128::from_be_bytes(uuid));
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        let parts = [part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)];
        return json!({ "$uuid": parts.join("-") });
    }
    let base64 = STANDARD.encode(bytes);
    json!({ "$binary": { "base64": base64, "subType": format!("{subtype:02x}") } })
}

#[cfg(test)]
mod tests {
    use super::text;
    use quire_bson::{Binary, BinarySubtype, DateTime, doc};

    #[test]
    fn fields_keep_their_order_and_values_the_form_tools_know() {
        let uuid = Binary { subtype: BinarySubtype::Uuid, bytes: vec![0xab; 16] };
        let bytes = Binary { subtype: BinarySubtype::Generic, bytes: vec![1] };
        let doc = doc! {
            "find": "c", "a": [1.5, null], "at": DateTime::from_millis(0), "id": uuid, "b": bytes,
        };
        let expected = concat!(
            r#"{"find":"c","a":[1.5,null],"at":{"$date":"1970-01-01T00:00:00Z"},"#,
            r#""id":{"$uuid":"abababab-abab-abab-abab-abababababab"},"#,
            r#""b":{"$binary":{"base64":"AQ==","subType":"00"}}}"#,
        );
        assert_eq!(text(&doc), expected);
    }
}
