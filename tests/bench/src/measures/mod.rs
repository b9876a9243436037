//! What is no load: memory, starting, sizes. A measure is one file here and one line in [`ALL`].
//!
//! Owns the form of what they find.

mod binary;
mod disk;
mod growth;
mod idle;
mod memory;
mod start;

use crate::arguments::Options;
use quire_tests::Result;

/// Every measure, in the order they are taken.
pub(crate) static ALL: &[&dyn Measure] = &[
    &idle::IdleConnections,
    &memory::IdleNode,
    &memory::NodeUnderLoad,
    &start::Start,
    &growth::Growth,
    &disk::DiskPerDocument,
    &binary::Binary,
];

pub(crate) trait Measure: Sync {
    fn name(&self) -> &'static str;

    /// One line for the reader of the figures.
    fn summary(&self) -> &'static str;

    fn take(&self, options: &Options) -> Result<Vec<Fact>>;
}

/// One figure.
pub(crate) struct Fact {
    pub(crate) what: String,
    pub(crate) value: f64,
    pub(crate) unit: &'static str,
    pub(crate) reach: Option<Reach>,
}

#[derive(Clone, Copy)]
pub(crate) enum Reach {
    AtLeast(f64),
    AtMost(f64),
}

impl Reach {
    pub(crate) fn sign(self) -> &'static str {
        match self {
            Reach::AtLeast(_) => ">=",
            Reach::AtMost(_) => "<=",
        }
    }

    pub(crate) fn bound(self) -> f64 {
        match self {
            Reach::AtLeast(bound) | Reach::AtMost(bound) => bound,
        }
    }

    pub(crate) fn holds(self, value: f64) -> bool {
        match self {
            Reach::AtLeast(bound) => value >= bound,
            Reach::AtMost(bound) => value <= bound,
        }
    }
}

impl Fact {
    fn new(what: impl Into<String>, value: f64, unit: &'static str) -> Fact {
        Fact { what: what.into(), value, unit, reach: None }
    }

    fn reaching(self, reach: Reach) -> Fact {
        Fact { reach: Some(reach), ..self }
    }
}

/// The measure `name`.
pub(crate) fn by_name(name: &str) -> Option<&'static dyn Measure> {
    ALL.iter().copied().find(|measure| measure.name() == name)
}
