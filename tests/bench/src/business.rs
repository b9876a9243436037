//! The documents of the analyses: ten fields of a shop's order in 254 bytes.
//!
//! Owns their bytes and how their values are distributed. Unlike the texts of `documents` they
//! compress, as those of a business do.

use crate::random::Random;
use quire_bson::{DocBuf, DocBuilder};

/// The length of every document.
pub(crate) const DOCUMENT_BYTES: usize = 254;

/// How many documents one user has.
pub(crate) const DOCUMENTS_PER_USER: u64 = 10;

const STATUSES: [&str; 4] = ["active", "closed", "pending", "failed"];
const CITIES: [&str; 8] = ["Berlin", "Lyon", "Porto", "Gdansk", "Turin", "Malmo", "Graz", "Leiden"];
const WORDS: [&str; 8] =
    ["gift ", "express ", "fragile ", "return ", "invoice ", "pickup ", "weekly ", "bulk "];

/// 2026-01-01T00:00:00Z.
const FIRST_CREATED_MILLIS: i64 = 1_767_225_600_000;
const YEAR_MILLIS: u64 = 365 * 86_400_000;

/// The document number `id` of so many.
pub(crate) fn document(id: i64, records: u64) -> DocBuf {
    let mut random = Random::new(id.cast_unsigned().wrapping_add(77));
    let mut pick = |bound: u64| random.below(bound);
    let users = (records / DOCUMENTS_PER_USER).max(1);
    let mut builder = DocBuilder::new();
    builder.append_i64("_id", id);
    builder.append_str("user", &format!("user{:08}", pick(users)));
    builder.append_str("status", choice(&STATUSES, pick(4)));
    builder.append_i32("age", 18 + pick(72) as i32).append_i32("qty", pick(1000) as i32);
    builder.append_f64("price", pick(1_000_000) as f64 / 100.0);
    builder.append_i64("created", FIRST_CREATED_MILLIS + pick(YEAR_MILLIS) as i64);
    builder.append_str("city", choice(&CITIES, pick(8)));
    builder.append_str("email", &format!("u{:08}@example.org", pick(users)));
    // Type, name, length and the end of the last text.
    let overhead = 1 + "note\0".len() + 4 + 1;
    let room = DOCUMENT_BYTES.saturating_sub(builder.len() + overhead);
    let mut note = String::new();
    while note.len() < room {
        note.push_str(choice(&WORDS, pick(8)));
    }
    builder.append_str("note", note.get(..room).unwrap_or_default());
    builder.finish()
}

fn choice(list: &[&'static str], which: u64) -> &'static str {
    usize::try_from(which).ok().and_then(|which| list.get(which)).copied().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use quire_bson::{Limits, validate};

    #[test]
    fn every_document_is_valid_and_has_its_length() {
        for id in 0..500 {
            let document = document(id, 1_000_000);
            let bytes = document.as_bytes();
            assert!(validate(bytes, Limits::default()).is_ok(), "{id}");
            assert_eq!((bytes.len(), document.as_raw().count()), (DOCUMENT_BYTES, 10), "{id}");
        }
    }
}
