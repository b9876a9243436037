//! How older and newer versions say what happened.
//!
//! Owns names of codes and the words of errors that were changed. Drivers of their time know the old
//! ones, by the number and some by the words.

use super::{Behaviour, Persona};
use quire_errors::{Code, CommandError};
use std::borrow::Cow;

/// Until 5.0: the code's name, and what its messages began with, now and then.
const MASTERS: &[(Code, &str, &str, &str)] = &[
    (Code::NotWritablePrimary, "NotMaster", "not primary", "not master"),
    (
        Code::NotPrimaryNoSecondaryOk,
        "NotMasterNoSlaveOk",
        "not primary and secondaryOk=false",
        "not master and slaveOk=false",
    ),
    (
        Code::NotPrimaryOrSecondary,
        "NotMasterOrSecondary",
        "not primary or secondary",
        "not master or secondary",
    ),
];

/// What the persona calls a code.
pub fn code_name(persona: Persona, code: Code) -> Cow<'static, str> {
    let master = MASTERS.iter().find(|(of, ..)| *of == code);
    if let Some((_, name, ..)) = master
        && !persona.has(Behaviour::PrimaryWording)
    {
        return (*name).into();
    }
    match code {
        Code::WriteConcernFailed if persona.has(Behaviour::WriteConcernTimeoutName) => {
            "WriteConcernTimeout".into()
        }
        Code::UnsatisfiableWriteConcern if !persona.has(Behaviour::UnsatisfiableName) => {
            "CannotSatisfyWriteConcern".into()
        }
        other => other.name(),
    }
}

/// The persona's words for an error.
pub fn message(persona: Persona, error: &CommandError) -> Cow<'_, str> {
    let text = error.message();
    if persona.has(Behaviour::PrimaryWording) {
        return text.into();
    }
    match MASTERS.iter().find(|(of, ..)| *of == error.code()) {
        Some((_, _, now, then)) => text.replace(now, then).into(),
        None => text.into(),
    }
}
