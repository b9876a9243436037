//! Recording what numbered statements did.
//!
//! The record of a session is replaced by the first statements of a higher number, and grows by a
//! part with each further entry of the same one.

use super::Step;
use crate::open::space;
use crate::session::{SessionHeader, SessionKey, Statements, encode_part};
use quire_engine::EngineError;
use quire_keys::{Key, KeySpace};
use quire_log::{Term, Timestamp};

/// The entry that effects come from.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::machine) struct Origin {
    pub(in crate::machine) term: Term,
    pub(in crate::machine) wall_millis: i64,
}

/// Statements that are longer are a part of their own, because a header is written again and again.
const INLINE_BYTES_MAX: usize = 1024;

/// So many parts are deleted one by one, without a range's tombstone.
const DELETED_SINGLY_MAX: u32 = 16;

impl<'a> Step<'a> {
    /// Names the entry of the effects that follow.
    pub(in crate::machine) fn enter(&mut self, origin: Origin) {
        self.origin = origin;
    }

    pub(super) fn record(
        &mut self,
        session: SessionKey,
        number: i64,
        revision: Timestamp,
        statements: &[Statements],
    ) -> Result<(), EngineError> {
        let before = self.header(session)?;
        if before.as_ref().is_some_and(|header| header.number > number) {
            self.refused = self.refused.saturating_add(1);
            return Ok(());
        }
        let Origin { term, wall_millis } = self.origin;
        let fresh =
            SessionHeader { number, revision, term, wall_millis, parts: 0, first: Vec::new() };
        let bytes: usize = statements.iter().map(Statements::encoded_bytes).sum();
        let mut header = match before {
            Some(header) if header.number == number => {
                SessionHeader { revision, term, wall_millis, ..header }
            }
            Some(header) => {
                self.delete_parts(session, header.parts);
                fresh
            }
            None => fresh,
        };
        let is_first = header.parts == 0 && header.first.is_empty();
        if is_first && bytes <= INLINE_BYTES_MAX {
            header.first = statements.to_vec();
        } else {
            let key = Key::SessionPart { session: &session.to_bytes(), part: header.parts };
            self.batch.put(space(KeySpace::Sessions), &key.encode(), &encode_part(statements));
            header.parts = header.parts.saturating_add(1);
        }
        let key = Key::Session { session: &session.to_bytes() }.encode();
        self.batch.put(space(KeySpace::Sessions), &key, &header.encode());
        self.sessions.insert(session, Some(header));
        Ok(())
    }

    pub(super) fn forget(
        &mut self,
        session: SessionKey,
        revision: Timestamp,
    ) -> Result<(), EngineError> {
        let present = self.header(session)?.filter(|header| header.revision <= revision);
        let Some(header) = present else { return Ok(()) };
        self.delete_parts(session, header.parts);
        let key = Key::Session { session: &session.to_bytes() }.encode();
        self.batch.delete(space(KeySpace::Sessions), &key);
        self.sessions.insert(session, None);
        Ok(())
    }

    fn header(&self, session: SessionKey) -> Result<Option<SessionHeader>, EngineError> {
        if let Some(written) = self.sessions.get(&session) {
            return Ok(written.clone());
        }
        let key = Key::Session { session: &session.to_bytes() }.encode();
        let stored = self.engine.get(space(KeySpace::Sessions), &key)?;
        let read = |bytes: Vec<u8>| {
            SessionHeader::decode(&bytes).map_err(|why| {
                EngineError::Corruption(format!("the record of session {:02x?}: {why}", session.id))
            })
        };
        stored.map(read).transpose()
    }

    fn delete_parts(&mut self, session: SessionKey, parts: u32) {
        let bytes = session.to_bytes();
        let key = |part| Key::SessionPart { session: &bytes, part }.encode();
        let sessions = space(KeySpace::Sessions);
        if parts > DELETED_SINGLY_MAX {
            return self.batch.delete_range(sessions, &key(0), &key(parts));
        }
        for part in 0..parts {
            self.batch.delete(sessions, &key(part));
        }
    }
}
