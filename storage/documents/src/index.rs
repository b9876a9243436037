//! The keys that a document has in an index.
//!
//! Owns the encoded fields of index keys; where they are stored is the key space's business. Used by
//! apply for every write, by the leader for unique constraints and by validation, so that all three
//! agree by construction. Pure: the same document and index give the same keys on every node.

mod expand;
mod path;
#[cfg(test)]
mod tests;

use crate::{FieldOrder, Index, IndexPlace};
use quire_bson::{RawDoc, RawValue};

/// The most keys one document may have in one index, counted before equal ones are merged. An array
/// that fills a document has fewer elements.
pub const KEYS_MAX: usize = 2_000_000;

/// The most bytes that the keys of one document in one index may take. An index with a long field
/// beside a long array would otherwise take the product of both.
pub const KEYS_BYTES_MAX: usize = 64 << 20;

/// Why a document cannot be indexed. The text is what clients read. A leader refuses the write;
/// apply, which never sees such a document from a correct leader, gives it no keys.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Two fields of the index hold arrays, whose product would have to be indexed. Code 171.
    #[error("cannot index parallel arrays [{second}] [{first}]")]
    ParallelArrays { first: String, second: String },
    /// A numeric path component fits both a position of an array and a field of its elements.
    /// Code 16746.
    #[error(
        "Ambiguous field name found in array (do not use numeric field names in embedded elements \
         in an array), field: '{field}'"
    )]
    AmbiguousField { field: String },
    /// Code 16766.
    #[error("hashed indexes do not currently support array values. Found array at path: {path}")]
    HashedArray { path: String },
    /// Code 17280.
    #[error(
        "too many index keys for one document: more than {KEYS_MAX} keys or {KEYS_BYTES_MAX} bytes"
    )]
    TooLarge,
}

/// The different keys of one document in one index, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IndexKeys {
    bytes: Vec<u8>,
    spans: Vec<(usize, usize)>,
    multikey: u32,
}

impl IndexKeys {
    /// The encoded fields of each key, ascending, no two alike.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|&(start, end)| self.bytes.get(start..end).unwrap_or_default())
    }

    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True when the document is not in the index (sparse, or nothing to index).
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        let at = |&(start, end): &(usize, usize)| self.bytes.get(start..end).unwrap_or_default();
        self.spans.binary_search_by(|span| at(span).cmp(key)).is_ok()
    }

    /// One bit for each field on whose path the document has an array.
    pub fn multikey(&self) -> u32 {
        self.multikey
    }

    /// Adds the key whose bytes `write` appends, unless it equals the one before.
    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> Result<(), KeyError> {
        let start = self.bytes.len();
        write(&mut self.bytes);
        let end = self.bytes.len();
        if self.spans.len() >= KEYS_MAX || end > KEYS_BYTES_MAX {
            return Err(KeyError::TooLarge);
        }
        let last = self.spans.last().and_then(|&(start, end)| self.bytes.get(start..end));
        if last.is_some_and(|last| Some(last) == self.bytes.get(start..end)) {
            self.bytes.truncate(start);
        } else {
            self.spans.push((start, end));
        }
        Ok(())
    }

    fn sort(&mut self) {
        if self.spans.len() > 1 {
            let bytes = &self.bytes;
            let at = |span: (usize, usize)| bytes.get(span.0..span.1).unwrap_or_default();
            self.spans.sort_unstable_by(|a, b| at(*a).cmp(at(*b)));
            self.spans.dedup_by(|a, b| at(*a) == at(*b));
        }
    }
}

/// The keys of `doc` in `index`. Whether a partial index wants the document is not looked at.
pub fn keys_of(index: &Index, doc: RawDoc<'_>) -> Result<IndexKeys, KeyError> {
    let mut keys = IndexKeys::default();
    match index.place {
        IndexPlace::Nowhere => {}
        IndexPlace::Rows => {
            let id = doc.get("_id").unwrap_or(RawValue::Null);
            keys.push(|out| quire_keys::encode_value(out, id))?;
        }
        IndexPlace::Entries => {
            expand::expand(&index.spec, doc, &mut keys)?;
            keys.sort();
        }
    }
    Ok(keys)
}

/// Appends one field of an index key, for keys and for the bounds of a scan. In an index with a
/// collation `value` is one of its keys already.
pub fn encode_field(out: &mut Vec<u8>, order: FieldOrder, value: RawValue<'_>) {
    match order {
        FieldOrder::Descending => quire_keys::encode_value_descending(out, value),
        FieldOrder::Ascending | FieldOrder::Hashed | FieldOrder::Special => {
            quire_keys::encode_value(out, value);
        }
    }
}

/// Splits an index entry (the key without the index's id) into its encoded fields and the row key;
/// `None` for bytes that are no entry of this index.
pub(crate) fn split_entry<'a>(index: &Index, entry: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let mut end = 0_usize;
    for _ in &index.spec.fields {
        end = end.checked_add(quire_keys::skip_value(entry.get(end..)?)?)?;
    }
    entry.split_at_checked(end)
}
