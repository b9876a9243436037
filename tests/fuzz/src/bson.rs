//! BSON: bytes that pass validation can be read, compared, encoded as a key and built again; bytes that
//! do not cannot do harm either.

use quire_bson::{DocBuf, DocBuilder, Limits, RawDoc, RawValue, compare, compare_docs, validate};
use std::cmp::Ordering;

/// Checks one input.
pub fn check(input: &[u8]) {
    match validate(input, Limits::default()) {
        Ok(doc) => {
            assert_eq!(doc.as_bytes(), input, "a valid document takes all of its bytes");
            read(doc);
            assert_order(doc);
            assert_rebuilt(doc);
        }
        Err(invalid) => {
            assert!(!invalid.to_string().is_empty());
            // Views of bytes nobody has validated show less, but never fail.
            read(RawDoc::from_validated(input));
        }
    }
}

/// Reads every value at every depth, without recursion.
fn read(doc: RawDoc<'_>) {
    let mut open = vec![doc.iter()];
    while let Some(elements) = open.last_mut() {
        let Some(element) = elements.next() else {
            open.pop();
            continue;
        };
        assert!(element.key().len() <= element.key_bytes().len());
        match element.value() {
            RawValue::Document(inner) | RawValue::Array(inner) => open.push(inner.iter()),
            RawValue::CodeWithScope { scope, .. } => open.push(scope.iter()),
            _ => {}
        }
    }
}

/// Every value equals itself, and its key says so.
fn assert_order(doc: RawDoc<'_>) {
    assert_eq!(compare_docs(doc, doc), Ordering::Equal);
    let mut earlier: Option<(RawValue<'_>, Vec<u8>)> = None;
    for element in doc {
        assert_eq!(element.key().as_bytes(), element.key_bytes(), "a valid key is UTF-8");
        let value = element.value();
        assert_eq!(compare(value, value), Ordering::Equal);
        let mut key = Vec::new();
        quire_keys::encode_value(&mut key, value);
        assert_eq!(quire_keys::skip_value(&key), Some(key.len()), "a key tells its own length");
        let mut descending = Vec::new();
        quire_keys::encode_value_descending(&mut descending, value);
        assert_eq!(quire_keys::skip_value(&descending), Some(descending.len()));
        if let Some((before, before_key)) = earlier {
            assert_eq!(compare(before, value), before_key.cmp(&key), "{before:?} {value:?}");
        }
        earlier = Some((value, key));
    }
}

/// Building a document from the values of another gives the same bytes.
fn assert_rebuilt(doc: RawDoc<'_>) {
    let mut by_value = DocBuilder::new();
    let mut by_element = DocBuilder::new();
    for element in doc {
        by_value.append(element.key(), element.value());
        by_element.append_element(element);
    }
    assert_eq!(by_value.finish().as_bytes(), doc.as_bytes(), "by value");
    assert_eq!(by_element.finish().as_bytes(), doc.as_bytes(), "by element");
    // A decoded document may have lost doubled keys, but is valid again.
    let decoded = DocBuf::from(&doc.to_document());
    assert!(validate(decoded.as_bytes(), Limits::default()).is_ok());
}
