//! The Stable API: what a client that declares `apiVersion` may ask for.
//!
//! Owns the generic arguments by which it is declared, the property by which a command says where it
//! belongs, and the checks between the two. Which commands belong to it is told by each command's own
//! file, and which stages by the table of stages.

mod usage;

#[cfg(test)]
mod tests;

pub(crate) use usage::Usage;

use crate::generic::mismatch;
use crate::parameters::Parameters;
use crate::registry::Command;
use quire_bson::{RawDoc, RawValue};
use quire_errors::{Code, CommandError, Result};
use quire_query::pipeline;
use std::fmt;

/// A version of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    One,
    /// There for tests of drivers, which can so see a command being deprecated or removed.
    Two,
    /// Whatever else a client wrote.
    Unknown,
}

impl Version {
    fn of(text: &str) -> Version {
        match text {
            "1" => Version::One,
            "2" => Version::Two,
            _ => Version::Unknown,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Version::One => "1",
            Version::Two => "2",
            Version::Unknown => "unknown",
        }
    }
}

/// What a command declares about the API it was written for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Declared {
    version: Option<Version>,
    strict: Option<bool>,
    deprecation_errors: Option<bool>,
}

impl Declared {
    /// Takes one of the three generic arguments.
    pub fn read(&mut self, name: &str, value: RawValue<'_>) -> Result<()> {
        let flag = |value: RawValue<'_>| {
            value.as_bool().ok_or_else(|| mismatch(name, value, "bool")).map(Some)
        };
        match name {
            "apiVersion" => {
                let text = value.as_str().ok_or_else(|| mismatch(name, value, "string"))?;
                self.version = Some(Version::of(text));
            }
            "apiStrict" => self.strict = flag(value)?,
            _ => self.deprecation_errors = flag(value)?,
        }
        Ok(())
    }

    fn is_strict(&self) -> bool {
        self.strict == Some(true)
    }

    /// Refuses a command that goes on with what another began, under another API.
    pub fn check_same(&self, began: &Declared) -> Result<()> {
        if self == began {
            return Ok(());
        }
        Err(CommandError::new(
            Code::APIMismatchError,
            format!(
                "API parameter mismatch: getMore used params {self}, the cursor-creating command \
                 used {began}"
            ),
        ))
    }
}

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = self.version.map(|version| format!("apiVersion: \"{}\"", version.name()));
        let strict = self.strict.map(|flag| format!("apiStrict: {flag}"));
        let errors = self.deprecation_errors.map(|flag| format!("apiDeprecationErrors: {flag}"));
        let given: Vec<String> = [version, strict, errors].into_iter().flatten().collect();
        if given.is_empty() {
            return f.write_str("{}");
        }
        write!(f, "{{ {} }}", given.join(", "))
    }
}

/// Where a command belongs.
#[derive(Clone, Copy)]
pub struct Api {
    pub versions: &'static [Version],
    pub deprecated_in: &'static [Version],
    /// Fields of its own that a strict client may not use.
    unstable: &'static [&'static str],
    /// Looks for what a strict client may not use further down.
    within: fn(RawDoc<'_>) -> Result<()>,
}

impl Api {
    /// In no version: clients may use it unless they are strict.
    pub const NONE: Api =
        Api { versions: &[], deprecated_in: &[], unstable: &[], within: |_| Ok(()) };

    pub const V1: Api = Api { versions: &[Version::One], ..Api::NONE };

    pub const V2: Api = Api { versions: &[Version::Two], ..Api::NONE };

    pub const BOTH: Api = Api { versions: &[Version::One, Version::Two], ..Api::NONE };

    /// The same without these fields.
    pub const fn without(self, unstable: &'static [&'static str]) -> Api {
        Api { unstable, ..self }
    }

    /// The same with a look at what the fields hold.
    pub const fn looking_within(self, within: fn(RawDoc<'_>) -> Result<()>) -> Api {
        Api { within, ..self }
    }

    /// The same, about to go in this version.
    pub const fn deprecated_in(self, versions: &'static [Version]) -> Api {
        Api { deprecated_in: versions, ..self }
    }

    /// Refuses what is in a command's fields and not in the API.
    pub fn check_fields(&self, command: &str, body: RawDoc<'_>) -> Result<()> {
        for element in body.iter().skip(1) {
            if self.unstable.contains(&element.key()) {
                return Err(not_stable(&format!("{command}.{}", element.key())));
            }
        }
        (self.within)(body)
    }
}

/// Refuses a command that does not go together with what its client declares.
pub fn check(
    parameters: &Parameters,
    command: &Command,
    declared: &Declared,
    body: RawDoc<'_>,
) -> Result<()> {
    let Some(version) = declared.version else { return check_undeclared(parameters, declared) };
    check_version(parameters, version)?;
    let (name, shown) = (command.name, version.name());
    if declared.is_strict() {
        if !command.api.versions.contains(&version) {
            return Err(CommandError::new(
                Code::APIStrictError,
                format!(
                    "Provided apiStrict:true, but the command {name} is not in API Version \
                     {shown}. Information on supported commands and migrations in API Version \
                     {shown} can be found at https://dochub.mongodb.org/core/manual-versioned-api."
                ),
            ));
        }
        command.api.check_fields(name, body)?;
    }
    let deprecated = command.api.deprecated_in.contains(&version);
    if deprecated && declared.deprecation_errors == Some(true) {
        return Err(CommandError::new(
            Code::APIDeprecationError,
            format!(
                "Provided apiDeprecationErrors:true, but the command {name} is deprecated in API \
                 Version {shown}."
            ),
        ));
    }
    Ok(())
}

fn check_undeclared(parameters: &Parameters, declared: &Declared) -> Result<()> {
    if declared.strict.is_some() || declared.deprecation_errors.is_some() {
        return Err(CommandError::location(
            4_886_600,
            "Provided apiStrict and/or apiDeprecationErrors without passing apiVersion",
        ));
    }
    if !parameters.requires_api_version() {
        return Ok(());
    }
    Err(CommandError::location(
        498_870,
        "The apiVersion parameter is required, please configure your MongoClient's API version",
    ))
}

fn check_version(parameters: &Parameters, version: Version) -> Result<()> {
    let words = match version {
        Version::One => return Ok(()),
        Version::Two if parameters.accepts_api_version_2() => return Ok(()),
        Version::Two => "Cannot accept API version 2",
        Version::Unknown => "API version must be \"1\"",
    };
    Err(CommandError::new(Code::APIVersionError, words))
}

/// Refuses stages that are not in the API.
pub fn check_pipeline(stages: RawDoc<'_>) -> Result<()> {
    let stages = stages.iter().filter_map(|stage| stage.value().as_document());
    for stage in stages.filter_map(|stage| stage.nth(0)) {
        let name = stage.key();
        if name == "$collStats" {
            check_collection_statistics(stage.value())?;
        } else if !pipeline::is_in_stable_api(name) {
            return Err(CommandError::new(
                Code::APIStrictError,
                format!("{name} is not allowed with 'apiStrict: true' in API Version 1"),
            ));
        }
    }
    Ok(())
}

fn check_collection_statistics(options: RawValue<'_>) -> Result<()> {
    let others = ["latencyStats", "queryExecStats", "storageStats"];
    let options = options.as_document().unwrap_or(RawDoc::EMPTY);
    if others.iter().all(|other| options.get(other).is_none()) {
        return Ok(());
    }
    Err(CommandError::new(
        Code::APIStrictError,
        "only the 'count' option to $collStats is supported in API Version 1",
    ))
}

/// The error for a field, by its path, that a strict client may not use.
pub fn not_stable(path: &str) -> CommandError {
    CommandError::new(
        Code::APIStrictError,
        format!("BSON field '{path}' is not allowed with apiStrict:true."),
    )
}
