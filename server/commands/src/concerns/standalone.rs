//! Write and read concerns on a standalone.
//!
//! Owns which of them one node can satisfy. Every acknowledged write is synced and committed, so `j`
//! adds nothing; more copies than one there are not.

use crate::arguments::integer;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

pub(super) fn check_write_concern(concern: RawDoc<'_>) -> Result<()> {
    for element in concern {
        let value = element.value();
        match element.key() {
            "w" => check_w(value)?,
            "j" | "fsync" if value.as_bool().is_some() || value.is_number() => {}
            "j" | "fsync" => {
                return Err(CommandError::failed_to_parse(format!(
                    "BSON field 'writeConcern.{}' is the wrong type '{}', expected types \
                     '[bool, long, int, decimal, double]'",
                    element.key(),
                    value.type_name()
                )));
            }
            "wtimeout" | "getLastError" | "provenance" => {}
            other => {
                return Err(CommandError::new(
                    Code::FailedToParse,
                    format!("unrecognized write concern field: {other}"),
                ));
            }
        }
    }
    Ok(())
}

fn check_w(value: RawValue<'_>) -> Result<()> {
    match value {
        RawValue::String("majority") => Ok(()),
        RawValue::String(mode) => Err(CommandError::bad_value(format!(
            "cannot use non-majority 'w' mode \"{mode}\" when a host is not a member of a replica set"
        ))),
        RawValue::Document(_) => Err(CommandError::bad_value(
            "cannot use tagged 'w' when a host is not a member of a replica set",
        )),
        _ => match integer(value) {
            Some(0 | 1) => Ok(()),
            Some(n) if (2..=50).contains(&n) => {
                Err(CommandError::bad_value("cannot use 'w' > 1 when a host is not replicated"))
            }
            Some(_) => Err(CommandError::failed_to_parse(
                "w has to be a non-negative number and not greater than 50",
            )),
            None => Err(CommandError::failed_to_parse(format!(
                "w has to be a number, string, or object; found: {}",
                value.type_name()
            ))),
        },
    }
}

pub(super) fn check_read_concern(concern: RawDoc<'_>) -> Result<()> {
    for element in concern {
        match element.key() {
            "level" => check_level(element.value())?,
            "afterClusterTime" | "atClusterTime" => {
                return Err(CommandError::new(
                    Code::IllegalOperation,
                    format!(
                        "Cannot specify {} readConcern without replication enabled",
                        element.key()
                    ),
                ));
            }
            "provenance" => {}
            other => {
                return Err(CommandError::new(
                    Code::Location(40415),
                    format!("BSON field 'readConcern.{other}' is an unknown field."),
                ));
            }
        }
    }
    Ok(())
}

fn check_level(value: RawValue<'_>) -> Result<()> {
    match value {
        RawValue::String("local" | "available" | "majority") => Ok(()),
        RawValue::String("linearizable") => Err(CommandError::new(
            Code::NotAReplicaSet,
            "node needs to be a replica set member to use read concern",
        )),
        RawValue::String("snapshot") => Err(CommandError::new(
            Code::NotAReplicaSet,
            "node needs to be a replica set member to use readConcern: snapshot",
        )),
        RawValue::String(other) => Err(CommandError::failed_to_parse(format!(
            "Enumeration value '{other}' for field 'readConcern.level' is not a valid value."
        ))),
        other => Err(CommandError::type_mismatch(format!(
            "BSON field 'readConcern.level' is the wrong type '{}', expected type 'string'",
            other.type_name()
        ))),
    }
}
