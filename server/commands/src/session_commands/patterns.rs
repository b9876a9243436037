//! Which sessions a command means.
//!
//! Owns reading the arrays of sessions, users and patterns that the session commands take.

use crate::server::Context;
use crate::sessions::{NOBODY, SessionId, session_id};
use quire_bson::{RawDoc, RawValue};
use quire_errors::{CommandError, Result};

/// Sessions picked by one pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Everything,
    Session(SessionId),
    /// Sessions of users who are not there, since nobody can log in.
    Nothing,
}

impl Pattern {
    pub(super) fn matches(&self, id: &SessionId) -> bool {
        match self {
            Pattern::Everything => true,
            Pattern::Session(own) => own == id,
            Pattern::Nothing => false,
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
pub(super) fn session_ids(context: &Context<'_>) -> Result<Vec<SessionId>> {
    documents(context)?.into_iter().map(session_id).collect()
}

/// The users of `killAllSessions`; an empty list means everybody.
pub(super) fn users(context: &Context<'_>) -> Result<Vec<Pattern>> {
    let mut patterns = Vec::new();
    for user in documents(context)? {
        for name in ["user", "db"] {
            check_name(user, "KillAllSessionsUser", name)?;
        }
        patterns.push(Pattern::Nothing);
    }
    Ok(or_everything(patterns))
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
    let mut pattern = Pattern::Everything;
    for element in doc {
        let value = element.value();
        match (element.key(), value) {
            ("lsid", RawValue::Document(lsid)) => pattern = Pattern::Session(session_id(lsid)?),
            ("uid", RawValue::Binary { bytes, .. }) if bytes == NOBODY => {}
            ("uid", RawValue::Binary { .. }) => pattern = Pattern::Nothing,
            ("users", RawValue::Array(users)) if !users.is_empty() => pattern = Pattern::Nothing,
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
    Ok(pattern)
}

fn check_name(doc: RawDoc<'_>, path: &str, name: &str) -> Result<()> {
    match doc.get(name) {
        Some(RawValue::String(_)) => Ok(()),
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
