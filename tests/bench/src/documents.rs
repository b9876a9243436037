//! The documents of the benchmark: 1 KiB of ten random texts, as YCSB has them.
//!
//! Owns their bytes. A few dozen different ones are built once and copied with another `_id`, so that
//! making a document costs the generator a copy; the texts hardly compress, so no store gains by luck.

use crate::random::Random;
use quire_bson::{DocBuilder, ObjectId, RawDoc, RawValue};

/// The length of every document.
pub(crate) const DOCUMENT_BYTES: usize = 1024;

/// Where the `_id`'s value stands: behind the length, the type and `_id\0`.
const ID_AT: usize = 9;

/// How far behind the `_id`'s value that of `n` begins: its type and its name stand between.
const N_BEHIND_ID: usize = 1 + "n\0".len();

const TEMPLATES: u64 = 64;
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(crate) struct Documents {
    templates: Vec<Vec<u8>>,
}

impl Documents {
    /// Documents whose `_id` is an ObjectId, as drivers make them.
    pub(crate) fn with_object_ids() -> Documents {
        Documents::new(RawValue::ObjectId(ObjectId::from_bytes([0; 12])))
    }

    /// Documents whose `_id` is an int64.
    pub(crate) fn numbered() -> Documents {
        Documents::new(RawValue::Int64(0))
    }

    fn new(id: RawValue<'_>) -> Documents {
        let mut random = Random::new(1024);
        Documents { templates: (0..TEMPLATES).map(|_| template(id, &mut random)).collect() }
    }

    /// Appends a document with the `_id` whose bytes are given.
    pub(crate) fn append(&self, out: &mut Vec<u8>, random: &mut Random, id: &[u8]) {
        self.append_with(out, random, id, 0);
    }

    /// The same with a number in the field `n`.
    pub(crate) fn append_with(&self, out: &mut Vec<u8>, random: &mut Random, id: &[u8], n: i64) {
        let start = out.len();
        let which = usize::try_from(random.below(TEMPLATES)).unwrap_or(0);
        out.extend_from_slice(self.templates.get(which).map_or(&[], Vec::as_slice));
        let at = start + ID_AT;
        if let Some(place) = out.get_mut(at..at + id.len()) {
            place.copy_from_slice(id);
        }
        let at = at + id.len() + N_BEHIND_ID;
        if let Some(place) = out.get_mut(at..at + 8) {
            place.copy_from_slice(&n.to_le_bytes());
        }
    }
}

/// A document as PostgreSQL takes it: its JSON without the `_id`, which is a column there.
pub(crate) fn append_json(out: &mut Vec<u8>, document: RawDoc<'_>) {
    let mut before = b'{';
    for element in document {
        if element.key() == "_id" {
            continue;
        }
        out.push(before);
        before = b',';
        out.push(b'"');
        out.extend_from_slice(element.key_bytes());
        out.extend_from_slice(b"\":");
        // Neither names nor texts hold anything that JSON would have to escape.
        let value = match element.value() {
            RawValue::String(text) => format!("\"{text}\""),
            RawValue::Int32(number) => number.to_string(),
            RawValue::Int64(number) => number.to_string(),
            RawValue::Double(number) => number.to_string(),
            _ => "null".to_owned(),
        };
        out.extend_from_slice(value.as_bytes());
    }
    out.push(b'}');
}

/// Letters, digits, `-` and `_`.
pub(crate) fn text(random: &mut Random, letters: usize) -> String {
    (0..letters).map(|_| char::from(LETTERS[(random.next() % 64) as usize])).collect()
}

/// The documents that stand in `bytes` one behind the other.
pub(crate) fn split(bytes: &[u8]) -> Vec<RawDoc<'_>> {
    bytes.chunks_exact(DOCUMENT_BYTES).map(RawDoc::from_validated).collect()
}

fn template(id: RawValue<'_>, random: &mut Random) -> Vec<u8> {
    let mut builder = DocBuilder::new();
    builder.append("_id", id).append_i64("n", 0);
    for field in 0..9 {
        builder.append_str(&format!("field{field}"), &text(random, 80));
    }
    // Type, name, length and the end of the last text.
    let overhead = 1 + "field9\0".len() + 4 + 1;
    let rest = DOCUMENT_BYTES.saturating_sub(builder.len() + overhead);
    builder.append_str("field9", &text(random, rest));
    builder.finish().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::{Limits, validate};

    #[test]
    fn documents_are_valid_have_their_length_and_carry_the_id_given() {
        let mut random = Random::new(3);
        let mut out = b"before".to_vec();
        let id = [7; 12];
        Documents::with_object_ids().append(&mut out, &mut random, &id);
        let doc = validate(&out[6..], Limits::default()).unwrap();
        assert_eq!(doc.as_bytes().len(), DOCUMENT_BYTES);
        let Some(RawValue::ObjectId(found)) = doc.get("_id") else { panic!("{doc:?}") };
        assert_eq!(found.bytes(), id);
    }

    #[test]
    fn the_number_stands_in_its_field_whatever_the_id_is() {
        let mut random = Random::new(3);
        let mut out = Vec::new();
        Documents::with_object_ids().append_with(&mut out, &mut random, &[7; 12], 5);
        Documents::numbered().append_with(&mut out, &mut random, &9i64.to_le_bytes(), 6);
        let numbers: Vec<_> =
            split(&out).into_iter().map(|doc| doc.get("n").map(|n| n.to_bson())).collect();
        assert_eq!(numbers, [Some(5i64.into()), Some(6i64.into())]);
    }

    #[test]
    fn the_json_has_all_fields_but_the_id() {
        let mut builder = DocBuilder::new();
        builder.append_i64("_id", 1).append_i32("a", 2).append_f64("b", 0.5).append_str("c", "d");
        let mut json = Vec::new();
        append_json(&mut json, builder.finish().as_raw());
        assert_eq!(String::from_utf8(json).unwrap(), r#"{"a":2,"b":0.5,"c":"d"}"#);
    }

    #[test]
    fn numbered_documents_split_where_they_begin() {
        let documents = Documents::numbered();
        let mut random = Random::new(3);
        let mut out = Vec::new();
        for id in 0..3i64 {
            documents.append(&mut out, &mut random, &id.to_le_bytes());
        }
        let ids: Vec<_> = split(&out)
            .into_iter()
            .map(|doc| match doc.get("_id") {
                Some(RawValue::Int64(id)) => id,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ids, [0, 1, 2]);
    }
}
