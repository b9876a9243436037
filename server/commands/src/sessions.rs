//! Logical sessions.
//!
//! Owns which sessions were used lately. On a standalone a session groups cursors and operations so
//! that they can be killed together; retryable writes and transactions come with the replica set.

use parking_lot::Mutex;
use quire_bson::{Binary, BinarySubtype, Bson, DateTime, DocBuf, RawDoc, RawValue, doc};
use quire_errors::{Code, CommandError, Result};
use std::collections::HashMap;

/// A session's UUID.
pub type SessionId = [u8; 16];

/// The user part of a session where nobody logs in: the SHA-256 digest of nothing.
pub const NOBODY: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

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

impl SessionEntry {
    /// The document that `$listLocalSessions` and `$listSessions` give.
    pub fn document(&self) -> DocBuf {
        let binary = |subtype, bytes: &[u8]| Binary { subtype, bytes: bytes.to_vec() };
        DocBuf::from(&doc! {
            "_id": {
                "id": binary(BinarySubtype::Uuid, &self.id),
                "uid": binary(BinarySubtype::Generic, &NOBODY),
            },
            "lastUse": DateTime::from_millis(self.last_use_millis),
        })
    }
}

/// Checks the options of the stages that list sessions. As nobody logs in, all sessions belong to
/// the one who asks.
pub fn check_list_options(stage: &str, options: RawValue<'_>) -> Result<()> {
    let RawValue::Document(options) = options else {
        return Err(CommandError::type_mismatch(format!(
            "{stage} options must be specified in an object, but found: {}",
            options.type_name()
        )));
    };
    for element in options {
        match (element.key(), element.value()) {
            ("allUsers", RawValue::Boolean(_)) | ("users", RawValue::Array(_)) => {}
            (name @ ("allUsers" | "users"), wrong) => {
                let expected = if name == "users" { "array" } else { "bool" };
                return Err(CommandError::type_mismatch(format!(
                    "BSON field '{stage}.{name}' is the wrong type '{}', expected type \
                     '{expected}'",
                    wrong.type_name()
                )));
            }
            (unknown, _) => {
                return Err(CommandError::location(
                    40415,
                    format!("BSON field '{stage}.{unknown}' is an unknown field."),
                ));
            }
        }
    }
    Ok(())
}

/// The sessions of this server.
#[derive(Default)]
pub struct Sessions {
    sessions: Mutex<HashMap<SessionId, Session>>,
}

impl Sessions {
    /// Notes that a session is in use; at most `sessions_max` are remembered.
    pub fn touch(&self, id: &SessionId, now_millis: i64, sessions_max: usize) -> Result<()> {
        let mut sessions = self.sessions.lock();
        if let Some(session) = sessions.get_mut(id) {
            session.last_use_millis = now_millis;
            return Ok(());
        }
        if sessions.len() >= sessions_max {
            return Err(CommandError::new(
                Code::TooManyLogicalSessions,
                "cannot add session into the cache",
            ));
        }
        sessions.insert(*id, Session { started_millis: now_millis, last_use_millis: now_millis });
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

/// The id inside an `lsid` document, which may hold nothing but what MongoDB's does.
pub fn session_id(lsid: RawDoc<'_>) -> Result<SessionId> {
    let mut id = None;
    for element in lsid {
        match (element.key(), element.value()) {
            ("id", value) => id = Some(uuid(value)?),
            ("uid", RawValue::Binary { .. }) => {}
            ("uid", wrong) => return Err(wrong_type("uid", wrong)),
            ("txnNumber" | "txnUUID", _) => {}
            (unknown, _) => {
                return Err(CommandError::location(
                    40415,
                    format!(
                        "BSON field 'OperationSessionInfo.lsid.{unknown}' is an unknown field."
                    ),
                ));
            }
        }
    }
    id.ok_or_else(|| {
        CommandError::location(
            40414,
            "BSON field 'OperationSessionInfo.lsid.id' is missing but a required field",
        )
    })
}

fn uuid(value: RawValue<'_>) -> Result<SessionId> {
    match value {
        RawValue::Binary { subtype: 4, bytes } => bytes.try_into().map_err(|_| {
            CommandError::new(
                Code::InvalidUUID,
                "uuid must be a 16-byte binary field with UUID (4) subtype",
            )
        }),
        RawValue::Binary { subtype, .. } => Err(CommandError::type_mismatch(format!(
            "BSON field 'OperationSessionInfo.lsid.id' is the wrong binData type '{}', expected \
             type 'UUID'",
            subtype_name(subtype)
        ))),
        wrong => Err(wrong_type("id", wrong)),
    }
}

fn wrong_type(name: &str, value: RawValue<'_>) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field 'OperationSessionInfo.lsid.{name}' is the wrong type '{}', expected type \
         'binData'",
        value.type_name()
    ))
}

fn subtype_name(subtype: u8) -> &'static str {
    match subtype {
        0 => "general",
        1 => "function",
        2 => "binary",
        3 => "UUID (old)",
        5 => "MD5",
        6 => "encrypt",
        _ => "other",
    }
}

/// An `lsid` document of a session id.
pub fn lsid_of(id: SessionId) -> Bson {
    let binary = Binary { subtype: BinarySubtype::Uuid, bytes: id.to_vec() };
    Bson::Document(doc! { "id": binary })
}
