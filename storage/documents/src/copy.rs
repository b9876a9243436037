//! Copying the whole state from one store into another, chunk by chunk.
//!
//! Owns what belongs to a copy, its bytes, and the mark that keeps an unfinished one from being
//! taken for a state. The copy is one of keys and values, so it knows nothing of an engine's files
//! and any engine can receive what any other has sent. Who sends, and when, is not decided here.
//!
//! A store that receives a copy goes through these states, each of them durable before the next one
//! begins, so a crash leaves exactly one of them:
//!
//! | mark | position | contents |
//! |---|---|---|
//! | none | its own | whole |
//! | arriving | none | whatever has come so far; shown to nobody |
//! | arrived | the copy's | whole, and the log still has to begin behind it |

mod chunk;
mod export;
mod install;
mod mark;
#[cfg(test)]
mod tests;

pub(crate) use install::Arrival;
pub(crate) use mark::read_mark;

use quire_keys::{Key, KeySpace};

/// True for the keys that are the same on every node with the same state. The position is too, but
/// it travels apart, because writing it is what ends a copy.
fn travels(space: KeySpace, key: &[u8]) -> bool {
    !matches!(Key::decode(space, key), Some(Key::FormatVersion | Key::Applied | Key::CopyMark))
}
