//! Digests of what a view shows, to compare nodes with.
//!
//! Owns the digest of the whole state, which simulations and tests compare, and the one of a
//! collection's documents behind `dbHash`. They are read from one view and say nothing about how
//! the bytes are stored.

use crate::catalog::{Collection, IndexPlace};
use crate::open::{key_range, space};
use crate::{Documents, ReadView};
use md5::{Digest, Md5};
use quire_engine::{Direction, EngineError};
use quire_keys::{Key, KeySpace, Range};
use std::ops::ControlFlow;

/// An MD5 digest: it tells states apart, and protects nothing.
pub type Fingerprint = [u8; 16];

impl Documents {
    /// [`ReadView::state_hash`] of the state as it is now.
    pub fn state_hash(&self) -> Result<Fingerprint, EngineError> {
        self.view().state_hash()
    }
}

impl ReadView {
    /// Covers every key and value of the state, the position in the log and the configuration
    /// included: the same on all nodes that have applied the same entries, however they came by
    /// them.
    pub fn state_hash(&self) -> Result<Fingerprint, EngineError> {
        let mut hash = Md5::new();
        for key_space in KeySpace::ALL {
            let all = key_range(&Range::ALL);
            self.reader().scan(space(key_space), all, Direction::Forward, &mut |key, value| {
                // These two are about this store and not about the state in it.
                let own = Key::decode(key_space, key);
                if !matches!(own, Some(Key::FormatVersion | Key::CopyMark)) {
                    hash.update([key_space.number()]);
                    for part in [key, value] {
                        hash.update((part.len() as u64).to_le_bytes());
                        hash.update(part);
                    }
                }
                ControlFlow::Continue(())
            })?;
        }
        Ok(hash.finalize().into())
    }

    /// Covers a collection's documents in the order of their `_id`, one behind the other. Stops
    /// with nothing when `go_on` says so, which is asked at every document.
    pub fn documents_hash(
        &self,
        collection: &Collection,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<Option<Fingerprint>, EngineError> {
        let mut hash = Md5::new();
        let mut stopped = false;
        // Rows that lie in the order of their arrival are reached through the index on `_id`.
        match collection.id_index().filter(|index| index.place == IndexPlace::Entries) {
            None => {
                self.scan_rows(collection.id, &Range::ALL, Direction::Forward, &mut |_, row| {
                    hash.update(row.doc.as_bytes());
                    next(go_on, &mut stopped)
                })?
            }
            Some(index) => {
                let mut outcome = Ok(());
                let mut visit = |row_key: &[u8]| {
                    let mut add = |row: crate::Row<'_>| hash.update(row.doc.as_bytes());
                    if let Err(error) = self.get_row(collection.id, row_key, &mut add) {
                        outcome = Err(error);
                        return ControlFlow::Break(());
                    }
                    next(go_on, &mut stopped)
                };
                self.scan_index(index, &Range::ALL, Direction::Forward, &mut |_, row_key| {
                    visit(row_key)
                })?;
                outcome?;
            }
        }
        Ok((!stopped).then(|| hash.finalize().into()))
    }
}

fn next(go_on: &mut dyn FnMut() -> bool, stopped: &mut bool) -> ControlFlow<()> {
    *stopped = !go_on();
    if *stopped { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}
