//! What a version's `failCommand` does not know yet.
//!
//! Owns the table of its fields. MongoDB let be what it did not know; here a fault that would not be the
//! one asked for is refused, as everywhere.

use super::{Behaviour, Persona};
use quire_bson::RawDoc;
use quire_errors::{CommandError, Result};

const POINT: &str = "failCommand";

static FIELDS: &[(&str, Behaviour)] = &[
    ("appName", Behaviour::FailCommandFilters),
    ("blockConnection", Behaviour::FailCommandFilters),
    ("blockTimeMS", Behaviour::FailCommandFilters),
    ("errorLabels", Behaviour::RetryableLabels),
    ("namespace", Behaviour::FailCommandFilters),
    ("threadName", Behaviour::FailCommandFilters),
];

/// Refuses what the persona does not know of a fail point's `data`.
pub fn check(persona: Persona, point: &str, data: RawDoc<'_>) -> Result<()> {
    let unknown =
        |(field, known): &&(&str, Behaviour)| !persona.has(*known) && data.get(field).is_some();
    match FIELDS.iter().filter(|_| point == POINT).find(unknown) {
        None => Ok(()),
        Some((field, _)) => Err(CommandError::bad_value(format!(
            "{POINT} of MongoDB {} has no field '{field}'",
            persona.feature_compatibility_version()
        ))),
    }
}
