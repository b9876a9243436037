//! Named write concerns over tags: `settings.getLastErrorModes`.
//!
//! A mode asks, for each of its tag keys, for so many different values among the members that have
//! the write. Owns reading, writing and counting them.

use super::MemberConfig;
use crate::fields::saturating_i64;
use quire_bson::{Bson, Document, Number, RawDoc};
use quire_errors::{CommandError, Result};

/// So many different values of one tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    pub key: String,
    pub values_min: i32,
}

/// A named write concern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WriteMode {
    pub name: String,
    pub constraints: Vec<Constraint>,
}

impl WriteMode {
    pub(super) fn parse_all(doc: RawDoc<'_>) -> Result<Vec<WriteMode>> {
        let mut modes: Vec<WriteMode> = Vec::new();
        for element in doc {
            let name = element.key();
            if modes.iter().any(|mode| mode.name == name) {
                return Err(CommandError::bad_value(format!(
                    "settings.getLastErrorModes contains multiple fields named {name}"
                )));
            }
            let Some(constraints) = element.value().as_document() else {
                return Err(CommandError::type_mismatch(format!(
                    "Expected settings.getLastErrorModes.{name} to be an Object, not {}",
                    element.value().type_name()
                )));
            };
            let constraints = parse_constraints(name, constraints)?;
            modes.push(WriteMode { name: name.to_owned(), constraints });
        }
        Ok(modes)
    }

    pub(super) fn to_document(&self) -> Document {
        let constraints = self.constraints.iter();
        constraints.map(|c| (c.key.clone(), Bson::Int32(c.values_min))).collect()
    }
}

fn parse_constraints(mode: &str, doc: RawDoc<'_>) -> Result<Vec<Constraint>> {
    let mut constraints: Vec<Constraint> = Vec::new();
    for element in doc {
        let path = format!("settings.getLastErrorModes.{mode}.{}", element.key());
        let value = element.value();
        let Some(count) = Number::from_raw(value).map(saturating_i64) else {
            return Err(CommandError::type_mismatch(format!(
                "Expected {path} to be a number, not {}",
                value.type_name()
            )));
        };
        if count <= 0 {
            return Err(CommandError::bad_value(format!(
                "Value of {path} must be positive, but found {count}"
            )));
        }
        if constraints.iter().any(|c| c.key == element.key()) {
            return Err(CommandError::bad_value(format!("{path} is there more than once")));
        }
        let values_min = i32::try_from(count).unwrap_or(i32::MAX);
        constraints.push(Constraint { key: element.key().to_owned(), values_min });
    }
    Ok(constraints)
}

impl Constraint {
    /// Whether these members have enough different values of the tag between them.
    pub fn is_met_by<'a>(&self, members: impl Iterator<Item = &'a MemberConfig>) -> bool {
        let mut seen: Vec<&str> = Vec::new();
        for tag in members.flat_map(|member| &member.tags) {
            if tag.key == self.key && !seen.contains(&tag.value.as_str()) {
                seen.push(&tag.value);
            }
        }
        i32::try_from(seen.len()).unwrap_or(i32::MAX) >= self.values_min
    }
}
