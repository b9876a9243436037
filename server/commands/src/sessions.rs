//! Logical sessions.
//!
//! Owns which sessions were used lately. On a standalone a session groups cursors and operations so
//! that they can be killed together; retryable writes and transactions come with the replica set.

use parking_lot::Mutex;
use quire_bson::{Bson, DocBuf, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use std::collections::HashMap;

/// The most sessions remembered at once; MongoDB's bound.
const SESSIONS_MAX: usize = 1_000_000;

/// A session's UUID.
pub type SessionId = [u8; 16];

#[derive(Clone, Copy, Debug)]
struct Session {
    started_millis: i64,
    last_use_millis: i64,
}

/// A session as `$listLocalSessions` shows it.
#[derive(Clone, Copy, Debug)]
pub struct SessionEntry {
    pub id: SessionId,
    pub started_millis: i64,
    pub last_use_millis: i64,
}

/// The sessions of this server.
#[derive(Default)]
pub struct Sessions {
    sessions: Mutex<HashMap<SessionId, Session>>,
}

impl Sessions {
    /// Notes that a command was sent in this session.
    pub fn touch(&self, lsid: RawDoc<'_>, now_millis: i64) -> Result<()> {
        let id = session_id(lsid)?;
        let mut sessions = self.sessions.lock();
        if let Some(session) = sessions.get_mut(&id) {
            session.last_use_millis = now_millis;
            return Ok(());
        }
        if sessions.len() >= SESSIONS_MAX {
            return Err(CommandError::new(
                Code::TooManyLogicalSessions,
                "cannot add session into the cache",
            ));
        }
        sessions.insert(id, Session { started_millis: now_millis, last_use_millis: now_millis });
        Ok(())
    }

    /// Forgets a session; true when it was known.
    pub fn end(&self, id: &SessionId) -> bool {
        self.sessions.lock().remove(id).is_some()
    }

    pub fn forget_all(&self) {
        self.sessions.lock().clear();
    }

    /// Forgets sessions that were last used before `before_millis`.
    pub fn expire(&self, before_millis: i64) {
        self.sessions.lock().retain(|_, session| session.last_use_millis >= before_millis);
    }

    pub fn count(&self) -> usize {
        self.sessions.lock().len()
    }

    /// All sessions in the order of their ids.
    pub fn list(&self) -> Vec<SessionEntry> {
        let entry = |(id, session): (&SessionId, &Session)| SessionEntry {
            id: *id,
            started_millis: session.started_millis,
            last_use_millis: session.last_use_millis,
        };
        let mut all: Vec<_> = self.sessions.lock().iter().map(entry).collect();
        all.sort_by_key(|session| session.id);
        all
    }
}

/// The id inside an `lsid` document.
pub fn session_id(lsid: RawDoc<'_>) -> Result<SessionId> {
    match lsid.get("id") {
        Some(RawValue::Binary { subtype: 4, bytes }) => bytes.try_into().map_err(|_| {
            CommandError::new(
                Code::InvalidUUID,
                "uuid must be a 16-byte binary field with UUID (4) subtype",
            )
        }),
        Some(value) => Err(CommandError::type_mismatch(format!(
            "BSON field 'OperationSessionInfo.lsid.id' is the wrong type '{}', expected type 'binData'",
            value.type_name()
        ))),
        None => Err(CommandError::new(
            Code::Location(40414),
            "BSON field 'lsid.id' is missing but a required field",
        )),
    }
}

/// An `lsid` document of a session id.
pub fn lsid_of(id: SessionId) -> Bson {
    let binary =
        quire_bson::Binary { subtype: quire_bson::BinarySubtype::Uuid, bytes: id.to_vec() };
    Bson::Document(quire_bson::doc! { "id": binary })
}

/// True when both documents name the same session.
pub fn same_session(a: &DocBuf, id: &SessionId) -> bool {
    session_id(a.as_raw()).is_ok_and(|own| own == *id)
}
