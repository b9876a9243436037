//! Reading what is remembered of sessions.

use super::{SessionHeader, SessionKey, StatementResult, Statements, decode_part};
use crate::ReadView;
use crate::codec::Malformed;
use crate::open::{key_range, space};
use quire_engine::{Direction, EngineError};
use quire_keys::{Key, KeySpace, Range};
use std::ops::{Bound, ControlFlow};

/// All that is remembered of a session's last numbered command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    pub number: i64,
    /// Every part is there, so what is not among the statements was not carried out.
    pub is_complete: bool,
    /// In the order of their ids.
    statements: Vec<Statements>,
}

impl SessionRecord {
    /// What a statement did, if it was carried out and changed something.
    pub fn result(&self, id: i32) -> Option<&StatementResult> {
        let behind = self.statements.partition_point(|range| range.first <= id);
        let range = self.statements.get(behind.checked_sub(1)?)?;
        range.contains(id).then_some(&range.result)
    }
}

impl ReadView {
    /// The beginning of a session's record.
    pub fn session_header(
        &self,
        session: &SessionKey,
    ) -> Result<Option<SessionHeader>, EngineError> {
        let key = Key::Session { session: &session.to_bytes() }.encode();
        let stored = self.reader().get(space(KeySpace::Sessions), &key)?;
        stored.map(|bytes| header(session, &bytes)).transpose()
    }

    /// The whole record that begins with this header.
    pub fn session_record(
        &self,
        session: &SessionKey,
        header: SessionHeader,
    ) -> Result<SessionRecord, EngineError> {
        let mut statements = header.first;
        if header.parts == 0 {
            return Ok(SessionRecord { number: header.number, is_complete: true, statements });
        }
        let bytes = session.to_bytes();
        let part = |part| Key::SessionPart { session: &bytes, part }.encode();
        let range =
            Range { lower: Bound::Included(part(0)), upper: Bound::Excluded(part(header.parts)) };
        let (mut found, mut outcome) = (0_u32, Ok(()));
        let sessions = space(KeySpace::Sessions);
        self.reader().scan(sessions, key_range(&range), Direction::Forward, &mut |_, value| {
            match decode_part(value) {
                Ok(more) => statements.extend(more),
                Err(why) => {
                    outcome = Err(damaged(session, why));
                    return ControlFlow::Break(());
                }
            }
            found = found.saturating_add(1);
            ControlFlow::Continue(())
        })?;
        outcome?;
        statements.sort_by_key(|range| range.first);
        let is_complete = found == header.parts;
        Ok(SessionRecord { number: header.number, is_complete, statements })
    }

    /// Walks the headers of all records behind one of them, in the order of their keys, until the
    /// visitor breaks. Looks at about `keys_max` keys at most, and gives the session to go on behind;
    /// `None` at the end.
    pub fn scan_sessions(
        &self,
        after: Option<SessionKey>,
        keys_max: usize,
        visit: &mut dyn FnMut(SessionKey, SessionHeader) -> ControlFlow<()>,
    ) -> Result<Option<SessionKey>, EngineError> {
        let lower = match after {
            None => Bound::Unbounded,
            // Behind the last part that the session can have.
            Some(session) => {
                let part = Key::SessionPart { session: &session.to_bytes(), part: u32::MAX };
                Bound::Excluded(part.encode())
            }
        };
        let range = Range { lower, upper: Bound::Unbounded };
        let (mut seen, mut last, mut outcome) = (0_usize, None, Ok(()));
        let mut stopped = false;
        let sessions = space(KeySpace::Sessions);
        self.reader().scan(
            sessions,
            key_range(&range),
            Direction::Forward,
            &mut |key, value| {
                seen = seen.saturating_add(1);
                let mut flow = ControlFlow::Continue(());
                if let Some(Key::Session { session }) = Key::decode(KeySpace::Sessions, key) {
                    let session = SessionKey::from_bytes(session);
                    last = Some(session);
                    match header(&session, value) {
                        Ok(header) => flow = visit(session, header),
                        Err(error) => {
                            outcome = Err(error);
                            flow = ControlFlow::Break(());
                        }
                    }
                }
                // A session that has more parts than that is passed all the same: `last` is behind it.
                if seen >= keys_max {
                    flow = ControlFlow::Break(());
                }
                stopped |= flow.is_break();
                flow
            },
        )?;
        outcome?;
        Ok(last.filter(|_| stopped))
    }
}

fn header(session: &SessionKey, bytes: &[u8]) -> Result<SessionHeader, EngineError> {
    SessionHeader::decode(bytes).map_err(|why| damaged(session, why))
}

fn damaged(session: &SessionKey, why: Malformed) -> EngineError {
    EngineError::Corruption(format!("the record of session {:02x?}: {why}", session.id))
}
