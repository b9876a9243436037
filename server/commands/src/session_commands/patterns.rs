//! Which sessions a command means.
//!
//! Owns reading the arrays of sessions, users and patterns that the session commands take.

use crate::server::Context;
use crate::sessions::{SessionKey, digest_of, session_key};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// Sessions picked by one pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Everything,
    Session(SessionKey),
    /// The sessions of the user with this digest.
    User([u8; 32]),
    /// Those of any of these.
    AnyOf(Vec<Pattern>),
}

impl Pattern {
    pub(super) fn matches(&self, session: &SessionKey) -> bool {
        match self {
            Pattern::Everything => true,
            Pattern::Session(own) => own == session,
            Pattern::User(digest) => *digest == session.user,
            Pattern::AnyOf(patterns) => patterns.iter().any(|pattern| pattern.matches(session)),
        }
    }
}

/// The documents in the array that is the command's first field.
fn documents<'a>(context: &Context<'a>) -> Result<Vec<RawDoc<'a>>> {
    let name = context.operation.command;
    let target = context.target();
    let RawValue::Array(items) = target else {
        return Err(context.arguments()?.wrong_type(name, target, "array"));
    };
    let mut documents = Vec::new();
    for item in items {
        documents.push(item.value().as_document().ok_or_else(|| {
            let (place, kind) = (item.key(), item.value().type_name());
            CommandError::type_mismatch(format!(
                "BSON field '{name}.{name}.{place}' is the wrong type '{kind}', expected type \
                 'object'"
            ))
        })?);
    }
    Ok(documents)
}

/// The sessions of `endSessions`, `refreshSessions` and `killSessions`.
pub(super) fn sessions(context: &Context<'_>) -> Result<Vec<SessionKey>> {
    documents(context)?.into_iter().map(session_key).collect()
}

/// The users of `killAllSessions`; an empty list means everybody.
pub(super) fn users(context: &Context<'_>) -> Result<Vec<Pattern>> {
    let named = documents(context)?.into_iter();
    let patterns = named.map(|named| user(named, "KillAllSessionsUser"));
    Ok(or_everything(patterns.collect::<Result<_>>()?))
}

/// The patterns of `killAllSessionsByPattern`; an empty list means everything.
pub(super) fn patterns(context: &Context<'_>) -> Result<Vec<Pattern>> {
    let patterns = documents(context)?.into_iter().map(pattern).collect::<Result<Vec<_>>>()?;
    Ok(or_everything(patterns))
}

fn or_everything(patterns: Vec<Pattern>) -> Vec<Pattern> {
    if patterns.is_empty() { vec![Pattern::Everything] } else { patterns }
}

fn pattern(doc: RawDoc<'_>) -> Result<Pattern> {
    let (mut session, mut owner) = (None, Pattern::Everything);
    for element in doc {
        let value = element.value();
        match (element.key(), value) {
            ("lsid", RawValue::Document(lsid)) => session = Some(session_key(lsid)?),
            ("uid", RawValue::Binary { bytes, .. }) => {
                let digest = bytes.try_into().map_err(|_| no_digest(bytes.len()))?;
                owner = Pattern::User(digest);
            }
            ("users", RawValue::Array(users)) if !users.is_empty() => {
                let users = users.iter().map(|element| {
                    let named = element.value().as_document().unwrap_or(RawDoc::EMPTY);
                    user(named, "KillAllSessionsByPattern.users")
                });
                owner = Pattern::AnyOf(users.collect::<Result<_>>()?);
            }
            ("users" | "roles", RawValue::Array(_)) => {}
            (name @ ("lsid" | "uid" | "users" | "roles"), wrong) => {
                let expected = match name {
                    "lsid" => "object",
                    "uid" => "binData",
                    _ => "array",
                };
                return Err(CommandError::type_mismatch(format!(
                    "BSON field 'KillAllSessionsByPattern.{name}' is the wrong type '{}', \
                     expected type '{expected}'",
                    wrong.type_name()
                )));
            }
            (unknown, _) => {
                return Err(CommandError::location(
                    40415,
                    format!("BSON field 'KillAllSessionsByPattern.{unknown}' is an unknown field."),
                ));
            }
        }
    }
    Ok(session.map_or(owner, Pattern::Session))
}

/// The sessions of a user who is named by `{user: …, db: …}`.
fn user(doc: RawDoc<'_>, path: &str) -> Result<Pattern> {
    Ok(Pattern::User(digest_of(name(doc, path, "user")?, name(doc, path, "db")?)))
}

fn no_digest(bytes: usize) -> CommandError {
    CommandError::new(
        Code::UnsupportedFormat,
        format!("Unsupported SHA256Hash hash length: {bytes}"),
    )
}

fn name<'a>(doc: RawDoc<'a>, path: &str, name: &str) -> Result<&'a str> {
    match doc.get(name) {
        Some(RawValue::String(text)) => Ok(text),
        Some(wrong) => Err(CommandError::type_mismatch(format!(
            "BSON field '{path}.{name}' is the wrong type '{}', expected type 'string'",
            wrong.type_name()
        ))),
        None => Err(CommandError::location(
            40414,
            format!("BSON field '{path}.{name}' is missing but a required field"),
        )),
    }
}
