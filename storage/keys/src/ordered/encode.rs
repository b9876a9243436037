//! Writing values as key bytes.

use super::{Order, class, classes, number};
use quire_bson::compare::canonical_type_of_tag;
use quire_bson::validate::DEPTH_MAX;
use quire_bson::{RawDoc, RawValue};

/// Appends the bytes of `value` for a field in ascending order.
pub fn encode_value(out: &mut Vec<u8>, value: RawValue<'_>) {
    encode_at(out, value, 0);
}

/// Appends the bytes of `value` for a field in descending order.
pub fn encode_value_descending(out: &mut Vec<u8>, value: RawValue<'_>) {
    encode_with(out, value, Order::Descending);
}

/// Appends the bytes of `value` for a field in the given order.
pub fn encode_with(out: &mut Vec<u8>, value: RawValue<'_>, order: Order) {
    let start = out.len();
    encode_at(out, value, 0);
    if order == Order::Descending {
        invert_from(out, start);
    }
}

pub(super) fn invert_from(out: &mut [u8], start: usize) {
    for byte in out.iter_mut().skip(start) {
        *byte = !*byte;
    }
}

fn encode_at(out: &mut Vec<u8>, value: RawValue<'_>, depth: usize) {
    match value {
        RawValue::MinKey => out.push(class::MIN_KEY),
        RawValue::Undefined => out.push(class::UNDEFINED),
        RawValue::Null => out.push(class::NULL),
        RawValue::MaxKey => out.push(class::MAX_KEY),
        RawValue::Int32(n) => number::encode_i64(out, i64::from(n)),
        RawValue::Int64(n) => number::encode_i64(out, n),
        RawValue::Double(x) => number::encode_f64(out, x),
        RawValue::Decimal128(bytes) => number::encode_decimal(out, bytes),
        RawValue::String(text) | RawValue::Symbol(text) => {
            out.push(class::TEXT);
            write_text(out, text.as_bytes());
        }
        RawValue::Document(doc) => {
            out.push(class::DOCUMENT);
            write_elements(out, doc, depth);
        }
        RawValue::Array(items) => {
            out.push(class::ARRAY);
            write_items(out, items, depth);
        }
        RawValue::CodeWithScope { code, scope } => {
            out.push(class::CODE_WITH_SCOPE);
            write_text(out, code.as_bytes());
            write_elements(out, scope, depth);
        }
        RawValue::Binary { subtype, bytes } => write_binary(out, subtype, bytes),
        RawValue::ObjectId(id) => {
            out.push(class::OBJECT_ID);
            out.extend_from_slice(&id.bytes());
        }
        RawValue::Boolean(flag) => out.push(if flag { class::TRUE } else { class::FALSE }),
        RawValue::DateTime(millis) => {
            out.push(class::DATE);
            // With the sign bit inverted, two's complement counts up through zero.
            out.extend_from_slice(&(millis ^ i64::MIN).to_be_bytes());
        }
        RawValue::Timestamp { time, increment } => {
            out.push(class::TIMESTAMP);
            out.extend_from_slice(&time.to_be_bytes());
            out.extend_from_slice(&increment.to_be_bytes());
        }
        RawValue::Regex { pattern, options } => {
            out.push(class::REGEX);
            write_text(out, pattern.as_bytes());
            write_text(out, options.as_bytes());
        }
        RawValue::DbPointer { namespace, id } => {
            out.push(class::DB_POINTER);
            out.extend_from_slice(&length(namespace.as_bytes()).to_be_bytes());
            out.extend_from_slice(namespace.as_bytes());
            out.extend_from_slice(&id.bytes());
        }
        RawValue::Code(code) => {
            out.push(class::CODE);
            write_text(out, code.as_bytes());
        }
    }
}

fn write_elements(out: &mut Vec<u8>, doc: RawDoc<'_>, depth: usize) {
    if depth > DEPTH_MAX {
        // Where comparing stops recursing and looks at the bytes, so must the key.
        return write_text(out, doc.as_bytes());
    }
    for element in doc {
        out.push(classes(canonical_type_of_tag(element.tag())).0);
        write_text(out, element.key_bytes());
        encode_at(out, element.value(), depth + 1);
    }
    out.push(class::END);
}

fn write_items(out: &mut Vec<u8>, items: RawDoc<'_>, depth: usize) {
    if depth > DEPTH_MAX {
        return write_text(out, items.as_bytes());
    }
    for item in items {
        encode_at(out, item.value(), depth + 1);
    }
    out.push(class::END);
}

fn write_binary(out: &mut Vec<u8>, subtype: u8, bytes: &[u8]) {
    out.push(class::BINARY);
    match u8::try_from(bytes.len()) {
        Ok(short) if short < 0xFF => out.push(short),
        _ => {
            out.push(0xFF);
            out.extend_from_slice(&length(bytes).to_be_bytes());
        }
    }
    out.push(subtype);
    out.extend_from_slice(bytes);
}

/// A length; BSON's own are int32, so all fit.
fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// Writes `text` escaped and ended, so that a shorter text is smaller and no prefix of a longer one.
fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte <= 1) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((&byte, after)) = special.split_first() else { break };
        out.extend_from_slice(&[1, byte + 1]);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(0);
}
