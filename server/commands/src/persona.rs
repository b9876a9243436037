//! Which MongoDB version this server shows itself as.
//!
//! Owns the versions that can be shown (`--emulateVersion`) and, in [`table`], every behaviour that
//! differs between them. Nothing else compares versions: whoever behaves differently asks
//! [`Persona::has`].

pub(crate) mod arguments;
pub(crate) mod dollar_names;
pub(crate) mod fault_data;
mod table;
pub(crate) mod wording;

pub use table::Behaviour;

/// A version as far as behaviour depends on it: major and minor.
pub type Version = (u8, u8);

/// A version that can be shown.
#[derive(Debug, PartialEq, Eq)]
struct Release {
    version: Version,
    /// The release it says it is: late ones, because drivers ask for fixes that came late.
    patch: u8,
    wire_version: i32,
}

static RELEASES: &[Release] = &[
    Release { version: (4, 0), patch: 28, wire_version: 7 },
    Release { version: (4, 2), patch: 24, wire_version: 8 },
    Release { version: (4, 4), patch: 29, wire_version: 9 },
    Release { version: (5, 0), patch: 31, wire_version: 13 },
    Release { version: (6, 0), patch: 20, wire_version: 17 },
    Release { version: (7, 0), patch: 16, wire_version: 21 },
    DEFAULT,
    Release { version: (8, 2), patch: 1, wire_version: 27 },
    Release { version: (9, 0), patch: 0, wire_version: 29 },
];

const DEFAULT: Release = Release { version: (8, 0), patch: 4, wire_version: 25 };

/// The version that is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Persona(&'static Release);

impl Default for Persona {
    fn default() -> Persona {
        Persona(&DEFAULT)
    }
}

impl Persona {
    /// The persona of a version as an operator writes it: `4.2`, or `4.2.24` with any patch.
    pub fn named(text: &str) -> Option<Persona> {
        let mut numbers = text.split('.').map(str::parse::<u8>);
        let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
            return None;
        };
        let rest_is_a_patch = numbers.next().is_none_or(|patch| patch.is_ok());
        if !rest_is_a_patch || numbers.next().is_some() {
            return None;
        }
        RELEASES.iter().find(|release| release.version == (major, minor)).map(Persona)
    }

    /// Every name there is, for whoever gave another one.
    pub fn names() -> String {
        let name = |release: &Release| format!("{}.{}", release.version.0, release.version.1);
        RELEASES.iter().map(name).collect::<Vec<_>>().join(", ")
    }

    pub fn has(self, behaviour: Behaviour) -> bool {
        let (since, before) = behaviour.span();
        since <= self.0.version && self.0.version < before
    }

    /// `8.0.4`
    pub fn version(self) -> String {
        let [major, minor, patch, _] = self.version_array();
        format!("{major}.{minor}.{patch}")
    }

    pub fn version_array(self) -> [i32; 4] {
        let (major, minor) = self.0.version;
        [i32::from(major), i32::from(minor), i32::from(self.0.patch), 0]
    }

    /// `8.0`
    pub fn feature_compatibility_version(self) -> String {
        format!("{}.{}", self.0.version.0, self.0.version.1)
    }

    /// The `X.0` before it, from which one upgrades to it.
    pub fn predecessor(self) -> Option<Persona> {
        let earlier = RELEASES.iter().rev().filter(|release| release.version < self.0.version);
        earlier.map(Persona).next()
    }

    pub fn wire_version(self) -> i32 {
        self.0.wire_version
    }
}

#[cfg(test)]
mod tests;
