//! Which member a client wants to read from, and whether a member in some state may serve it.
//!
//! Drivers choose the member; a server only asks whether a secondary would have been right. Owns
//! reading `$readPreference` and the refusals of members that may not serve.

use crate::fields::saturating_i64;
use crate::state::MemberState;
use quire_bson::{Number, RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};

/// Less could not be told from the delay of heartbeats.
const STALENESS_MIN_SECS: i64 = 90;

/// Which kind of member is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    #[default]
    Primary,
    PrimaryPreferred,
    Secondary,
    SecondaryPreferred,
    Nearest,
}

const MODES: &[(&str, Mode)] = &[
    ("primary", Mode::Primary),
    ("primaryPreferred", Mode::PrimaryPreferred),
    ("secondary", Mode::Secondary),
    ("secondaryPreferred", Mode::SecondaryPreferred),
    ("nearest", Mode::Nearest),
];

/// A read preference. Its tags, staleness and hedging concern the driver's choice, which is made
/// when the request arrives, so they are checked and not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadPreference {
    pub mode: Mode,
}

impl ReadPreference {
    pub fn parse(doc: RawDoc<'_>) -> Result<ReadPreference> {
        let mut mode = None;
        let (mut has_tags, mut has_staleness, mut hedges) = (false, false, false);
        for element in doc {
            let value = element.value();
            match element.key() {
                "mode" => mode = Some(parse_mode(value)?),
                "tags" => has_tags = check_tags(value)?,
                "maxStalenessSeconds" => has_staleness = check_staleness(value)?,
                "hedge" => hedges = check_hedge(value)?,
                other => {
                    return Err(CommandError::location(
                        40415,
                        format!("BSON field '$readPreference.{other}' is an unknown field."),
                    ));
                }
            }
        }
        let mode = mode.ok_or_else(|| {
            CommandError::location(
                40414,
                "BSON field '$readPreference.mode' is missing but a required field",
            )
        })?;
        let conflicts = [
            (has_tags, "Only empty tags are allowed with primary read preference"),
            (has_staleness, "maxStalenessSeconds can not be set for the primary mode"),
            (hedges, "cannot enable hedging for read preference mode 'primary'"),
        ];
        let conflict = conflicts.iter().find(|(is_set, _)| mode == Mode::Primary && *is_set);
        match conflict {
            Some((_, why)) => Err(CommandError::bad_value(*why)),
            None => Ok(ReadPreference { mode }),
        }
    }

    /// Whether a secondary may serve it.
    pub fn allows_secondary(self) -> bool {
        self.mode != Mode::Primary
    }
}

fn parse_mode(value: RawValue<'_>) -> Result<Mode> {
    let Some(name) = value.as_str() else {
        return Err(wrong_type("mode", value, "string"));
    };
    let known = MODES.iter().find(|(own, _)| *own == name).map(|(_, mode)| *mode);
    known.ok_or_else(|| {
        CommandError::bad_value(format!(
            "Enumeration value '{name}' for field '$readPreference.mode' is not a valid value."
        ))
    })
}

fn wrong_type(name: &str, value: RawValue<'_>, expected: &str) -> CommandError {
    CommandError::type_mismatch(format!(
        "BSON field '$readPreference.{name}' is the wrong type '{}', expected type{} '{expected}'",
        value.type_name(),
        if expected.starts_with('[') { "s" } else { "" },
    ))
}

/// Whether the tags ask for anything: an empty set matches every member.
fn check_tags(value: RawValue<'_>) -> Result<bool> {
    let sets = value.as_array().ok_or_else(|| wrong_type("tags", value, "array"))?;
    let mut asks = false;
    for element in sets {
        let Some(set) = element.value().as_document() else {
            return Err(CommandError::type_mismatch(format!(
                "Tags for a read preference must be an array of objects, found {}",
                element.value().type_name()
            )));
        };
        if let Some(odd) = set.iter().find(|tag| tag.value().as_str().is_none()) {
            return Err(CommandError::type_mismatch(format!(
                "Tag {} of a read preference must be a string, found {}",
                odd.key(),
                odd.value().type_name()
            )));
        }
        asks |= !set.is_empty();
    }
    Ok(asks)
}

fn check_staleness(value: RawValue<'_>) -> Result<bool> {
    let Some(number) = Number::from_raw(value) else {
        return Err(wrong_type("maxStalenessSeconds", value, "[long, int, decimal, double]"));
    };
    match saturating_i64(number) {
        ..0 => Err(CommandError::bad_value("maxStalenessSeconds must be a non-negative integer")),
        // No bound.
        0 => Ok(false),
        1..STALENESS_MIN_SECS => Err(CommandError::new(
            Code::MaxStalenessOutOfRange,
            format!("maxStalenessSeconds value can not be less than {STALENESS_MIN_SECS}"),
        )),
        STALENESS_MIN_SECS.. => Ok(true),
    }
}

fn check_hedge(value: RawValue<'_>) -> Result<bool> {
    let hedge = value.as_document().ok_or_else(|| wrong_type("hedge", value, "object"))?;
    match hedge.get("enabled") {
        None => Ok(true),
        Some(enabled) => {
            enabled.as_bool().ok_or_else(|| wrong_type("hedge.enabled", enabled, "bool"))
        }
    }
}

/// Where a command may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// On the primary alone.
    Primary,
    /// On a secondary too, if the client allows it.
    SecondaryIfAllowed,
    /// On every member that has the data.
    DataBearing,
    /// On every member, whatever it is doing.
    Anywhere,
}

/// Refuses a command that this member may not serve. `is_writable` is true on a primary that takes
/// writes.
pub fn check_may_serve(
    place: Where,
    preference: ReadPreference,
    state: MemberState,
    is_writable: bool,
) -> Result<()> {
    if is_writable || place == Where::Anywhere {
        return Ok(());
    }
    match place {
        Where::Primary => {
            return Err(CommandError::new(Code::NotWritablePrimary, "not primary"));
        }
        Where::SecondaryIfAllowed if !preference.allows_secondary() => {
            return Err(CommandError::new(
                Code::NotPrimaryNoSecondaryOk,
                "not primary and secondaryOk=false",
            ));
        }
        Where::SecondaryIfAllowed | Where::DataBearing | Where::Anywhere => {}
    }
    // A primary that does not take writes yet has everything a secondary has.
    if state.is_readable() {
        return Ok(());
    }
    Err(CommandError::new(
        Code::NotPrimaryOrSecondary,
        "node is not in primary or recovering state",
    ))
}

#[cfg(test)]
mod tests;
