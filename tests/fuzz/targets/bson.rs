//! Any bytes as a document: validation tells good from bad, and what is good can be read to the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use quire_bson::compare::compare_docs;
use quire_bson::{Limits, RawDoc, RawValue, validate};
use std::cmp::Ordering;

/// Reads every value, as deep as validation allowed.
fn read(document: RawDoc<'_>) {
    for element in document.iter() {
        let value = element.value();
        match value.as_document().or_else(|| value.as_array()) {
            Some(inner) => read(inner),
            None => drop(value.to_bson()),
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    // Views must not panic on bytes that nobody has checked, either.
    let unchecked = RawDoc::from_validated(bytes);
    let _ = unchecked.get("a").map(RawValue::tag);
    let _ = unchecked.count();

    let Ok(document) = validate(bytes, Limits::default()) else { return };
    read(document);
    assert_eq!(compare_docs(document, document), Ordering::Equal);
});
