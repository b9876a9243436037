//! Variables: which names they may have, and the values of those that are fixed for the command.

use super::value::Value;
use crate::Constants;
use quire_bson::{Bson, DateTime, Timestamp};
use quire_errors::{CommandError, Result};

/// Refuses a name that a reference `$$name` cannot have.
pub(crate) fn validate_for_read(name: &str) -> Result<()> {
    let first = first_char(name)?;
    let fits = first.is_ascii_alphabetic() || !first.is_ascii();
    if !fits {
        return Err(CommandError::failed_to_parse(format!(
            "'{name}' starts with an invalid character for a variable name"
        )));
    }
    validate_rest(name)
}

/// Refuses a name that `$let`, `$map` and the like cannot give to a variable. Names in capitals are
/// the system's; only CURRENT may be rebound.
pub fn validate_for_write(name: &str) -> Result<()> {
    if name == "CURRENT" {
        return Ok(());
    }
    let first = first_char(name)?;
    let fits = first.is_ascii_lowercase() || !first.is_ascii();
    if !fits {
        return Err(CommandError::failed_to_parse(format!(
            "'{name}' starts with an invalid character for a user variable name"
        )));
    }
    validate_rest(name)
}

fn first_char(name: &str) -> Result<char> {
    name.chars()
        .next()
        .ok_or_else(|| CommandError::failed_to_parse("empty variable names are not allowed"))
}

fn validate_rest(name: &str) -> Result<()> {
    let bad = name.chars().find(|c| c.is_ascii() && !c.is_ascii_alphanumeric() && *c != '_');
    match bad {
        None => Ok(()),
        Some(bad) => Err(CommandError::failed_to_parse(format!(
            "'{name}' contains an invalid character for a variable name: '{bad}'"
        ))),
    }
}

/// The value of a variable that is fixed for the whole command.
pub(crate) fn constant(name: &str, constants: &Constants) -> Result<Value> {
    Ok(Some(match name {
        "REMOVE" => return Ok(None),
        "NOW" => Bson::DateTime(DateTime::from_millis(constants.now_millis)),
        "CLUSTER_TIME" => match constants.cluster_time {
            Some((time, increment)) => Bson::Timestamp(Timestamp { time, increment }),
            None => {
                return Err(CommandError::location(
                    51144,
                    "Builtin variable '$$CLUSTER_TIME' is not available",
                ));
            }
        },
        // What $$DESCEND, $$PRUNE and $$KEEP stand for is known to $redact only.
        "DESCEND" => Bson::String("descend".to_owned()),
        "PRUNE" => Bson::String("prune".to_owned()),
        "KEEP" => Bson::String("keep".to_owned()),
        _ => match constants.variables.iter().rev().find(|(known, _)| known == name) {
            Some((_, value)) => value.clone(),
            None => {
                return Err(CommandError::location(
                    17276,
                    format!("Use of undefined variable: {name}"),
                ));
            }
        },
    }))
}
