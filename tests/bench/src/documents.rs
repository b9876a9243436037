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
        let start = out.len();
        let which = usize::try_from(random.below(TEMPLATES)).unwrap_or(0);
        out.extend_from_slice(self.templates.get(which).map_or(&[], Vec::as_slice));
        let at = start + ID_AT;
        if let Some(place) = out.get_mut(at..at + id.len()) {
            place.copy_from_slice(id);
        }
    }
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

fn text(random: &mut Random, letters: usize) -> String {
    (0..letters).map(|_| char::from(LETTERS[(random.next() % 64) as usize])).collect()
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
