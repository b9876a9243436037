//! The memory that computed values may take.
//!
//! A short expression can ask for a huge value: a range, a list that doubles at every level, a string
//! split into single letters. What would not fit is refused before it is built.

use quire_bson::Bson;
use quire_errors::{Code, CommandError, Result};

/// What the values of one evaluation may take together. Decoded values are several times larger than
/// their BSON, and an array of a document of 16 MiB still has to fit.
const BYTES_MAX: usize = 256 * 1024 * 1024;

pub(crate) fn check(bytes: usize, what: &str) -> Result<()> {
    if bytes <= BYTES_MAX {
        return Ok(());
    }
    Err(CommandError::new(
        Code::ExceededMemoryLimit,
        format!(
            "{what} would use too much memory ({bytes} bytes) and cannot spill to disk. Memory \
             limit: {BYTES_MAX} bytes"
        ),
    ))
}

/// Refuses to build an array of `len` elements that would take too much memory.
pub(crate) fn check_elements(len: usize, what: &str) -> Result<()> {
    check(len.saturating_mul(size_of::<Bson>()), what)
}

/// About what a value takes in memory.
pub(crate) fn size_of_value(value: &Bson) -> usize {
    let own = size_of::<Bson>();
    own + match value {
        Bson::String(text) | Bson::Symbol(text) | Bson::JavaScriptCode(text) => text.len(),
        Bson::Binary(binary) => binary.bytes.len(),
        Bson::Array(items) => items.iter().map(size_of_value).sum(),
        Bson::Document(doc) => {
            // Each field has its name, its place in the order and its hash beside its value.
            doc.iter().map(|(key, value)| own / 2 + key.len() + size_of_value(value)).sum()
        }
        _ => 0,
    }
}
